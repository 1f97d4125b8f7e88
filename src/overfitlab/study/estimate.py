"""What a study will take, before anything of it is measured: from what earlier studies measured, or from a table.

It is a guess for who is about to press a button; a study measures each method before it trains, and plans by that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overfitlab.config import Protocol, StudyConfig
from overfitlab.errors import OverfitlabError
from overfitlab.machine import processor
from overfitlab.records.study_folder import StudyFolder
from overfitlab.records.study_record import Cost, StudyRecord
from overfitlab.study.study import studies

TABLE_SIDE, TABLE_BATCH = 32, 32  # of the images and batches that the table of methods was measured with
TABLE_PARAMETERS = 814_122
EVALUATION = 0.35  # of the time of an image in training, that it takes in evaluation mode: about a third
SAVE = 0.02  # seconds of a checkpoint


@dataclass(frozen=True)
class Estimate:
    """What each method takes, and where that is from: the name of an earlier study, or "" for the table."""

    costs: Mapping[str, Cost]
    study: str
    machine: str  # that the table was measured on; "" where it is this one


def estimated(
    config: StudyConfig, protocol: Protocol, shape: tuple[int, int, int], parts: Mapping[str, Sequence[str]],
    table: Mapping[str, float], machine: str, runs: Path,
) -> Estimate:  # fmt: skip
    """Return about what the methods of a study take on images of that shape (height, width, channels).

    `parts` has the names of what each method is made of, `table` milliseconds of a step by those names, measured on
    `machine`, and below `runs` lie earlier studies.
    """
    known = _earlier(config, protocol, shape, runs)
    if known is None:
        scale = shape[0] * shape[1] / TABLE_SIDE**2 * protocol.batch_size / TABLE_BATCH / 1000
        base = scale * table.get("none", 20.0)
        image = EVALUATION * base / protocol.batch_size
        costs = {
            method: Cost(base * _ratio(names, table), image, SAVE, None, TABLE_PARAMETERS)
            for method, names in parts.items()
        }
        return Estimate(costs, "", machine)
    name, record = known
    there = record.plan.costs
    reference = next(iter(there))  # the baseline of that study
    plain = there[reference].step_seconds / _ratio([reference.partition(":")[0]], table)
    costs = {
        method: there.get(method) or Cost(
            plain * _ratio(names, table), there[reference].image_seconds, there[reference].save_seconds,
            there[reference].memory_mb, there[reference].parameters,
        )
        for method, names in parts.items()
    }  # fmt: skip
    return Estimate(costs, name, "")


def _earlier(
    config: StudyConfig, protocol: Protocol, shape: tuple[int, int, int], runs: Path
) -> tuple[str, StudyRecord] | None:
    """Return the latest study of this machine with that network, images of that shape, and such batches."""
    found, here = [], processor()
    for name, path in studies(runs).items():
        try:
            record = StudyFolder(path).record()
        except OverfitlabError:
            continue
        same = (record.config.model, record.config.bare, record.config.precision, record.plan.protocol.batch_size)
        if (
            same == (config.model, config.bare, config.precision, protocol.batch_size)
            and tuple(record.data.image_shape) == shape
            and record.environment.get("processor") == here
            and record.sessions
        ):
            found.append((record.sessions[-1].started, name, record))
    return max(found, key=lambda each: each[:2])[1:] if found else None


def _ratio(names: Sequence[str], table: Mapping[str, float]) -> float:
    """Return how many times as long a step takes with these methods as without any."""
    plain, product = table.get("none", 0.0), 1.0
    for name in names:
        if plain and name in table:
            product *= table[name] / plain
    return product
