"""How fast a step could be: the machine's rates, the work of a step, and the floor that they imply."""

from collections.abc import Sequence
from typing import Any

from random_training import RandomTraining
from tables import counted, table

from overfitlab.training import compute
from parts.part import Measured, Options
from parts.profile import profile_table
from parts.rates import Rates, rates
from parts.work import Work, step_work

BATCH = 32


def roofline(_: Options) -> Measured:
    """Return the tables, and the floor in milliseconds of a step."""
    resolved = compute.resolve("auto", None)
    compute.prepare(resolved)
    measured = [rates(threads) for threads in sorted({1, resolved.threads})]
    training = RandomTraining(resolved, 200 * BATCH)
    layers = step_work(training.trainer.model, BATCH, resolved.precision)
    best = measured[-1]
    precisions = ["float32", "bfloat16"] if resolved.precision == "bfloat16" else ["float32"]
    floors = {}
    for precision in precisions:
        work = step_work(training.trainer.model, BATCH, precision)
        floors[precision] = {"products": _products_ms(work, best, precision), "all": _floor_ms(work, best, precision)}
    text = rates_table(measured) + work_table(layers, best, resolved.precision) + floor_text(floors, layers)
    text += profile_table(training)
    data: dict[str, Any] = {
        "precision": resolved.precision,
        "threads": resolved.threads,
        "rates": [each.as_dict() for each in measured],
        "floor_ms": floors,
    }
    return Measured(text, data)


def rates_table(measured: Sequence[Rates]) -> str:
    """Return what the machine can do."""
    lines = [
        ["matrix product, float32", *(f"{each.float32 / 1e9:.0f} GFLOP/s" for each in measured)],
        ["matrix product, bfloat16", *(f"{each.bfloat16 / 1e9:.0f} GFLOP/s" for each in measured)],
        ["copy within the cache, read and written", *(f"{each.cached / 1e9:.0f} GB/s" for each in measured)],
        ["copy of large memory, read and written", *(f"{each.memory / 1e9:.0f} GB/s" for each in measured)],
        ["a PyTorch operation on one number", *(f"{each.operation * 1e6:.1f} µs" for each in measured)],
        ["sharing an operation among threads", *(_region(each) for each in measured)],
    ]
    return table(["the machine, at its best", *(counted(each.threads, "thread") for each in measured)], lines)


def _region(measured: Rates) -> str:
    return "" if measured.threads == 1 else f"{measured.region * 1e6:.1f} µs"


def work_table(layers: Sequence[Work], best: Rates, precision: str) -> str:
    """Return the work of a step, layer by layer."""
    rows = [
        [f"`{each.layer}`" if each.flop or each.layer != "optimizer" else each.layer, f"{each.flop / 1e6:.0f}",
         f"{each.bytes / 1e6:.1f}", f"{_flop_ms(each, best, precision):.2f}", f"{_bytes_ms(each, best):.2f}"]
        for each in layers if each.bytes
    ]  # fmt: skip
    total = Work("all", sum(each.flop for each in layers), sum(each.bytes for each in layers))
    rows.append(
        ["**all**", f"{total.flop / 1e6:.0f}", f"{total.bytes / 1e6:.1f}", f"{_flop_ms(total, best, precision):.2f}",
         f"{_bytes_ms(total, best):.2f}"]
    )  # fmt: skip
    return table(["a step, batch 32", "MFLOP", "MB moved", "ms for the FLOP", "ms for the bytes"], rows)


def floor_text(floors: dict[str, dict[str, float]], layers: Sequence[Work]) -> str:
    """Return the floor, in words."""
    flop = sum(each.flop for each in layers) / BATCH / 1e9
    said = "; ".join(
        f"in {name} {floor['all']:.1f} ms a step, of which matrix products alone would take {floor['products']:.1f} ms"
        for name, floor in floors.items()
    )
    return (
        f"An image takes {flop:.2f} GFLOP forward and backward. The floor takes each layer alone, at the longer of "
        f"its two times, with everything in the cache: {said}. Every layer is counted by its definition: kernels "
        "that fuse layers move fewer bytes, and Winograd's convolutions need fewer multiplications, so a real step can "
        "be faster.\n\n"
    )


def _flop_ms(work: Work, best: Rates, precision: str) -> float:
    return 1000 * work.flop / (best.bfloat16 if precision == "bfloat16" else best.float32)


def _bytes_ms(work: Work, best: Rates) -> float:
    return 1000 * work.bytes / best.cached


def _products_ms(layers: Sequence[Work], best: Rates, precision: str) -> float:
    return sum(_flop_ms(each, best, precision) for each in layers)


def _floor_ms(layers: Sequence[Work], best: Rates, precision: str) -> float:
    return sum(max(_flop_ms(each, best, precision), _bytes_ms(each, best)) for each in layers)
