"""Whether files can be written to a folder, found out before the work rather than after it."""

import tempfile
from pathlib import Path

from overfitlab.errors import OverfitlabError, UsageError


def refuse_unwritable(folder: Path, *, make: bool) -> None:
    """Raise unless files can be written to `folder`, or, if it is to be made (`make`), to where it would be.

    `UsageError` where a file stands in its place, `OverfitlabError` where it is missing or may not be written.
    """
    try:
        existing = folder
        while make and not existing.exists() and existing != existing.parent:
            existing = existing.parent
        if existing.exists() and not existing.is_dir():
            raise UsageError("out_is_no_folder", "{folder} is not a folder; choose another --out", folder=existing)
        with tempfile.TemporaryFile(dir=existing):  # permissions alone do not say it: the disk may be read-only
            pass
    except OSError as error:
        raise OverfitlabError(
            "place_cannot_be_written", "cannot write to {folder} ({reason}); choose another place with --out",
            folder=folder, reason=error.strerror or error,
        ) from error  # fmt: skip
