"""From what is trained to the record that says so."""

import datetime
import math
from collections.abc import Sequence

import msgspec
import numpy as np

from overfitlab._version import __version__
from overfitlab.config import Protocol
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.balance import balance
from overfitlab.data.prepare.identical import Identical
from overfitlab.data.prepare.material import Material
from overfitlab.data.prepare.splits import Split
from overfitlab.data.prepare.twins import NearDuplicates
from overfitlab.display import display_name
from overfitlab.machine import Facts, environment, peak_memory_mb
from overfitlab.records import data_record as records
from overfitlab.records.data_record import DataRecord, GroupPart, GroupsRecord, SkippedFile, TwinPair, Twins
from overfitlab.records.run_record import OwnRunRecord, Result, Resumption
from overfitlab.results.history import EpochRow
from overfitlab.results.measurement import Measured

LISTED = 1000  # files that could not be read, or near-duplicates; more are only counted


def data_record(
    material: Material,
    protocol: Protocol,
    data_dir: str | None,
    near_duplicates: Sequence[NearDuplicates],
    identical: Identical | None = None,
) -> DataRecord:
    """Return what a record says of the images, their parts under that protocol, and their standardization."""
    dataset, split, standardization = material.dataset, material.split, material.standardization
    classes = len(dataset.class_names)
    parts = {"training": split.training, "validation": split.validation, "test": split.test}
    return DataRecord(
        name=dataset.name,
        origin=dataset.origin,
        source=dataset.source,
        data_dir=data_dir,
        official=dataset.official,
        note=dataset.note,
        sha256=dataset.content_hash,
        images=len(dataset.images),
        image_shape=dataset.image_shape,
        classes=list(dataset.class_names),
        class_images={
            part: np.bincount(dataset.labels[rows], minlength=classes).tolist() for part, rows in parts.items()
        },
        test_set_apart=dataset.test_set_apart,
        brings_validation=dataset.validation is not None,
        skipped=[SkippedFile(file.name, file.reason) for file in dataset.skipped[:LISTED]],
        skipped_count=len(dataset.skipped),
        mean=standardization.mean.tolist(),
        std=standardization.std.tolist(),
        near_duplicates={of.part: _twins(dataset, of) for of in near_duplicates},
        identical=None if identical is None else _identical(dataset, identical),
        notes=list(dataset.notes),
        white=dataset.white,
        training=len(split.training),
        validation=len(split.validation),
        test=len(split.test),
        groups=_groups(dataset, split, protocol),
    )


def _groups(dataset: Dataset, split: Split, protocol: Protocol) -> GroupsRecord | None:
    if dataset.groups is None:
        return None
    found, names = balance(dataset, split, dataset.groups, protocol), dataset.class_names
    parts = {
        part: GroupPart(
            groups=each.groups, images=each.images, asked=each.asked,
            farthest=None if each.farthest is None else names[each.farthest],
            share=round(each.share, 6), expected=round(each.expected, 6),
            lacking=[names[kind] for kind in each.lacking],
        )
        for part, each in found.parts.items()
    }  # fmt: skip
    return GroupsRecord(
        source=dataset.groups.source, sha256=dataset.groups.sha256, groups=found.groups, largest=found.largest,
        parts=parts, shared=found.shared,
    )  # fmt: skip


def _twins(dataset: Dataset, found: NearDuplicates) -> Twins:
    pairs = [
        TwinPair(_name(dataset, pair.row), _name(dataset, pair.twin), round(pair.correlation, 4))
        for pair in found.pairs[:LISTED]
    ]
    others = sum(int(dataset.labels[pair.row] != dataset.labels[pair.twin]) for pair in found.pairs)
    return Twins(found.looked_at, len(found.pairs), pairs, others)


def _identical(dataset: Dataset, found: Identical) -> records.Identical:
    listed = [
        records.Contradiction(
            [_name(dataset, row) for row in picture.rows],
            [display_name(dataset.class_names[dataset.labels[row]]) for row in picture.rows],
        )
        for picture in found.contradictions[:LISTED]
    ]
    first = _name(dataset, found.blank[0]) if found.blank else None
    return records.Identical(listed, len(found.contradictions), len(found.blank), first)


def _name(dataset: Dataset, row: int) -> str | int:
    return display_name(dataset.image_names[row]) if dataset.image_names is not None else row


def note_resumption(record: OwnRunRecord) -> list[str]:
    """Record that the run is resumed, and return what is no longer as it was: machine and packages."""
    now_here = here()
    changed = [name for name, value in now_here.items() if record.environment.get(name) != value]
    record.resumed.append(Resumption(now(), {name: now_here[name] for name in changed}))
    return changed


def here() -> Facts:
    """Return this machine and its packages, as a record has them."""
    return {"overfitlab": __version__} | environment()


def note_end(
    record: OwnRunRecord, rows: Sequence[EpochRow], onset: int | None, handed_over: int | None, measured: Measured
) -> None:
    """Record what came out: the last epoch, and what `measured` says of the weights at the end and at the onset.

    `handed_over` is the epoch whose weights are those of the end: the last one, or one that the method goes back
    to; None where training diverged.
    """
    last = rows[-1]
    record.times = msgspec.structs.replace(
        record.times,
        finished=now(),
        training_seconds=round(sum(row.seconds for row in rows), 3),
        peak_memory_mb=peak_memory_mb(),
    )
    record.result = Result(
        onset=onset,
        handed_over=handed_over,
        epoch=last.epoch,
        seconds=last.seconds,
        loss=_finite(last.loss),
        acc=_finite(last.acc),
        val_loss=_finite(last.val_loss),
        val_acc=_finite(last.val_acc),
        train_loss=_finite(last.train_loss),
        train_acc=_finite(last.train_acc),
        measured=measured,
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def now() -> str:
    """Return date and time, in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
