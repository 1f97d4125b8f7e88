"""Whole studies, on a few digits."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import filelock
import msgspec
import pytest

import overfitlab
from overfitlab import machine
from overfitlab.config import PILOT_SEEDS
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.reasons import reason
from overfitlab.records import probabilities
from overfitlab.records.record_file import sealed
from overfitlab.study import session
from overfitlab.study.execute.local import LocalProcesses
from overfitlab.study.execute.messages import Train

FEW = {
    "data": "digits", "protocol": "quick", "epochs": 1, "training_images": 60, "seeds": 1, "precision": "float32",
    "threads": 1, "verbose": False,
}  # fmt: skip


def outcome(study):
    """Everything of a study that must not depend on how its runs were trained: weights, predictions, verdict."""
    names = ("weights.safetensors", "probabilities.safetensors")
    files = {run.folder.name: [(run.folder / name).read_bytes() for name in names] for run in study.runs}
    histories = {
        run.folder.name: {name: values for name, values in run.history.items() if name != "seconds"}
        for run in study.runs
    }
    verdict = msgspec.to_builtins(study.judged())
    for method in verdict["methods"]:
        del method["seconds_per_epoch"], method["peak_memory_mb"]
    for contrast in verdict["contrasts"]:
        del contrast["time_ratio"], contrast["time_quartiles"]
    return files, repr(histories), repr(verdict | {"study": ""})


@pytest.fixture
def nothing_trains(monkeypatch):
    monkeypatch.setattr(LocalProcesses, "_start", lambda *_: pytest.fail("a worker was started"))


def test_every_method_is_trained_at_every_seed(small_study, small_settings):
    study = overfitlab.load_study(small_study)
    assert study.status == "finished"
    runs = {(run.record.method, run.record.config.seed) for run in study.runs}
    assert runs == {(method, seed) for method in small_settings["methods"] for seed in range(4)}
    assert {run.record.status for run in study.runs} == {"finished"}
    written = json.loads((small_study / "verdict.json").read_text())
    assert (written.pop("format"), written.pop("made_with")) == (3, overfitlab.__version__)
    assert written == json.loads(json.dumps(msgspec.to_builtins(study.judged())))
    assert study.record.failures == {}
    assert study.record.plan.looks == (4,)


def test_a_run_of_a_study_is_the_run_that_train_would_make(small_study, tmp_path, small_settings):
    study = overfitlab.load_study(small_study)
    theirs = next(run for run in study.runs if run.record.method == "dropout" and run.record.config.seed == 2)
    settings = {name: value for name, value in small_settings.items() if name not in ("seeds", "methods", "contrasts")}
    mine = overfitlab.train("dropout", seed=2, out=tmp_path / "run", **settings)
    assert mine.record.id == theirs.record.id
    for name in ("weights.safetensors", "probabilities.safetensors"):
        assert (mine.folder / name).read_bytes() == (theirs.folder / name).read_bytes()


def test_runs_are_paired_by_their_seed(small_study):
    rows = {}
    for run in overfitlab.load_study(small_study).runs:
        seed = run.record.config.seed
        found = probabilities.read(run.folder / "probabilities.safetensors")
        rows.setdefault(seed, []).append((found["validation"].rows.tolist(), found["test"].rows.tolist()))
    assert all(each == of_seed[0] for of_seed in rows.values() for each in of_seed)
    validation = [of_seed[0][0] for of_seed in rows.values()]
    assert all(one != other for number, one in enumerate(validation) for other in validation[:number])
    assert len({tuple(of_seed[0][1]) for of_seed in rows.values()}) == 1  # the test images are always the same


@pytest.mark.slow
def test_the_number_of_jobs_changes_nothing(small_study, tmp_path, small_settings):
    alone = overfitlab.compare(jobs=1, out=tmp_path / "alone", **small_settings)
    assert outcome(alone) == outcome(overfitlab.load_study(small_study))


def test_a_finished_study_is_not_trained_again(small_study, nothing_trains, capsys, small_settings):
    loud = small_settings | {"verbose": True}
    again = overfitlab.compare(out=small_study, **loud)
    assert outcome(again) == outcome(overfitlab.load_study(small_study))
    assert "has already finished, so nothing is trained again" in capsys.readouterr().out


@pytest.mark.slow
def test_what_is_missing_is_trained_and_nothing_else(small_study, tmp_path, small_settings):
    folder = tmp_path / "study"
    shutil.copytree(small_study, folder)
    record = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_bytes(sealed(record | {"status": "interrupted"}))
    lost, *kept = sorted((folder / "runs").iterdir())
    shutil.rmtree(lost)
    times = [(run / "weights.safetensors").stat().st_mtime_ns for run in kept]
    again = overfitlab.compare(out=folder, **small_settings)
    assert [(run / "weights.safetensors").stat().st_mtime_ns for run in kept] == times
    assert outcome(again) == outcome(overfitlab.load_study(small_study))


@pytest.mark.slow
def test_a_finished_study_that_lost_a_run_trains_it_again(small_study, small_settings, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(small_study, folder)
    shutil.rmtree(next((folder / "runs").glob("dropout*")))
    again = overfitlab.compare(out=folder, **small_settings)
    assert outcome(again) == outcome(overfitlab.load_study(small_study))


@pytest.mark.slow
def test_what_a_kill_while_planning_leaves_is_no_obstacle(tmp_path):
    folder = tmp_path / "study"
    (folder / ".abc.overfitlab-tmp").mkdir(parents=True)
    (folder / "workers.log").touch()
    study = overfitlab.compare(["l2"], out=folder, **FEW)
    assert study.status == "finished"
    assert not (folder / ".abc.overfitlab-tmp").exists()


@pytest.mark.slow
def test_little_memory_means_fewer_runs_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(machine, "available_memory_mb", lambda: 700)
    most = [0]
    hand_out = LocalProcesses._hand_out

    def counting(self):
        hand_out(self)
        given = [each.given for each in self._workers if each.given is not None]
        most[0] = max(most[0], sum(isinstance(each.task, Train) for each in given))

    monkeypatch.setattr(LocalProcesses, "_hand_out", counting)
    overfitlab.compare(["l2"], jobs=2, out=tmp_path / "study", **FEW | {"verbose": True})
    assert "MB are free, so 1 run at once" in capsys.readouterr().out
    assert most == [1]


@pytest.mark.slow
def test_files_in_the_working_folder_are_no_modules(tmp_path):
    Path("random.py").write_text("raise SystemExit('mine')\n")
    assert overfitlab.compare(["l2"], out=tmp_path / "study", **FEW).status == "finished"


def test_another_process_is_refused(small_study, nothing_trains, tmp_path, small_settings):
    folder = tmp_path / "study"
    shutil.copytree(small_study, folder)
    with (
        filelock.FileLock(folder / ".lock"),
        pytest.raises(OverfitlabError, match=r"another process is running the study in .*; wait for it"),
    ):
        overfitlab.compare(out=folder, **small_settings)


@pytest.mark.parametrize("changes", [{"seeds": 5}, {"epochs": 4}, {"equivalence": "1"}, {"budget": "10m"}])
def test_a_folder_holds_one_question(small_study, nothing_trains, changes, small_settings):
    with pytest.raises(UsageError, match=r"holds a study with other settings .* planned beforehand"):
        overfitlab.compare(out=small_study, **small_settings | changes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"protocol": "notebook"}, r"notebook measures neither training images .* --protocol clean"),
        ({"seeds": 0}, "number of seeds must be a whole number from 1"),
        ({"seeds": "6,4"}, "each look at a study needs more seeds than the one before"),
        ({"seeds": "some"}, "--seeds takes a number"),
        ({"seeds": "2,4"}, "a look at fewer than 3 seeds cannot decide anything"),
        ({"vary": "nothing"}, "every seed is the same run"),
        ({"threads": 0}, "threads must be a whole number from 1"),
        ({"precision": "half"}, "unknown precision"),
        ({"jobs": 1.5}, "jobs must be a whole number"),
        ({"budget": 60}, "a budget is a time like"),
        ({"name": "x"}, "leave one of them out"),
        ({"first_seed": PILOT_SEEDS.start}, "were used to choose the defaults, so no verdict may use them"),
        ({"budget": "soon"}, "a budget is a time like"),
        ({"budget": "0m"}, "must be longer than"),
        ({"equivalence": "a"}, "--equivalence takes a margin"),
        ({"equivalence": "-1"}, "margin of equivalence for the metric must be from 0"),
        ({"equivalence": "1,nan"}, "margin of equivalence for the gap must be from 0"),
        ({"jobs": 0}, "jobs must be a whole number of at least 1"),
        ({"name": "../elsewhere", "out": None}, "is not a valid name for a study"),
        ({"name": "", "out": None}, "is not a valid name for a study"),
        ({"training_images": 5}, "5 training images are too few for 10 classes"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(settings, message, tmp_path):
    with pytest.raises(OverfitlabError, match=message):
        overfitlab.compare(["l2"], **{"out": tmp_path / "study"} | FEW | settings)
    assert not (tmp_path / "study").exists()


@pytest.mark.slow
def test_too_small_a_budget_leaves_nothing_behind(tmp_path):
    with pytest.raises(UsageError, match=r"a budget of 1s is too short: these methods and seeds take"):
        overfitlab.compare(["l2"], budget="1s", out=tmp_path / "study", **FEW | {"seeds": 40, "epochs": 3})
    assert not (tmp_path / "study").exists()


@pytest.mark.slow
def test_a_budget_is_kept_with_what_was_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("overfitlab.study.budget.LEAST_LEARNING", 0)
    monkeypatch.setattr("overfitlab.study.budget.LEAST_IMAGES", 40)
    monkeypatch.setattr("overfitlab.study.budget.LEAST_OF_A_CLASS", 4)
    settings = {name: value for name, value in FEW.items() if name not in ("training_images", "epochs")}
    settings["budget"] = "4s"
    study = overfitlab.compare(["none", "l2"], jobs=1, out=tmp_path / "study", **settings)
    plan = study.record.plan
    images = plan.protocol.training_images
    assert images < 200
    assert plan.gave_up[0] == reason("gave_up_training_images", now=images, before=200)
    assert {run.record.data.training for run in study.runs} == {images}


@pytest.fixture
def nothing_trains_after(monkeypatch):
    """From the call on, a run that is handed to a worker fails the test."""
    return lambda: monkeypatch.setattr(LocalProcesses, "submit", lambda *_: pytest.fail("a run was submitted"))


@pytest.fixture
def ill_fated(monkeypatch):
    """Kill the worker of a run as often as told, as soon as it has that run: `ill_fated("dropout", times=1)`."""

    def arm(method, times):
        left = [times]
        send = LocalProcesses._send

        def deadly(worker, message):
            send(worker, message)
            meant = isinstance(message, Train) and message.config.seed == 0
            if meant and message.config.method.startswith(method) and left[0]:
                left[0] -= 1
                worker.process.kill()

        monkeypatch.setattr(LocalProcesses, "_send", staticmethod(deadly))
        return left

    return arm


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced_and_its_run_tried_again(
    small_study, tmp_path, ill_fated, capsys, small_settings
):
    left = ill_fated("dropout", times=1)
    settings = small_settings | {"verbose": True}
    study = overfitlab.compare(jobs=2, out=tmp_path / "study", **settings)
    assert left == [0]
    assert re.search(
        r"dropout, seed 0: its process was killed by SIGKILL.*; it is tried again", capsys.readouterr().out
    )
    assert study.record.failures == {}
    assert outcome(study) == outcome(overfitlab.load_study(small_study))


@pytest.mark.slow
def test_a_run_that_fails_twice_counts_as_failed_and_its_siblings_go_on(
    small_study, tmp_path, ill_fated, small_settings
):
    ill_fated("dropout", times=2)
    arguments = {"jobs": 2, "out": tmp_path / "study", **small_settings}
    study = overfitlab.compare(**arguments)
    [(name, failure)] = study.record.failures.items()
    assert name.startswith("dropout-seed0")
    assert failure.attempts == 2
    verdict = study.judged()
    assert verdict.provisional  # a word now would be a look that was not paid for: the run may still come
    assert [contrast.metric.n for contrast in verdict.contrasts] == [3, 4, 3]
    assert [contrast.missing for contrast in verdict.contrasts] == [1, 0, 1]
    again = overfitlab.compare(**arguments)  # the same command tries it again
    assert again.record.failures == {}
    assert outcome(again) == outcome(overfitlab.load_study(small_study))


@pytest.mark.slow
def test_a_failed_run_that_is_given_up_is_not_tried_again(tmp_path, ill_fated, nothing_trains_after, small_settings):
    ill_fated("dropout", times=2)
    arguments = {"jobs": 2, "out": tmp_path / "study", **small_settings}
    overfitlab.compare(**arguments)
    nothing_trains_after()
    study = overfitlab.compare(give_up=True, **arguments)
    [failure] = study.record.failures.values()
    assert failure.given_up
    verdict = study.judged()
    assert not verdict.provisional
    assert [contrast.metric.n for contrast in verdict.contrasts] == [3, 4, 3]
    assert all(contrast.metric.verdict for contrast in verdict.contrasts)
    assert overfitlab.compare(**arguments).record.failures == study.record.failures  # nor by the command without it


@pytest.mark.slow
def test_diverged_runs_are_counted_and_decide_nothing_in_their_favour(tmp_path):
    settings = FEW | {"learning_rate": 1e30, "seeds": 3, "epochs": 1}
    study = overfitlab.compare(["none", "dropout"], out=tmp_path / "study", **settings)
    verdict = study.judged()
    assert not verdict.provisional
    assert [method.diverged for method in verdict.methods] == [3, 3]
    [contrast] = verdict.contrasts
    assert (contrast.metric.verdict, contrast.metric.reason.code) == ("undecided", "no_pair_of_runs")
    assert verdict.recommended is None  # the baseline has nothing to show for itself


@pytest.mark.slow
@pytest.mark.parametrize(("decided", "seeds"), [(True, 3), (False, 4)])
def test_a_look_ends_the_study_if_all_is_decided(tmp_path, monkeypatch, decided, seeds):
    monkeypatch.setattr(session, "decided", lambda verdict: decided)
    study = overfitlab.compare(["none", "l2"], out=tmp_path / "study", **FEW | {"seeds": "3,4"})
    assert len(study.runs) == 2 * seeds
    verdict = study.judged()
    assert (verdict.seeds, verdict.look, verdict.looks, verdict.alpha) == (seeds, seeds - 2, (3, 4), 0.025)


@pytest.mark.slow
def test_seeds_that_were_seen_before_are_pointed_out(tmp_path, capsys):
    loud = FEW | {"verbose": True}
    overfitlab.compare(["none", "l2"], name="first", **loud)
    overfitlab.compare(["none", "l2"], name="more", **loud | {"seeds": 2})
    assert "The study first made the same comparison with seeds 0 to 0" in capsys.readouterr().out
    fresh = overfitlab.compare(["none", "l2"], name="fresh", first_seed=2, **loud)
    assert fresh.record.notes == []
    assert {run.record.config.seed for run in fresh.runs} == {2}


@pytest.mark.slow
def test_vary_decides_what_seeds_change(tmp_path):
    study = overfitlab.compare(["none", "l2"], out=tmp_path / "study", vary="init", **FEW | {"seeds": 2})
    rows = {
        tuple(probabilities.read(run.folder / "probabilities.safetensors")["validation"].rows) for run in study.runs
    }
    assert len(rows) == 1
    assert study.config.protocol.vary == ("init",)


@pytest.mark.slow
def test_train_like_a_study(small_study, tmp_path, monkeypatch):
    study = overfitlab.load_study(small_study)
    shown = replace(study.judged(), recommended=study.config.methods[1])
    monkeypatch.setattr("overfitlab.study.study.compute_verdict", lambda *_, **__: shown)
    run = overfitlab.train(like=small_study, out=tmp_path / "run", threads=1)
    assert run.record.config.method == study.config.methods[1]
    assert run.record.data.training == 1006  # all of them
    assert run.record.data.validation == 432
    assert run.record.config.protocol.epochs == 3
    with pytest.raises(UsageError, match=f"the learning rate {run.record.config.protocol.learning_rate:g} of this"):
        overfitlab.train(like=small_study, optimizer="sgd", out=tmp_path / "sgd", verbose=False)
    named = overfitlab.train("l2", like=small_study, epochs=1, out=tmp_path / "named", threads=1, verbose=False)
    assert named.record.config.method.startswith("l2")
    assert named.record.config.protocol.epochs == 1


def test_a_study_that_showed_nothing_recommends_nothing(small_study, tmp_path, monkeypatch):
    nothing = replace(overfitlab.load_study(small_study).judged(), recommended=None)
    monkeypatch.setattr("overfitlab.study.study.compute_verdict", lambda *_, **__: nothing)
    with pytest.raises(UsageError, match="has shown no method to be better, so it recommends none; name one"):
        overfitlab.train(like=small_study, out=tmp_path / "run", verbose=False)
    assert not (tmp_path / "run").exists()


def test_an_unfinished_study_recommends_nothing(small_study, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(small_study, folder)
    shutil.rmtree(next((folder / "runs").iterdir()))
    with pytest.raises(UsageError, match="is not finished, so it recommends nothing yet"):
        overfitlab.train(like=folder, out=tmp_path / "run", verbose=False)
    assert not (tmp_path / "run").exists()
