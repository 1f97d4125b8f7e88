"""Events: what a listener is told, in which order; and that it can end what runs, which then goes on to the bit."""

import hashlib
import itertools
import threading
from pathlib import Path

import numpy as np
import pytest

import overfitlab
from overfitlab import events
from overfitlab.data.catalog.download import fetch_file, part_of
from overfitlab.errors import CancelledError
from overfitlab.events import (
    CostsBegan,
    EpochBegan,
    EpochEnded,
    Event,
    ImagesLoaded,
    Listener,
    MeasuringBegan,
    RunBegan,
    RunEnded,
    Several,
    StepDone,
    StudyEnded,
    StudyOpened,
    StudyPlanned,
    StudyStopping,
    TaskAdvanced,
    TaskBegan,
    TaskEnded,
    TaskFinished,
    TasksAdvanced,
    TaskStarted,
    ValidationBegan,
    listening,
)
from overfitlab.reasons import reason
from overfitlab.training import loop

RUN = {
    "method": "dropout", "data": "digits", "protocol": "quick", "training_images": 60, "epochs": 4, "threads": 1,
    "precision": "float32", "verbose": False,
}  # fmt: skip
STUDY = {
    "methods": ["l2"], "data": "digits", "protocol": "quick", "training_images": 60, "epochs": 3, "seeds": 2,
    "threads": 1, "jobs": 1, "precision": "float32", "verbose": False,
}  # fmt: skip
FILES = ("weights.safetensors", "probabilities.safetensors")


class Ears(Listener):
    """Remembers what it is told; its `__init__` calls nobody's."""

    def __init__(self):
        self.heard, self.closed = [], 0

    def on(self, event):
        assert isinstance(event, Event)
        self.heard.append(event)

    def close(self):
        self.closed += 1

    @property
    def kinds(self):
        """The kinds of events; of those that follow each other, one."""
        return [kind for kind, _ in itertools.groupby(type(event) for event in self.heard)]

    def of(self, kind):
        return [event for event in self.heard if isinstance(event, kind)]


class Cancelling(Ears):
    """Cancels from another thread, where an event is the right one."""

    def __init__(self, when):
        super().__init__()
        self._when = when

    def on(self, event):
        super().on(event)
        if self._when(event):
            other = threading.Thread(target=self.cancel)
            other.start()
            other.join()


def without_seconds(run):
    return [
        (row.epoch, row.loss, row.acc, row.val_loss, row.val_acc, row.train_loss, row.train_acc) for row in run.rows
    ]


@pytest.fixture(scope="module")
def uncancelled(tmp_path_factory):
    return overfitlab.train(**RUN, out=tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def uncancelled_study(tmp_path_factory):
    return overfitlab.compare(**STUDY, out=tmp_path_factory.mktemp("whole") / "study")


def test_it_is_public():
    assert overfitlab.Listener is Listener
    assert "Listener" in dir(overfitlab)
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]
    assert len(kinds) > 20
    assert all(kind.__doc__ for kind in kinds)


@pytest.mark.slow
def test_what_a_training_tells(monkeypatch):
    monkeypatch.setattr(loop, "TELL_SECONDS", 0.0)
    ears = Ears()
    run = overfitlab.train(**RUN, out="run", listener=ears)
    an_epoch = [EpochBegan, StepDone, ValidationBegan, EpochEnded]
    assert ears.kinds == [ImagesLoaded, RunBegan, *an_epoch * 4, MeasuringBegan, RunEnded]
    assert ears.closed == 1
    [images], [began], [ended] = ears.of(ImagesLoaded), ears.of(RunBegan), ears.of(RunEnded)
    assert (images.name, images.images, images.image_shape, images.classes) == ("digits", 1797, (8, 8, 1), 10)
    assert (began.rows, began.notes, began.changed) == ([], [], [])
    assert began.record.status == "running"
    assert [(each.epoch, each.epochs, each.steps) for each in ears.of(EpochBegan)] == [(n, 4, 2) for n in range(1, 5)]
    assert [each.step for each in ears.of(StepDone)] == [1, 2] * 4
    assert [each.row for each in ears.of(EpochEnded)] == ended.rows == run.rows
    assert (ended.folder, ended.record, ended.before) == ("run", run.record, False)

    again = Ears()
    overfitlab.train(**RUN, out="run", listener=again)
    assert again.kinds == [ImagesLoaded, RunEnded]
    assert again.of(RunEnded)[0].before
    assert again.of(RunEnded)[0].rows == run.rows


