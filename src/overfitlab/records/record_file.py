"""The JSON file that says what a folder of ours is, with a checksum of its own."""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from overfitlab.config import canonical_json
from overfitlab.errors import OverfitlabError
from overfitlab.files import read_whole, write_atomically

LARGEST_RECORD = 2**26  # bytes
MOST_PIECES = 500_000  # of a record: each takes up to thirty times the memory that it takes on disk
LARGEST_NUMBER = 2**63  # excluded: SQLite's, and more than anything that is counted
ADVICE = "move the folder away, or choose another one"
CHECKSUM = "checksum"  # the entry with the SHA-256 of all others


def read_record(path: Path, what: str, formats: range, sound: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the record in the file `path` of a folder that is `what` ("a run"), as the last of `formats` has it.

    Raises `OverfitlabError` where it is missing, damaged, not `sound`, or of a format that is none of `formats`.
    """
    try:
        record = read_json(path)
    except FileNotFoundError:
        raise OverfitlabError(f"{path.parent} is not {what}: it has no {path.name}") from None
    except OSError as error:
        raise OverfitlabError(f"{path} cannot be read ({error.strerror}); {ADVICE}") from error
    except (ValueError, RecursionError):
        raise OverfitlabError(f"{path} is damaged (not JSON, or too much of it); {ADVICE}") from None
    if not isinstance(record, dict):
        raise OverfitlabError(f"{path} is damaged (entries are missing, or are none of ours); {ADVICE}")
    found, written = record.get("format"), record.pop(CHECKSUM, None)
    if isinstance(found, int) and found not in formats:
        known = f"{formats[0]} to {formats[-1]}"
        raise OverfitlabError(f"{path} has format {found}, this version reads {known}; {ADVICE}")
    # one of an older format that has a checksum was of the newest, before a bit of the number fell over
    sealed_once = found == formats[-1] or written is not None
    if sealed_once and (written is None or written != checksum(record)):
        raise OverfitlabError(f"{path} is damaged (its checksum differs); {ADVICE}")
    if not sound(record):
        raise OverfitlabError(f"{path} is damaged (entries are missing, or are none of ours); {ADVICE}")
    return record | {"format": formats[-1]}


def read_json(path: Path) -> Any:
    """Return what a JSON file of a folder that may come from anybody holds.

    Raises `OSError` where it cannot be read or is too large, and `ValueError` or `RecursionError` where it is not JSON,
    or has numbers that are no finite ones, or of more than 64 bits.
    """
    content = read_whole(path, LARGEST_RECORD)
    if sum(map(content.count, (b"[", b"{", b","))) > MOST_PIECES:
        raise ValueError("too much of it")
    return json.loads(content.decode("utf-8"), parse_int=_whole, parse_float=_finite, parse_constant=_finite)


def _whole(digits: str) -> int:
    number = int(digits)
    if not -LARGEST_NUMBER <= number < LARGEST_NUMBER:
        raise ValueError(f"{number} is no number of ours")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number of JSON")
    return number


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Replace the record, atomically."""
    write_atomically(path, (json.dumps(sealed(record), indent=2, allow_nan=False) + "\n").encode())


def sealed(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with its checksum."""
    others = {name: value for name, value in record.items() if name != CHECKSUM}
    return others | {CHECKSUM: checksum(others)}


def checksum(record: dict[str, Any]) -> str | None:
    """Return the SHA-256 of a record's entries, in hexadecimal; None where they are nothing that we write."""
    try:
        plain = json.loads(json.dumps(record, allow_nan=False))  # tuples become lists, as they do in the file
        return hashlib.sha256(canonical_json(plain).encode("utf-8", "surrogatepass")).hexdigest()
    except (RecursionError, ValueError):  # nested too deeply, or a number that is none
        return None
