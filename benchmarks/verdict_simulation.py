"""How often the verdict's procedure is right and wrong, by simulation: writes docs/statistics.md.

    python benchmarks/verdict_simulation.py [--simulations 10000] [--table rounds_false]

Nothing is trained: differences are drawn, and judged by the code that judges studies. Seeds are fixed, so that the same
numbers come out with the same versions of NumPy and SciPy. Some minutes on one core.
"""

import argparse
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import simulated_corrections
import simulated_fixed
import simulated_others
import simulated_rounds
from pages import replace_generated

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "statistics.md"
SIMULATIONS = 10_000

TABLES: dict[str, Callable[[int], str]] = (
    simulated_fixed.TABLES | simulated_corrections.TABLES | simulated_rounds.TABLES | simulated_others.TABLES
)


def run_line(simulations: int) -> str:
    """Return what the tables were made with."""
    made_with = ", ".join(f"{name} {version(name.lower())}" for name in ("NumPy", "SciPy"))
    return f"N = {simulations:,} simulated studies in each cell, unless a table says otherwise; {made_with}.\n"


def main() -> None:
    """Simulate, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    parser.add_argument("--table", action="append", choices=TABLES, help="only this one; may be repeated")
    asked = parser.parse_args()
    simulations = asked.simulations
    began = time.perf_counter()
    for name in asked.table or TABLES:
        text = TABLES[name](simulations)
        replace_generated(PAGE, text, name)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
        print(text)
    replace_generated(PAGE, run_line(simulations), "simulations")


if __name__ == "__main__":
    main()
