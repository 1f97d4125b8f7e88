"""A record of copies whose checksums have been compared, so that nobody has to read 170 MB to list what is there."""

import datetime
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from overfitlab.data.catalog.places import Copy
from overfitlab.files import cache_folder, write_atomically

FILE = "verified.json"


@dataclass(frozen=True)
class Verification:
    """What was found when a copy was read as a whole."""

    official: bool  # all members have the official checksums
    at: str  # ISO 8601, UTC
    sha256: dict[str, str] = field(default_factory=dict)  # of the files, where they were hashed as they are


def recall(copy: Copy) -> Verification | None:
    """Return what is known of a copy; None where it was never verified, or has been changed since."""
    known = _load().get(str(copy.path))
    try:
        if isinstance(known, dict) and known.get("files") == _fingerprint(copy):
            return Verification(known["official"] is True, str(known["at"]), dict(known.get("sha256", {})))
    except (KeyError, OSError, TypeError, ValueError):
        pass
    return None


def remember(copy: Copy, *, official: bool, sha256: dict[str, str] | None = None) -> Verification:
    """Record that a copy was just read as a whole; where the cache cannot be written, it is forgotten again."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    verification = Verification(official, now, sha256 or {})
    _change(str(copy.path), lambda: {"files": _fingerprint(copy), **asdict(verification)})
    return verification


def forget(copy: Copy) -> None:
    """Remove what is known of a copy: it turned out to be damaged."""
    if str(copy.path) in _load():
        _change(str(copy.path), None)


def _change(path: str, entry: Callable[[], dict[str, Any]] | None) -> None:
    known = {other: value for other, value in _load().items() if other != path and Path(other).exists()}
    try:
        if entry is not None:
            known[path] = entry()
        cache_folder().mkdir(parents=True, exist_ok=True)
        write_atomically(cache_folder() / FILE, (json.dumps(known, indent=2) + "\n").encode())
    except OSError:  # it only saves time
        pass


def _load() -> dict[str, Any]:
    try:
        known = json.loads((cache_folder() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def _fingerprint(copy: Copy) -> dict[str, list[int]]:
    return {file.name: [(state := file.stat()).st_size, state.st_mtime_ns] for file in copy.files()}
