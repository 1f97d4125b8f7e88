"""Studies that go on until all is decided: rounds, stopping and resuming, and what is trained at all."""

import msgspec
import pytest

import overfitlab
from overfitlab.api import listing
from overfitlab.errors import CancelledError, UsageError
from overfitlab.events import CostsBegan, Listener, RoundRead, StudyOpened, TaskFinished, TaskStarted
from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats.design import Design, Until
from overfitlab.study.wanted import UntilDecided

FEW = {
    "data": "digits", "protocol": "quick", "epochs": 1, "training_images": 60, "until_decided": 6,
    "precision": "float32", "threads": 1, "verbose": False,
}  # fmt: skip
NOTHING_MATTERS = "100,100"  # differences so large that nothing else is ever seen


class Ears(Listener):
    def __init__(self, stop_after=None):
        self.heard, self.stop_after = [], stop_after

    def on(self, event):
        self.heard.append(event)
        if isinstance(event, TaskFinished) and event.done == self.stop_after:
            self.cancel()

    def of(self, kind):
        return [event for event in self.heard if isinstance(event, kind)]


def words(study):
    verdict = msgspec.to_builtins(study.judged())
    for method in verdict["methods"]:
        del method["seconds_per_epoch"], method["peak_memory_mb"]
    for contrast in verdict["contrasts"]:
        del contrast["time_ratio"], contrast["time_quartiles"]
    return verdict | {"study": ""}


def seeds_of(study, method):
    return sorted(run.record.config.seed for run in study.runs if run.record.config.method.startswith(method))


@pytest.mark.slow
def test_all_is_decided_in_the_first_round(tmp_path):
    ears = Ears()
    study = overfitlab.compare(
        ["dropout"], out=tmp_path / "s", equivalence=NOTHING_MATTERS, listener=ears, jobs=1, **FEW
    )
    [contrast] = study.judged().contrasts
    assert [each.verdict for each in (contrast.metric, contrast.gap)] == ["equivalent"] * 2
    assert (contrast.metric.decided_at, contrast.metric.n, study.judged().progress.wanted) == (4, 4, ())
    assert seeds_of(study, "none") == seeds_of(study, "dropout") == [0, 1, 2, 3]
    [read] = ears.of(RoundRead)
    assert (read.progress.round, read.forecast, read.verdict.contrasts[0].metric.verdict) == (4, None, "equivalent")


@pytest.fixture(scope="module")
def undecided(tmp_path_factory):
    """A study that reaches its maximum, with one run at once, and what was told of it."""
    folder, ears = tmp_path_factory.mktemp("undecided") / "s", Ears()
    return overfitlab.compare(["l2", "dropout"], out=folder, equivalence="0,0", jobs=1, listener=ears, **FEW), ears


@pytest.mark.slow
def test_nothing_is_added_beyond_the_maximum(undecided):
    study, ears = undecided
    verdict = study.judged()
    assert verdict.progress.round == verdict.seeds == 6
    assert verdict.over
    assert seeds_of(study, "none") == list(range(6))
    rounds = [event.progress.round for event in ears.of(RoundRead)]
    assert rounds == list(range(4, 7))
    assert [event.forecast is None for event in ears.of(RoundRead)] == [False, False, True]
    assert study.status == "finished"


@pytest.mark.slow
def test_the_number_of_jobs_and_a_stop_change_no_word(undecided, tmp_path):
    arguments = {"methods": ["l2", "dropout"], "out": tmp_path / "s", "equivalence": "0,0", **FEW}
    with pytest.raises(CancelledError):
        overfitlab.compare(jobs=2, listener=Ears(stop_after=13), **arguments)
    ears = Ears()
    study = overfitlab.compare(jobs=2, listener=ears, **arguments)
    assert not ears.of(CostsBegan)
    assert len(ears.of(StudyOpened)[0].finished) >= 13
    assert words(study) == words(undecided[0])
    again = Ears()
    assert words(overfitlab.compare(jobs=2, listener=again, **arguments)) == words(study)
    assert not again.of(TaskStarted)


