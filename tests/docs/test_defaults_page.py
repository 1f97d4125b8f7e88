"""The defaults are those that the pilot's rule chooses from the pilot's runs, and the page says so."""

import re
import sys
from pathlib import Path

import pytest

from overfitlab.config import PILOT_SEEDS, QUICK
from overfitlab.methods import registry

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "defaults.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pilot():
    """The modules of the pilot."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import pilot_page
    import pilot_plan

    yield pilot_page, pilot_plan
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.mark.slow
def test_every_default_is_what_the_rule_chooses(pilot):
    page, plan = pilot
    rows = page.read_runs()
    everything = {
        (method, parameter): page.found(method, parameter, values, rows)
        for method, parameter, values in plan.declared()
    }
    error = page.standard_error(everything.values())
    assert 0 < error < 0.05
    for (method, parameter), strengths in everything.items():
        assert len(strengths[0].val_acc) >= 2, f"{method} was tried with too few seeds"
        if parameter == page.first_declared(method):
            chosen = page.choice(method, parameter, strengths, error)
            assert getattr(registry.make(method), parameter) == chosen, (method, parameter)
            assert re.search(rf"^\| `{method}` \| `{parameter}` \| \*\*{chosen:g}\*\* \|", PAGE, re.MULTILINE)


def test_the_pilot_used_its_own_seeds_and_the_protocol_quick(pilot):
    page, _ = pilot
    rows = page.read_runs()
    assert {row.seed for row in rows} <= set(PILOT_SEEDS)
    assert {row.training_images for row in rows if row.data == "digits"} == {200}
    assert f"{QUICK.training_images:,} training and {QUICK.validation_images:,} validation images" in PAGE
    none = [row for row in rows if row.method == "none" and row.data == "cifar10" and row.training_images == 2000]
    assert min(row.train_acc - row.val_acc for row in none) > 0.3, "under quick, none visibly overfits"


def test_the_rule_takes_the_smallest_gap_among_the_accurate(pilot):
    page, _ = pilot

    def strength(value, val_acc, gap):
        return page.Strength(value, val_acc, gap, [0.5, 0.5], [0.4, 0.4])

    tried = [
        strength(0.1, [0.50, 0.52], [0.40, 0.40]),  # the best
        strength(0.2, [0.50, 0.51], [0.30, 0.30]),  # as accurate, and overfits less
        strength(0.3, [0.45, 0.47], [0.10, 0.10]),  # overfits least, and has lost accuracy
    ]
    assert page.choice("dropout", "rate", tried, error=0.01) == 0.2
    assert page.choice("dropout", "rate", tried, error=0.001) == 0.1
    assert page.choice("dropout", "rate", tried, error=0.1) == 0.3
    differences = [(0.0, 0.01), (0.05, 0.04)]  # of neighbours, seed by seed
    variance = sum((a - b) ** 2 / 2 for a, b in differences) / 2
    assert page.standard_error([tried]) == pytest.approx((variance / 2) ** 0.5)


def test_equal_strengths_leave_the_default_as_it_is(pilot):
    page, _ = pilot
    tried = [page.Strength(value, [0.5, 0.5], [0.1, 0.1], [0.5, 0.5], [0.4, 0.4]) for value in (1, 2, 3, 5)]
    assert page.choice("early_stopping", "patience", tried, error=0.01) == 3
