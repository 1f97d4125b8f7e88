"""What a study takes, and how it is fitted into a time that was given."""

import pytest

from overfitlab.config import CLEAN, QUICK, protocol_named
from overfitlab.errors import UsageError
from overfitlab.reasons import reason
from overfitlab.records.study_record import Cost, PartSizes
from overfitlab.study.budget import LEAST_LEARNING, fit, learning
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
    with pytest.raises(UsageError, match=r"are too little: these methods and seeds take .* give a larger --budget"):
        fit(QUICK, CIFAR, 10, 30, seconds)


def test_many_classes_keep_images_of_each():
    found = fit(CLEAN, CIFAR, 100, 0.08 * seconds(CLEAN), seconds)
    assert reduced(found.protocol, CIFAR).training >= 2000
