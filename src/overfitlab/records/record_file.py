"""The JSON file that says what a folder of ours is: read into typed values once, or refused in one line.

The last entry is the checksum of all bytes before it. Older formats have one over the entries, or none.
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from overfitlab.config import canonical_json
from overfitlab.errors import DamagedError, OverfitlabError
from overfitlab.files import read_whole, write_atomically

LARGEST_RECORD = 2**24  # bytes
MOST_PIECES = 500_000  # of an older record: each takes up to thirty times the memory that it takes on disk
CHECKSUM = "checksum"
SEAL = b',\n  "checksum": "'
Values = dict[str, Any]  # of a JSON document, before it has types
Record = TypeVar("Record", bound=msgspec.Struct)


class _Head(msgspec.Struct):
    """What says how to read the rest."""

    format: int
    producer: dict[str, Any] = {}


@dataclass(frozen=True)
class Format(Generic[Record]):
    """How a kind of record is read."""

    what: str  # "a run"
    newest: int
    oldest: int
    kind: Callable[[str], type[Record]]  # by the name of its producer, which is empty for older formats
    upgraded: Callable[[Values], Values]  # values of an older format in the shape of the newest
    sealed_from: int  # the first format with a checksum over the entries


def read_record(path: Path, known: Format[Record]) -> Record:
    """Return the record in the file `path`; raises `OverfitlabError` where there is none, and `DamagedError` else."""
    try:
        content = read_whole(path, LARGEST_RECORD)
    except FileNotFoundError:
        raise OverfitlabError(
            "no_record", "{folder} is not {what}: it has no {file}",
            folder=path.parent, what=known.what, file=path.name
        ) from None  # fmt: skip
    except OSError as error:
        raise DamagedError(
            "record_unreadable", "{file} cannot be read ({reason}); move the folder away, or choose another one",
            file=path, reason=error.strerror
        ) from error  # fmt: skip
    try:
        return _decoded(path, content, known)
    except msgspec.ValidationError as error:
        raise DamagedError(
            "record_entries_damaged",
            "{file} is damaged (entries are missing or unknown: {reason}); move the folder away, or choose another one",
            file=path,
            reason=error,
        ) from None
    except (ValueError, RecursionError, OverflowError):
        raise DamagedError(
            "record_no_json",
            "{file} is damaged (not JSON, or too large); move the folder away, or choose another one",
            file=path,
        ) from None


def _decoded(path: Path, content: bytes, known: Format[Record]) -> Record:
    try:
        head = msgspec.json.decode(content, type=_Head)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # a path that is no UTF-8 is written with signs that msgspec does not take
        head = msgspec.convert(_values(content), _Head)
    if not known.oldest <= head.format <= known.newest:
        raise DamagedError(
            "record_of_another_format",
            "{file} has format {found}, this version reads {oldest} to {newest}; move the folder away, or choose "
            "another one",
            file=path, found=head.format, oldest=known.oldest, newest=known.newest,
        )  # fmt: skip
    if head.format < known.newest:
        values = _values(content)
        written = values.pop(CHECKSUM, None)
        # one of before there were checksums that has one was of a newer format, before a bit of the number fell over
        if (head.format >= known.sealed_from or written is not None) and written != checksum(values):
            raise _other_checksum(path)
        values = known.upgraded(values) | {"format": known.newest}
        return msgspec.convert(values, known.kind(""), from_attributes=False)
    body, _, seal = content.rpartition(SEAL)
    if seal != _seal(body):
        raise _other_checksum(path)
    kind = known.kind(str(head.producer.get("name", "")))
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.convert(_values(content), kind)


def _other_checksum(path: Path) -> DamagedError:
    return DamagedError(
        "record_checksum_differs",
        "{file} is damaged (its checksum differs); move the folder away, or choose another one",
        file=path,
    )


def _values(content: bytes) -> Values:
    if sum(map(content.count, (b"[", b"{", b","))) > MOST_PIECES:
        raise ValueError("too much of it")
    found = json.loads(content.decode("utf-8"), parse_float=_finite, parse_constant=_finite)
    if not isinstance(found, dict):
        raise msgspec.ValidationError("no entries")
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number of JSON")
    return number


def write_record(path: Path, record: msgspec.Struct) -> None:
    """Replace the record, atomically."""
    write_atomically(path, sealed(msgspec.to_builtins(record)))


def sealed(values: Values) -> bytes:
    """Return the content of a record file: the entries, and their checksum as the last one."""
    others = {name: value for name, value in values.items() if name != CHECKSUM}
    body = json.dumps(others, indent=2, allow_nan=False).removesuffix("\n}").encode()
    return body + SEAL + _seal(body)


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'


def checksum(values: Values) -> str | None:
    """Return the SHA-256 over the entries of a record of an older format; None where they are none that we wrote."""
    try:
        return hashlib.sha256(canonical_json(values).encode("utf-8", "surrogatepass")).hexdigest()
    except (RecursionError, ValueError):
        return None
