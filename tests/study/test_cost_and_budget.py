"""What a study takes, and how it is fitted into a time that was given."""

import shlex

import pytest

from overfitlab import optimization
from overfitlab.arguments import seconds as seconds_of
from overfitlab.config import CLEAN, QUICK, fitted, protocol_named
from overfitlab.errors import UsageError
from overfitlab.reasons import reason
from overfitlab.records.study_record import Cost, PartSizes
from overfitlab.study.budget import LEAST_LEARNING, fit, learning, with_budget
from overfitlab.study.cost import reduced, run_seconds, study_seconds, whole_study

COST = Cost(step_seconds=0.04, image_seconds=0.0004, save_seconds=0.05, memory_mb=700, parameters=800_000)
CIFAR = PartSizes(35_000, 15_000, 10_000)


def seconds(protocol, methods=3, seeds=7, jobs=2):
    return whole_study(dict.fromkeys(map(str, range(methods)), COST), protocol, CIFAR, seeds, jobs)


def test_a_run_is_its_steps_and_its_measurements():
    parts = reduced(QUICK, CIFAR)
    assert parts == PartSizes(2000, 1000, 10_000)
    epochs = 12 * (63 * 0.04 + 2000 * 0.0004)
    by_hand = epochs + epochs / 10 * 0.05 + 2 * 13_000 * 0.0004  # a checkpoint every ten seconds
    assert run_seconds(COST, QUICK, parts) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("runs", "jobs", "expected"), [([1, 1, 1], 1, 3), ([1, 1, 1], 2, 2), ([3, 1, 1, 1], 2, 3), ([5], 8, 5), ([], 2, 0)]
)
def test_runs_side_by_side(runs, jobs, expected):
    assert study_seconds(runs, jobs) == expected


def test_what_fits_stays_as_it_is():
    found = fit(QUICK, CIFAR, 10, 3600, seconds)
    assert found.protocol == QUICK
    assert found.gave_up == ()


@pytest.mark.parametrize(("protocol", "share"), [(CLEAN, 0.9), (CLEAN, 0.3), (QUICK, 0.9), (QUICK, 0.7)])
def test_images_are_given_up_first(protocol, share):
    budget = share * seconds(protocol)
    found = fit(protocol, CIFAR, 10, budget, seconds)
    assert seconds(found.protocol) <= budget
    assert found.protocol.epochs == protocol.epochs
    assert reduced(found.protocol, CIFAR).training < reduced(protocol, CIFAR).training
    now, before = (reduced(each, CIFAR).training for each in (found.protocol, protocol))
    assert found.gave_up[0] == reason("gave_up_training_images", now=now, before=before)


def test_no_more_is_given_up_than_it_takes():
    budget = 0.5 * seconds(CLEAN)
    found = fit(CLEAN, CIFAR, 10, budget, seconds)
    assert seconds(found.protocol) > 0.85 * budget


def test_then_epochs():
    long = protocol_named("quick", epochs=60, learning_rate=2e-3)
    least = fit(long, CIFAR, 10, 0.25 * seconds(long), seconds)
    assert least.protocol.training_images == 1000
    assert least.protocol.epochs < 60
    assert least.gave_up[-1] == reason("gave_up_epochs", now=least.protocol.epochs, before=60)


def test_overfitting_stays_visible_or_it_is_refused():
    tightest = 1.0
    for budget in range(20, int(seconds(CLEAN)), 20):
        try:
            found = fit(CLEAN, CIFAR, 10, budget, seconds)
        except UsageError as error:
            assert error.code == "budget_too_little"  # noqa: PT017
            tightest = budget
        else:
            parts = reduced(found.protocol, CIFAR)
            assert learning(found.protocol, parts.training) >= LEAST_LEARNING
            assert parts.training >= 1000
            assert parts.validation >= 1000
    assert tightest > 20, "the refusal was never met"


def test_seeds_are_never_given_up():
    with pytest.raises(UsageError, match=r"is too short: these methods and seeds take .* which fits: .*--budget 8m"):
        fit(QUICK, CIFAR, 10, 30, seconds)


@pytest.mark.parametrize("given", [(), ("epochs",), ("training_images",)])
@pytest.mark.parametrize("protocol", [QUICK, CLEAN])
def test_the_command_that_is_printed_fits(protocol, given):
    with pytest.raises(UsageError) as caught:
        fit(protocol, CIFAR, 10, 5, seconds, given, "overfitlab compare none 'dropout:rate=0.5' --budget 5s")
    command = shlex.split(caught.value.values["command"])
    assert command[:-1] == ["overfitlab", "compare", "none", "dropout:rate=0.5", "--budget"]
    assert str(caught.value).endswith(shlex.join(command))
    budget = seconds_of(command[-1])
    found = fit(protocol, CIFAR, 10, budget, lambda of: 1.1 * seconds(of), given)  # times vary
    for field in given:
        assert getattr(found.protocol, field) == getattr(protocol, field)
    with pytest.raises(UsageError):
        fit(protocol, CIFAR, 10, 0.7 * budget, seconds, given)


@pytest.mark.parametrize(
    ("command", "needed", "becomes"),
    [
        ("overfitlab compare --budget 3s --data x", 10.2, "overfitlab compare --budget 11s --data x"),
        ("overfitlab compare --budget=3s 'a b'", 130, "overfitlab compare --budget=3m 'a b'"),
        ("overfitlab compare", 3601, "overfitlab compare --budget 61m"),
        ("overfitlab compare", 20_000, "overfitlab compare --budget 5.6h"),
    ],
)
def test_a_command_with_another_budget(command, needed, becomes):
    assert with_budget(command, needed) == becomes
    assert seconds_of(becomes.rpartition("budget")[2][1:].split()[0]) >= needed


@pytest.mark.parametrize("schedule", ["cosine:warm_up=6", "step:every=5,warm_up=2", "one-cycle"])
def test_a_budget_leaves_the_epochs_that_a_schedule_needs(schedule):
    long = protocol_named("quick", epochs=60, learning_rate=1e-2, schedule=schedule)
    least = fit(long, CIFAR, 10, 0.17 * seconds(long), seconds).protocol
    assert optimization.schedule(schedule).least_epochs <= least.epochs < 60
    fitted(least, "cifar10", 35_000, ("epochs", "training_images"))
    with pytest.raises(UsageError):
        fit(long, CIFAR, 10, 1, seconds)


def test_learning_is_counted_by_the_usual_rate_of_the_optimizer():
    sgd = protocol_named("quick", optimizer="sgd:momentum=0.9", learning_rate=0.01)
    assert learning(sgd, 2000) == pytest.approx(learning(QUICK, 2000))
    assert learning(protocol_named("quick", schedule="constant"), 2000) == 2 * learning(QUICK, 2000)


def test_what_is_kept_at_its_best_is_measured_once():
    best = protocol_named("quick", keep="best")
    parts = reduced(QUICK, CIFAR)
    assert run_seconds(COST, QUICK, parts) - run_seconds(COST, best, parts) == pytest.approx(13_000 * 0.0004)


def test_many_classes_keep_images_of_each():
    found = fit(CLEAN, CIFAR, 100, 0.08 * seconds(CLEAN), seconds)
    assert reduced(found.protocol, CIFAR).training >= 2000
