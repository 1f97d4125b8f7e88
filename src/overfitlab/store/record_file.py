"""The JSON file that says what a folder of ours is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from overfitlab.errors import OverfitlabError
from overfitlab.files import write_atomically

ADVICE = "move the folder away, or choose another one"


def read_record(path: Path, what: str, version: int, sound: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the record in the file `path` of a folder that is `what`, such as "a run".

    Raises `OverfitlabError` where it is missing, damaged, not `sound`, or of another version of its format.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OverfitlabError(f"{path.parent} is not {what}: it has no {path.name}") from None
    except OSError as error:
        raise OverfitlabError(f"{path} cannot be read ({error.strerror}); {ADVICE}") from error
    except (ValueError, RecursionError):
        raise OverfitlabError(f"{path} is damaged (not JSON); {ADVICE}") from None
    if not isinstance(record, dict) or not sound(record):
        raise OverfitlabError(f"{path} is damaged (entries are missing); {ADVICE}")
    if record["format"] != version:
        raise OverfitlabError(f"{path} has format {record['format']}, this version reads {version}; {ADVICE}")
    return record


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Replace the record, atomically."""
    write_atomically(path, (json.dumps(record, indent=2, allow_nan=False) + "\n").encode())
