"""What would decide a study: who leads, how many seeds it takes, how long that takes here, and the command."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from made_evidence import evidence

from overfitlab.records.study_record import Sitting
from overfitlab.stats.findings import Finding
from overfitlab.stats.power import power_to_differ, power_to_equal, seeds_to_decide
from overfitlab.study.ahead import decisive_command, leading, longer_command, seconds, undecided

NONE, DROPOUT, L2 = "none", "dropout:rate=0.2", "l2:rate=0.001"


def open_study(mean=1.0, deviation=1.0, against=-2.0, n=5, **changes):
    """Return a finished study of dropout and l2 in which nothing was shown; differences on the first axis."""
    made = evidence(pairs=((DROPOUT, NONE), (L2, NONE)), seeds=n)
    values = tuple(float(each) for each in np.linspace(-1, 1, n))
    contrasts = [
        replace(each, metric=Finding(n, tuple(range(n)), values, size, deviation, size - 2, size + 2, "undecided"),
                gap=replace(each.gap, verdict="equivalent"))
        for each, size in zip(made.contrasts, (mean, against), strict=True)
    ]  # fmt: skip
    return replace(made, contrasts=tuple(contrasts), recommended=None, command="overfitlab compare l2", **changes)


def test_who_leads():
    found = open_study()
    first = leading(undecided(found, found), found)
    assert (first.method, first.leader, first.lead, first.matters) == (DROPOUT, DROPOUT, 1.0, True)
    worse = open_study(mean=-1.0)
    first = leading(undecided(worse, worse), worse)  # none leads, and dropout is the nearest
    assert (first.method, first.leader, first.lead) == (DROPOUT, NONE, 1.0)
    shown = replace(found, recommended=DROPOUT)
    assert leading(undecided(shown, shown), shown) is None
    assert undecided(replace(found, provisional=True), found) == []


@pytest.mark.parametrize(("difference", "deviation"), [(1.0, 0.5), (2.0, 1.5), (0.1, 0.3), (0.0, 0.4)])
def test_seeds_find_it_with_four_chances_in_five(difference, deviation):
    n = seeds_to_decide(difference, deviation, 0.5, 0.05, 2)
    chances = [
        power_to_differ(difference, deviation, count, 0.5, 0.05, 2)
        + power_to_equal(deviation, count, 0.5, 0.05, 2, difference=difference)
        for count in (n - 1, n)
    ]
    assert chances[1] >= 0.8
    assert chances[0] < 0.8 or n == 7  # where an exact test can agree: 2 / 2^7 <= 0.05 / 2
    assert seeds_to_decide(-difference, deviation, 0.5, 0.05, 2) == n


def test_what_no_number_of_seeds_decides():
    assert seeds_to_decide(0.5, 1.0, 0.5, 0.05, 2) is None  # as large as the margin
    assert seeds_to_decide(1.0, 100.0, 0.5, 0.05, 2) is None
    assert seeds_to_decide(1.0, 0.0, 0.5, 0.05, 2) is None


def test_the_power_of_equivalence_is_that_of_simulated_studies():
    """4,000 studies of 8 seeds whose true difference is 0.2, by the test that words go by."""
    from overfitlab.stats.paired import equivalence

    drawn = np.random.default_rng(1).normal(0.2, 0.4, (4000, 8))
    share = float((equivalence(drawn, 0.5) <= 0.05).mean())
    assert power_to_equal(0.4, 8, 0.5, 0.05, 1, difference=0.2) == pytest.approx(share, abs=0.03)


def test_the_time_is_that_of_the_runs_of_this_study():
    """Three methods whose epochs take 1 s each, one epoch a run: 10 seeds are 30 runs."""
    found = replace(open_study(), sessions=[])
    assert seconds(found, found, 10) == pytest.approx(30)
    two = replace(found, sessions=[Sitting("2026-11-29T00:00:00", jobs=2)])
    assert seconds(two, two, 10) == pytest.approx(15)
    untimed = replace(found, methods=(replace(found.methods[0], seconds_per_epoch=None), *found.methods[1:]))
    assert seconds(untimed, untimed, 10) is None


def test_commands():
    found = open_study()
    seeds = found.plan.seeds
    assert decisive_command(found, 12) == f"overfitlab compare l2 --first-seed {seeds} --seeds 12"
    assert longer_command(found) == f"overfitlab compare l2 --epochs {2 * found.plan.protocol.epochs}"
    few = replace(found, command="overfitlab compare l2 --seeds 3")
    assert "--seeds" not in longer_command(few, more_seeds=True)
    assert decisive_command(replace(found, command="overfitlab compare --first-seed x"), 12) == ""
    within = replace(found, command="overfitlab compare l2 --budget 2s")  # which a longer study would not fit
    assert "--budget" not in longer_command(within) + decisive_command(within, 12)


def test_two_pairs_are_reckoned_with_the_noise_of_the_plan():
    few = open_study(n=2, deviation=0.01)
    plan = msgspec.structs.replace(few.plan, deviation=1.5)
    [first, _] = undecided(few, replace(few, plan=plan))
    assert first.seeds == seeds_to_decide(1.0, 1.5, few.margin, few.asked.alpha, 2, 100 / 359)