@pytest.mark.slow
def test_what_a_study_tells():
    ears = Ears()
    study = overfitlab.compare(**STUDY, out="study", listener=ears)
    assert ears.kinds[:4] == [ImagesLoaded, CostsBegan, StudyPlanned, StudyOpened]
    assert ears.kinds[-1] is StudyEnded
    assert ears.closed == 1
    trained = [kind for kind in ears.kinds[4:-1] if kind is not TasksAdvanced]
    assert trained == [TaskStarted, TaskFinished] * 4  # with one job, one run after the other
    assert ears.of(TasksAdvanced)
    [costs], [planned], [opened], [ended] = map(ears.of, (CostsBegan, StudyPlanned, StudyOpened, StudyEnded))
    assert costs.methods == 2
    assert (planned.jobs, planned.record.id) == (1, study.record.id)
    assert (opened.finished, opened.total) == ([], 4)
    finished = ears.of(TaskFinished)
    assert [each.done for each in finished] == [1, 2, 3, 4]
    assert [(each.task.method, each.task.seed) for each in finished] == [
        (method, seed) for seed in (0, 1) for method in study.config.methods
    ]
    assert sorted(each.run.name for each in finished) == [run.name for run in study.stored]
    assert finished[-1].seconds_left == 0
    assert (ended.folder, ended.verdict, ended.before) == ("study", study.judged(), False)

    again = Ears()
    overfitlab.compare(**STUDY, out="study", listener=again)
    assert again.kinds == [ImagesLoaded, StudyEnded]
    assert again.of(StudyEnded)[0].before


@pytest.mark.slow
def test_a_function_will_do():
    heard = []
    overfitlab.train(**RUN | {"epochs": 1}, out="run", listener=heard.append)
    assert [type(event) for event in heard if not isinstance(event, StepDone)] == [
        ImagesLoaded, RunBegan, EpochBegan, ValidationBegan, EpochEnded, MeasuringBegan, RunEnded,
    ]  # fmt: skip
    heard.clear()
    overfitlab.evaluate("run", listener=heard.append)
    assert [kind for kind, _ in itertools.groupby(map(type, heard))] == [TaskBegan, TaskAdvanced, TaskEnded]
    assert heard[-2].done == heard[0].total == 359
    heard.clear()
    overfitlab.compare(**STUDY | {"epochs": 1, "seeds": 1}, out="study", listener=heard.append)
    assert isinstance(heard[0], ImagesLoaded)
    assert isinstance(heard[-1], StudyEnded)


def is_epoch(number, kind=EpochBegan):
    return lambda event: isinstance(event, kind) and getattr(event, "row", event).epoch == number


@pytest.mark.slow
@pytest.mark.parametrize(
    ("when", "kept"),
    [
        (is_epoch(3), 2),  # in the middle of an epoch, after its first step
        (is_epoch(2, EpochEnded), 2),
        (is_epoch(4, EpochEnded), 4),  # when nothing but the last measurement is left
        (lambda event: isinstance(event, MeasuringBegan), 4),
    ],
    ids=["in an epoch", "after an epoch", "after the last one", "before it is measured"],
)
def test_a_cancelled_training_goes_on_to_the_bit(uncancelled, when, kept):
    with pytest.raises(CancelledError, match="the same call continues"):
        overfitlab.train(**RUN, out="run", listener=(ears := Cancelling(when)))
    assert not ears.of(RunEnded)
    assert ears.closed == 1
    left = overfitlab.load_run("run")
    assert left.record.status == "interrupted"
    assert without_seconds(left) == without_seconds(uncancelled)[:kept]

    resumed = Ears()
    run = overfitlab.train(**RUN, out="run", listener=resumed)
    assert resumed.of(RunBegan)[0].rows == left.rows
    assert [each.epoch for each in resumed.of(EpochBegan)] == list(range(kept + 1, 5))
    assert without_seconds(run) == without_seconds(uncancelled)
    assert run.record.result.measured == uncancelled.record.result.measured
    for name in FILES:
        assert (run.folder / name).read_bytes() == (uncancelled.folder / name).read_bytes(), name


@pytest.mark.slow
def test_a_training_that_is_cancelled_before_it_begins_leaves_what_goes_on(uncancelled):
    ears = Ears()
    ears.cancel()
    with pytest.raises(CancelledError):
        overfitlab.train(**RUN, out="run", listener=ears)
    run = overfitlab.train(**RUN, out="run")
    assert without_seconds(run) == without_seconds(uncancelled)


