"""The list of mutants is up to date: with the source, and in the documentation."""

from pathlib import Path

import pytest
from mutants import MUTANTS, PACKAGE, ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=[each.what for each in MUTANTS])
def test_what_a_mutant_takes_away_is_there_and_documented(mutant):
    assert (PACKAGE / mutant.file).read_text().count(mutant.old) == 1
    assert all((ROOT / name).exists() for name in mutant.tests.split())
    tests = ", ".join(f"`{name}`" for name in mutant.tests.split())
    assert f"| {mutant.what} | `{mutant.file}` | {tests} |" in Path(ROOT, "docs", "reliability.md").read_text()


def test_no_other_mutant_is_documented():
    listed = Path(ROOT, "docs", "reliability.md").read_text().partition("## Mutants")[2].partition("## ")[0]
    assert listed.count("\n| ") == len(MUTANTS) + 1  # and the names of the columns
