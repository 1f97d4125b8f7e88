"""What runs were computed with: where not all of a study are alike in it, they may differ by more than the method."""

from collections.abc import Iterable, Mapping
from typing import Any

Conditions = Mapping[str, frozenset[str]]  # all values under which a run was trained, by name

RESOLVED = {
    "precision": "",
    "threads": "",
    "device": "",
    "kernels": "off",
}  # and what those lack that are older than it
RECORDED = ("overfitlab", "python", "processor", "torch", "numpy", "scikit-learn")  # of machine and packages


def conditions(record: Mapping[str, Any]) -> Conditions:
    """Return what a run was computed with, from its record: more than one value where it changed between two sittings.

    Raises `TypeError` or `AttributeError` where the record is not one of a run.
    """
    found = {name: {str(record["resolved"].get(name, absent))} for name, absent in RESOLVED.items()}
    for environment in (record["environment"], *(each.get("changed", {}) for each in record["resumed"])):
        for name in RECORDED:
            if name in environment:
                found.setdefault(name, set()).add(str(environment[name]))
    return {name: frozenset(values) for name, values in found.items()}


def differing(runs: Iterable[Conditions]) -> tuple[str, ...]:
    """Return the names of what was not the same all the time, in all runs."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for name, values in run.items():
            found.setdefault(name, set()).update(values)
    return tuple(name for name, values in found.items() if len(values) > 1)