@pytest.mark.slow
def test_a_cancelled_study_goes_on_to_the_bit(uncancelled_study):
    ears = Cancelling(lambda event: isinstance(event, TaskFinished) and event.done == 2)
    with pytest.raises(CancelledError, match="the same call continues"):
        overfitlab.compare(**STUDY, out="study", listener=ears)
    assert ears.kinds[-1] is StudyStopping
    assert ears.closed == 1
    left = overfitlab.load_study("study")
    assert left.status == "interrupted"
    assert left.judged().provisional
    ended = [run for run in left.stored if run.record.status == "finished"]
    assert len(ended) == 2
    touched = {run.name: (left.folder / "runs" / run.name / FILES[0]).stat().st_mtime_ns for run in ended}

    resumed = Ears()
    study = overfitlab.compare(**STUDY, out="study", listener=resumed)
    assert {run.name for run in resumed.of(StudyOpened)[0].finished} == touched.keys()
    assert not resumed.of(CostsBegan)
    assert study.status == "finished"
    for name, then in touched.items():
        assert (study.folder / "runs" / name / FILES[0]).stat().st_mtime_ns == then, "it was trained again"
    assert [run.folder.name for run in study.runs] == [run.folder.name for run in uncancelled_study.runs]
    for run, whole in zip(study.runs, uncancelled_study.runs, strict=True):
        assert without_seconds(run) == without_seconds(whole)
        for name in FILES:
            assert (run.folder / name).read_bytes() == (whole.folder / name).read_bytes(), f"{run.title}: {name}"
    for each, whole in zip(study.judged().contrasts, uncancelled_study.judged().contrasts, strict=True):
        assert (each.metric, each.gap) == (whole.metric, whole.gap)


@pytest.mark.slow
def test_a_run_that_is_cancelled_in_the_middle_of_a_study_goes_on(uncancelled_study):
    """It is stopped at a step, and taken up after its last saved epoch."""
    ears = Cancelling(lambda event: isinstance(event, TaskStarted))
    with pytest.raises(CancelledError):
        overfitlab.compare(**STUDY, out="study", listener=ears)
    study = overfitlab.compare(**STUDY, out="study")
    assert [run.record.result.measured for run in study.runs] == [
        run.record.result.measured for run in uncancelled_study.runs
    ]


@pytest.mark.slow
def test_a_study_that_is_cancelled_while_it_is_planned_leaves_nothing():
    ears = Cancelling(lambda event: isinstance(event, CostsBegan))
    with pytest.raises(CancelledError):
        overfitlab.compare(**STUDY, out="study", listener=ears)
    assert not ears.of(StudyPlanned)
    assert not Path("study").exists()


def test_a_cancelled_evaluation_says_so(uncancelled):
    with pytest.raises(CancelledError):
        overfitlab.evaluate(uncancelled, listener=Cancelling(lambda event: isinstance(event, TaskBegan)))


def test_a_cancelled_download_goes_on_with_the_rest(serve):
    content = np.random.default_rng(0).bytes(500_000)
    server, target = serve(content), Path("folder/file.bin")

    def fetch(listener):
        return fetch_file(
            [server.url], target, size=len(content), sha256=hashlib.sha256(content).hexdigest(), listener=listener
        )

    ears = Cancelling(lambda event: isinstance(event, TaskAdvanced) and event.done > 100_000)
    with pytest.raises(CancelledError):
        fetch(ears)
    assert ears.kinds == [TaskBegan, TaskAdvanced, TaskEnded]
    assert not target.exists()
    there = part_of(target).stat().st_size
    assert 100_000 < there < len(content)

    resumed = Ears()
    assert fetch(resumed)
    assert target.read_bytes() == content
    assert resumed.of(TaskBegan)[0].done == there
    assert server.asked == [None, f"bytes={there}-"]


def test_each_of_several_can_cancel():
    one, other = Ears(), Ears()
    together = Several(one, other)
    together.on(TaskEnded())
    together.check()
    other.cancel()
    with pytest.raises(CancelledError):
        together.check()
    assert one.heard == other.heard == [TaskEnded()]
    together.close()
    assert (one.closed, other.closed) == (1, 1)


def test_nobody_and_a_function_are_listeners_too():
    heard = []
    nobody, function = listening(None), listening(heard.append)
    for each in (nobody, function):
        each.on(TaskBegan(reason("predicting"), 3, "images"))
        each.advanced(1)
        each.close()
    assert heard == [TaskBegan(reason("predicting"), 3, "images"), TaskAdvanced(1)]
