"""Scales: round values, few of them, said with as many digits as it takes."""

import pytest

from overfitlab.report.marks import Axis
from overfitlab.report.scales import TICKS, around, axis, share, ticks

MINUS = "\N{MINUS SIGN}"


def said(found):
    return [tick.label for tick in found.ticks]


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (-0.02, 2.4, ["0.0", "0.5", "1.0", "1.5", "2.0"]),
        (-43.0, 17.0, [f"{MINUS}30", f"{MINUS}15", "0", "15"]),
        (0.0, 1.04, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (0.9931, 0.9969, None),
        (-1e-5, 1e-5, None),
        (0.0, 4e6, None),
    ],
)
def test_ticks_are_few_and_can_be_told_apart(low, high, labels):
    found = axis(low, high)
    assert labels is None or said(found) == labels
    assert 2 <= len(found.ticks) <= TICKS + 1
    assert len(set(said(found))) == len(found.ticks)
    for tick in found.ticks:
        assert low <= tick.value <= high
        assert float(tick.label.replace(MINUS, "-")) == pytest.approx(tick.value, rel=1e-6, abs=1e-9)


def test_epochs_are_whole_numbers():
    assert said(axis(0.5, 1.5, whole=True)) == ["1"]
    assert said(axis(0.5, 3.5, whole=True)) == ["1", "2", "3"]
    assert said(axis(0.5, 12.5, whole=True)) == ["3", "6", "9", "12"]


def test_powers_of_ten():
    found = axis(0.002, 30.0, log=True)
    assert found.log
    assert said(found) == ["0.01", "0.10", "1.00", "10.00"]
    assert share(found, 0.002) == pytest.approx(0)
    assert share(found, 30.0) == pytest.approx(1)
    assert share(found, 0.1) - share(found, 0.01) == pytest.approx(share(found, 10.0) - share(found, 1.0))
    assert share(found, 0.0) < -50
    assert len(axis(2.0, 7.0, log=True).ticks) > 1  # between two powers
    assert len(axis(1e-12, 1e12, log=True).ticks) <= TICKS + 1


def test_a_scale_has_room_around_its_values():
    assert around([0.0, 10.0]) == (-0.5, 10.5)
    assert around([3.0]) == pytest.approx((2.85, 3.15))
    assert around([0.0, 0.0]) == (-0.05, 0.05)
    assert around([]) == (0.0, 1.0)


def test_an_axis_can_run_backwards():
    down = Axis(low=9.5, high=-0.5)
    assert (share(down, 9.5), share(down, -0.5), share(down, 4.5)) == (0, 1, 0.5)


def test_no_ticks():
    assert ticks([]) == ()
