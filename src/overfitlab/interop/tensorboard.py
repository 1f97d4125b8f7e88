"""TensorBoard event files, read without TensorFlow: records of TFRecord, and the few fields of their messages.

A record is its length (8 bytes), a masked CRC-32C of that, the message, and a masked CRC-32C of the message. The
message is an `Event` of protocol buffers: wall time, step, and a summary of tags with simple values or tensors.
"""

import hashlib
import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from overfitlab.display import display_name
from overfitlab.errors import DataError
from overfitlab.files import read_whole, refusal
from overfitlab.interop.cells import Row
from overfitlab.interop.logged import MOST_BYTES, Logged, unreadable

KIND = "TensorBoard"
MARK = "tfevents"
PARTS = {"train": "train", "training": "train", "validation": "val", "val": "val", "valid": "val", "eval": "val",
         "test": "test"}  # fmt: skip
LONGEST_RECORD = 2**24  # bytes: scalars take some tens
POLYNOMIAL, MASK = 0x82F63B78, 0xA282EAD8  # of CRC-32C, reflected; and what TFRecord adds to it
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FLOAT, DOUBLE = 1, 2  # types of tensors
LONGEST_TAG = 500


@dataclass(frozen=True)
class EventRun:
    """The event files of one run, its folder, and the parts of its path below what was named."""

    folder: Path
    parts: tuple[str, ...]
    files: list[Path]


def is_event_file(path: Path) -> bool:
    """Return whether a file is named as those of events are."""
    return MARK in path.name


def runs_of(files: Sequence[Path], folder: Path) -> list[EventRun]:
    """Return the files by run: `train/` and `validation/` below one folder are one run."""
    found: dict[Path, list[Path]] = {}
    for path in files:
        above = path.parent
        if above != folder and above.name.lower() in PARTS:
            above = above.parent
        found.setdefault(above, []).append(path)
    return [EventRun(place, place.relative_to(folder).parts, paths) for place, paths in found.items()]


def read(files: Sequence[Path], folder: Path) -> Logged:
    """Return the scalars of the event files of one run, a row a step, the steps counted as epochs from 1.

    A tag in `train/` or `validation/` gets that part before its name. Where a training was resumed, the later value of
    a step counts. Raises `DataError` for a file that is damaged before its end; an end that was cut off is left out.
    """
    scalars: dict[str, dict[int, float]] = {}
    digest = hashlib.sha256()
    for path in sorted(files):
        try:
            content = read_whole(path, MOST_BYTES)
        except OSError as error:
            raise DataError("log_not_opened", "{reason}", reason=refusal(error)) from None
        digest.update(content)
        part = PARTS.get(path.parent.name.lower(), "") if path.parent != folder else ""
        for tag, step, value in events(path, content):
            scalars.setdefault(_column(tag, part), {})[step] = value
    if not scalars:
        raise unreadable(folder, KIND, DataError("no_scalars", "it has no scalars"))
    evaluated = [steps for name, steps in scalars.items() if name.startswith(("val", "eval", "test"))]
    steps = sorted({step for each in evaluated or scalars.values() for step in each})
    rows: list[Row] = []
    before = -1
    for number, step in enumerate(steps, 1):
        row: Row = {"epoch": float(number)}
        for name, values in scalars.items():  # the last value since the row before
            known = [at for at in values if before < at <= step]
            if known:
                row[name] = values[max(known)]
        rows.append(row)
        before = step
    return Logged(str(folder), KIND, digest.hexdigest(), ("epoch", *scalars), rows, history=True)


def _column(tag: str, part: str) -> str:
    """Return the name of a column: Keras logs `epoch_loss` in folders of parts."""
    name = display_name(tag)[:LONGEST_TAG]
    name = name.removeprefix("epoch_") if part else name
    return f"{part}_{name}" if part and not name.lower().startswith(part) else name


def events(path: Path, content: bytes) -> Iterator[tuple[str, int, float]]:
    """Yield tag, step and value of every scalar; raises `DataError` where a record is damaged."""
    for message in records(path, content):
        try:
            step, values = 0, []
            for field, kind, value in fields(message):
                if field == 2 and kind == VARINT:
                    step = value if isinstance(value, int) else 0
                elif field == 5 and kind == BYTES and isinstance(value, bytes):
                    values += [entry for one, wire, entry in fields(value) if one == 1 and wire == BYTES]
            for entry in values:
                found = _scalar(entry) if isinstance(entry, bytes) else None
                if found is not None:
                    yield found[0], min(step, 2**62), found[1]
        except (ValueError, struct.error):
            raise unreadable(path, KIND, DataError("record_of_no_event", "a record is not an event")) from None


def records(path: Path, content: bytes) -> Iterator[bytes]:
    """Yield the messages of a TFRecord file; a last one that was not written whole is left out."""
    place = 0
    while place + 12 <= len(content):
        head = content[place : place + 8]
        (length,) = struct.unpack("<Q", head)
        if struct.unpack("<I", content[place + 8 : place + 12])[0] != masked_crc(head):
            raise unreadable(
                path, KIND, DataError("length_damaged", "the length at byte {place} is damaged", place=place)
            )
        if length > LONGEST_RECORD:
            raise unreadable(
                path, KIND, DataError("record_too_long", "a record of {length} bytes is not a scalar", length=length)
            )
        end = place + 12 + length
        if end + 4 > len(content):
            return
        message = content[place + 12 : end]
        if struct.unpack("<I", content[end : end + 4])[0] != masked_crc(message):
            raise unreadable(
                path, KIND, DataError("record_damaged", "the record at byte {place} is damaged", place=place)
            )
        yield message
        place = end + 4


def fields(message: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield number, wire type and value of the fields of a message; raises `ValueError` where it is none."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield key >> 3, kind, value
            continue
        if kind == BYTES:
            size, place = _varint(message, place)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ValueError("a field of an unknown kind")
        if place + size > len(message):
            raise ValueError("a field that is longer than its message")
        yield key >> 3, kind, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message) and shift < 64:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7
    raise ValueError("a number without an end")


def _scalar(entry: bytes) -> tuple[str, float] | None:
    """Return tag and value of an entry of a summary; None where it is no scalar."""
    tag, value = "", None
    for field, kind, found in fields(entry):
        if field == 1 and kind == BYTES and isinstance(found, bytes):
            tag = found.decode("utf-8", "replace")
        elif field == 2 and kind == FIXED32 and isinstance(found, bytes):
            (value,) = struct.unpack("<f", found)
        elif field == 8 and kind == BYTES and isinstance(found, bytes):
            value = _tensor(found)
    return (tag, value) if tag and value is not None else None


def _tensor(message: bytes) -> float | None:
    """Return the one number of a tensor; None where it is of another type, or has several."""
    kind, values = 0, []
    for field, wire, found in fields(message):
        if field == 1 and isinstance(found, int):
            kind = found
        elif field == 2 and wire == BYTES and isinstance(found, bytes) and any(one == 2 for one, *_ in fields(found)):
            return None  # it has dimensions
        elif field in (4, 5, 6) and isinstance(found, bytes) and len(found) in (4, 8):
            values.append(found)
    wanted = {FLOAT: ("<f", 4), DOUBLE: ("<d", 8)}.get(kind)
    if wanted is None or len(values) != 1 or len(values[0]) != wanted[1]:
        return None
    (value,) = struct.unpack(wanted[0], values[0])
    return float(value) if not math.isnan(value) else math.nan


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


def masked_crc(content: bytes) -> int:
    """Return the masked CRC-32C of TFRecord."""
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF
