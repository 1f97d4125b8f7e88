"""The ledger of a gate: every attempt at one question, each with a stricter level than the one before.

A line of JSON an attempt, chained by SHA-256: what is changed or taken out of the middle shows. Attempt k gets
alpha / (k (k + 1)); these add up to alpha, however many there are (a union bound over all of them), so that a hundred
ideas that do nothing find something with a probability of alpha at most.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import filelock
import msgspec

from overfitlab.errors import BusyError, DamagedError, OverfitlabError, UsageError
from overfitlab.files import read_whole, write_atomically
from overfitlab.records.kinds import Moment, Sha256, Text

FORMAT = 1
LARGEST = 2**26  # bytes
PATIENCE = 120.0  # seconds for other jobs
BEGINNING = "0" * 64
Found = TypeVar("Found")


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One attempt."""

    format: int
    attempt: Annotated[int, msgspec.Meta(ge=1)]
    question: Text  # what all attempts ask: the axis, and what ideas are compared with
    level: float  # of all attempts together
    alpha: float  # of this one
    claim: Text
    asked: Sha256  # of the files and everything that was asked of them
    exit_code: Annotated[int, msgspec.Meta(ge=0, le=4)]
    at: Moment
    previous: Sha256
    sha256: Sha256


@dataclass(frozen=True)
class Attempt:
    """Which attempt it is, and its level."""

    number: int
    alpha: float
    again: bool  # the same as one before


def level_of(attempt: int, level: float) -> float:
    """Return the level of the k-th attempt, k from 1."""
    return level / (attempt * (attempt + 1))


def attempted(
    path: Path, question: str, claim: str, asked: str, level: float, carry_out: Callable[[Attempt], tuple[int, Found]]
) -> Found:
    """Carry out an attempt at its level and write it down, one job at a time; the same one again is not counted.

    `carry_out` returns an exit code, and what is returned. What it raises is no attempt. Raises `DamagedError` where
    the ledger was changed, `UsageError` where it is of another question or level, `BusyError` where other jobs take too
    long.
    """
    lock = filelock.FileLock(f"{path}.lock", timeout=PATIENCE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise BusyError("ledger_in_use", "{path} is in use by another job; try again", path=path) from None
    except OSError as error:
        raise _not_written(path, error) from None
    try:
        entries = read(path)
        _refuse_others(path, entries, question, level)
        before = next((entry for entry in entries if entry.asked == asked), None)
        number = before.attempt if before else len(entries) + 1
        code, found = carry_out(Attempt(number, level_of(number, level), before is not None))
        if before is None:
            entries.append(_entry(entries, question, claim, asked, level, code))
            try:
                write_atomically(path, b"".join(_line(entry) for entry in entries))
            except OSError as error:
                raise _not_written(path, error) from None
        return found
    finally:
        lock.release()


def _not_written(path: Path, error: OSError) -> OverfitlabError:
    return OverfitlabError(
        "ledger_not_written", "cannot write {path} ({reason}); choose another --ledger",
        path=path, reason=error.strerror or error,
    )  # fmt: skip


def read(path: Path) -> list[Entry]:
    """Return the attempts of a ledger, none where there is no file; raises `DamagedError` where its chain is broken."""
    if not path.exists():
        return []
    try:
        lines = read_whole(path, LARGEST).splitlines()
        entries = [msgspec.json.decode(line, type=Entry) for line in lines]
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _broken(
            path, DamagedError("line_of_no_attempt", "a line is not an attempt: {reason}", reason=reason)
        ) from None
    previous = BEGINNING
    for number, entry in enumerate(entries, 1):
        if entry.attempt != number or entry.previous != previous or entry.sha256 != _hash(entry):
            raise _broken(
                path, DamagedError("attempt_changed", "attempt {number} is not what was written", number=number)
            )
        previous = entry.sha256
    return entries


def _broken(path: Path, why: DamagedError) -> DamagedError:
    return DamagedError(
        "ledger_broken", "{path} is not a ledger, or was changed ({why}); start a new one, which counts from the "
                         "beginning",
        path=path, why=why,
    )  # fmt: skip


def _refuse_others(path: Path, entries: list[Entry], question: str, level: float) -> None:
    if entries and entries[0].question != question:
        raise UsageError(
            "ledger_of_another_question",
            "{path} counts attempts at another question, {there}; use a separate ledger for {question}",
            path=path, there=entries[0].question, question=question,
        )  # fmt: skip
    if entries and entries[0].level != level:
        raise UsageError("ledger_of_another_level", "{path} was started at the significance level {there}; use "
                                                    "--alpha {there}", path=path,
                         there=entries[0].level)  # fmt: skip


def _entry(entries: list[Entry], question: str, claim: str, asked: str, level: float, code: int) -> Entry:
    number = len(entries) + 1
    entry = Entry(
        format=FORMAT, attempt=number, question=question, level=level, alpha=level_of(number, level), claim=claim,
        asked=asked, exit_code=code, at=datetime.now(UTC).isoformat(timespec="seconds"),
        previous=entries[-1].sha256 if entries else BEGINNING, sha256=BEGINNING,
    )  # fmt: skip
    return msgspec.structs.replace(entry, sha256=_hash(entry))


def _hash(entry: Entry) -> str:
    values = {name: value for name, value in msgspec.to_builtins(entry).items() if name != "sha256"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _line(entry: Entry) -> bytes:
    return msgspec.json.encode(entry) + b"\n"