@pytest.mark.slow
def test_what_was_trained_ahead_of_a_decision_leaves_no_unfinished_run(tmp_path):
    study = overfitlab.compare(["dropout"], out=tmp_path / "s", equivalence=NOTHING_MATTERS, jobs=3, **FEW)
    assert {run.record.status for run in study.runs} == {"finished"}
    assert study.judged().contrasts[0].metric.n == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": 7}, "--seeds fixes the number of seeds and --until-decided leaves it open"),
        ({"until_decided": 5}, "largest number of seeds must be a whole number from 6 to 100"),
        ({"until_decided": "many"}, "--until-decided takes the maximum number of seeds, or none"),
        ({"until_decided": "none", "budget": "10m"}, "needs a maximum"),
        ({"alpha": 0.0}, "--alpha must be from"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(settings, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        overfitlab.compare(["dropout"], out=tmp_path / "s", **FEW | settings)
    assert not (tmp_path / "s").exists()


@pytest.fixture
def end_of():
    """What a run amounts to, from its test accuracy and its gap."""

    def made(accuracy, gap):
        return Endpoints(
            accuracy=accuracy, gap=gap, onset_accuracy=accuracy, onset_gap=gap, train_acc=0.9, val_acc=0.9 - gap,
            loss_gap=0.1, onset=2, acc_drop=0.0, loss_rise=0.0, best_epoch=2, epochs=3, seconds_per_epoch=2.0,
            parameters=10, peak_memory_mb=None,
        )  # fmt: skip

    return made


LABELS = {"none": "none", "far": "far", "near": "near"}
CONTRASTS = [("far", "none"), ("near", "none")]


def asked(maximum=12):
    return Design("s", LABELS, CONTRASTS, range(maximum), (maximum,), 1, 0.05, 0.5, 1.0, 1000, 1000, Until(maximum))


def ended(end_of, seeds, shift):
    """Return runs of every method at the seeds; `far` differs by 20 points on both axes, `near` by chance."""
    noise = [0.011, -0.004, 0.006, -0.012, 0.003, 0.009, -0.008, 0.002, -0.001, 0.012, -0.006, 0.004]
    found = []
    for place, method in enumerate(LABELS):
        for seed in seeds:
            accuracy, gap = noise[(seed + place) % 12], noise[(seed * 5 + place) % 12]
            effect = shift.get(method, 0)
            found.append(
                Outcome(method, seed, f"{method}{seed}", end_of(0.7 + effect + accuracy, 0.3 - effect + gap), [])
            )
    return found


def test_a_method_all_of_whose_contrasts_are_decided_trains_no_further(end_of):
    wanted, shift = UntilDecided(asked()), {"far": 0.2}
    first = wanted.after([], set(), 2)
    assert list(first.needed) == [(method, seed) for seed in range(4) for method in LABELS]
    assert list(first.ahead) == [("none", 4), ("far", 4)]
    found = wanted.after(ended(end_of, range(6), shift), set(), 2)
    assert found.progress.round == 6
    assert found.progress.wanted == ("none", "near")
    assert [run for run in found.needed if run[1] == 6] == [("none", 6), ("near", 6)]
    verdict = wanted.verdict(ended(end_of, range(6), shift), set())
    far, near = verdict.contrasts
    assert (far.metric.verdict, far.gap.verdict) == ("helps", "helps")
    assert max(far.metric.decided_at, far.gap.decided_at) == far.metric.n < near.metric.n == 6


def test_a_run_that_is_missing_blocks_its_round_and_one_that_was_given_up_does_not(end_of):
    runs = [run for run in ended(end_of, range(8), {}) if (run.method, run.seed) != ("near", 5)]
    wanted = UntilDecided(asked())
    assert wanted.after(runs, set(), 1).progress.round == 5
    given_up = wanted.after(runs, {("near", 5)}, 1)
    assert given_up.progress.round == 8
    assert wanted.verdict(runs, {("near", 5)}).contrasts[1].metric.n == 7


def test_at_its_maximum_nothing_more_is_wanted(end_of):
    found = UntilDecided(asked(6)).after(ended(end_of, range(6), {}), set(), 4)
    assert (found.progress.wanted, list(found.needed), list(found.ahead)) == ((), [], [])


@pytest.mark.slow
def test_a_list_names_no_number_of_seeds(undecided):
    study, _ = undecided
    [entry] = listing.listed(study.folder.parent)
    assert entry.what.endswith("on digits, until everything is decided")
    assert "finished, until everything is decided, 18 runs have ended" in listing.show(study.folder)[1]
