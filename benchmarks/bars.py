"""The bars that the project has set itself, and whether they are met."""

import statistics
from collections.abc import Sequence
from typing import Any

from machine import instructions
from parts.evaluation import VALIDATION, epoch_seconds
from parts.side_by_side import OURS_PINNED
from parts.training import IMAGES
from peers import OURS
from results import of_one_machine, times
from tables import ratios, spread, table

STOCK = "Keras, float32"
BFLOAT16 = ("AVX-512-bf16", "AMX")  # instructions for it


def bars_table(results: dict[str, Any]) -> str:
    """Return the table of bars, from what was measured on one machine."""
    if "training" not in results:
        return "Not measured yet.\n"
    here = of_one_machine(results)
    facts = results["training"]["machine"]
    pytorch = _fastest(here, "training", "PyTorch")
    plain = _at_least(1.8, _beside(here, "PyTorch, bfloat16"))
    if plain[1] and not any(facts["instructions"].get(name) for name in BFLOAT16):
        plain[1] += ", but bfloat16 is emulated here"
    rows = [
        ["at least 6 times as fast as stock Keras in float32", *_at_least(6, _beside(here, STOCK))],
        ["at least 1.8 times as fast as plain PyTorch in bfloat16", *plain],
        [
            f"for comparison, no bar: the fastest PyTorch ({pytorch or 'none'})",
            _at_least(0, _beside(here, pytorch))[0],
            "",
        ],
        ["target: 4 times as fast as the fastest Keras", *_at_least(4, _beside(here, _fastest(here, "training")))],
        ["target: 8 times as fast, two runs side by side", *_at_least(8, _two_runs(here))],
        [
            f"target: evaluating {VALIDATION:,} images takes less than 10 % of an epoch",
            *_at_most(10, _share(here), " %"),
        ],
        ["target: an epoch, with its validation, in 9 s", *_at_most(9, _epoch(here), " s")],
    ]
    stated = "The bars are stated for 2 cores with AMX. "
    if facts["cores"] != 2 or not facts["instructions"]["AMX"]:
        stated += "This is another machine: results there may be better or worse. "
    left_out = sorted(results.keys() - here.keys())
    note = f" Measured on another machine, and therefore left out here: {', '.join(left_out)}." if left_out else ""
    return table(["bar", "measured: median (lowest to highest)", "met"], rows) + (
        f"{stated}Measured on: {facts['processor']}, {facts['cores']} cores, {instructions(facts)}. A bar is met where "
        f"the median over the rounds meets it. Speed is that of training, batch 32; an epoch trains {IMAGES:,} images "
        f"and evaluates {VALIDATION:,}. The fastest Keras here: {_fastest(here, 'training') or 'not measured'}. Two "
        "runs of overfitlab, one per core, are compared with the fastest way of running stock Keras in float32 (one "
        f"process or two).{note}\n"
    )


def _at_least(bar: float, values: Sequence[float] | None) -> list[str]:
    if not values:
        return ["not measured", ""]
    return [f"{spread(values, 2)} times", "yes" if statistics.median(values) >= bar else "no"]


def _at_most(bar: float, values: Sequence[float] | None, unit: str) -> list[str]:
    if not values:
        return ["not measured", ""]
    return [f"{spread(values)}{unit}", "yes" if statistics.median(values) <= bar else "no"]


def _beside(results: dict[str, Any], contender: str | None) -> list[float] | None:
    theirs, mine = times(results, "training", contender or ""), times(results, "training", OURS)
    return ratios(theirs, mine) if theirs and mine else None


def _fastest(results: dict[str, Any], part: str, kind: str = "Keras") -> str | None:
    """Return the contender of a kind with the lowest median."""
    medians = {
        name: statistics.median(found)
        for name in results.get(part, {}).get("contenders", {})
        if name.startswith(kind) and (found := times(results, part, name))
    }
    return min(medians, key=lambda name: medians[name]) if medians else None


def _two_runs(results: dict[str, Any]) -> list[float] | None:
    mine = times(results, "side-by-side", OURS_PINNED)
    theirs = times(results, "side-by-side", _fastest_stock(results) or "")
    return ratios(theirs, mine) if theirs and mine else None


def _fastest_stock(results: dict[str, Any]) -> str | None:
    part = results.get("side-by-side", {})
    stock = {name: found for name, found in part.get("contenders", {}).items() if f"{STOCK}, jit" not in name}
    return _fastest({"side-by-side": part | {"contenders": stock}}, "side-by-side", STOCK)


def _of_our_epochs(results: dict[str, Any]) -> dict[str, list[float]] | None:
    train, evaluate = (times(results, "evaluation", OURS, what) for what in ("train", "evaluate"))
    return {"train": train, "evaluate": evaluate} if train and evaluate else None


def _share(results: dict[str, Any]) -> list[float] | None:
    found = _of_our_epochs(results)
    if found is None:
        return None
    pairs = zip(found["evaluate"], epoch_seconds(found), strict=True)
    return [100 * image * VALIDATION / 1000 / epoch for image, epoch in pairs]


def _epoch(results: dict[str, Any]) -> list[float] | None:
    found = _of_our_epochs(results)
    return None if found is None else epoch_seconds(found)
