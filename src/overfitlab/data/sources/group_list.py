"""A list that says of each image which group it belongs to: CSV or TSV, in any order, with a header or not."""

import csv
import io
import itertools
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from overfitlab.display import as_seen, display_name
from overfitlab.errors import DataError
from overfitlab.files import in_utf8, read_whole

LARGEST_LIST = 2**28  # bytes
# what columns are called in a header, without underlines, blanks and capitals
IMAGES = frozenset(
    ("path", "file", "filename", "filepath", "image", "imagepath", "imagename", "imageid", "img", "index", "row")
)
GROUPS = frozenset(
    ("group", "groupid", "patient", "patientid", "subject", "subjectid", "person", "personid", "lesion", "lesionid",
     "case", "caseid", "plant", "plantid", "scene", "sceneid", "site", "siteid", "specimen", "specimenid")
)  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """What a list says: the group of each image that it names, as it names it; and where that stands."""

    path: Path
    groups: Mapping[str, str]


def read_list(path: Path) -> Listed:
    """Return what stands in a list; raises `DataError` where it cannot be read, or gives an image two groups."""
    shown = display_name(path)
    try:
        text = _text(read_whole(path, LARGEST_LIST), shown)
    except OSError as error:
        raise DataError(
            "groups_unreadable", "--groups {file} cannot be read ({reason})", file=shown, reason=error.strerror or error
        ) from error
    groups: dict[str, str] = {}
    for line, name, spelled in _rows(text, shown):
        group = as_seen(spelled)
        if name in groups and groups[name] != group:
            raise DataError(
                "image_of_two_groups", "--groups {file}: {image} is in two groups, {one!r} and {other!r} (line "
                                       "{line})",
                file=shown, image=name, one=groups[name], other=group, line=line,
            )  # fmt: skip
        groups[name] = group
    if not groups:
        raise DataError(
            "groups_empty", "--groups {file} lists no images; write one line for each: PATH,GROUP", file=shown
        )
    return Listed(path, groups)


def groups_of_files(listed: Listed, names: Sequence[str], folder: Path) -> list[str | None]:
    """Return the group of each image file of a folder, named as a path below it; None where the list has none.

    An entry is a path below the folder, one below the list's own folder, or an absolute one; or the name of a file
    alone, with its ending or without, where no other image has it.
    """
    wanted = {_plain(name): row for row, name in enumerate(names)}
    alone = _unique(names)
    beside = _path_between(listed.path.parent, folder)
    found: list[str | None] = [None] * len(names)
    for entry, group in listed.groups.items():
        plain = _plain(entry)
        row = wanted.get(plain)
        if row is None:
            row = next((wanted[below] for below in _below(plain, folder, beside) if below in wanted), None)
        if row is None:
            row = alone.get(plain)
        if row is not None and found[row] is None:
            found[row] = group
    return found


def groups_of_rows(listed: Listed, images: int) -> list[str | None]:
    """Return the group of each image that has no name, by its number, counted from 0; None where the list has none."""
    return [listed.groups.get(str(row)) for row in range(images)]


def _text(content: bytes, shown: str) -> str:
    plain = in_utf8(content)
    try:
        return (content if plain is None else plain).decode()
    except UnicodeDecodeError as error:
        raise DataError(
            "groups_in_another_encoding", "--groups {file} is not UTF-8 text (byte {place:,}); save it as UTF-8",
            file=shown, place=error.start,
        ) from None  # fmt: skip


def _rows(text: str, shown: str) -> Iterator[tuple[int, str, str]]:
    """Yield the number of the line, the image and the group; lines without a group are left out."""
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines: Iterator[tuple[int, list[str]]] = (
            (reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))
        )
        begun = next(lines, None)
        if begun is None:
            return
        columns = _columns(begun[1])
        if columns is None:
            if len(begun[1]) != 2:
                raise DataError(
                    "groups_without_columns",
                    "--groups {file} has {count} columns; use two, PATH,GROUP, or begin with a header that names "
                    "them path and group",
                    file=shown, count=len(begun[1]),
                )  # fmt: skip
            columns, lines = (0, 1), itertools.chain([begun], lines)
        for line, row in lines:
            if len(row) <= max(columns):
                raise DataError(
                    "groups_line_too_short", "--groups {file}: line {line} has no group; write PATH,GROUP",
                    file=shown, line=line,
                )  # fmt: skip
            name, group = (row[column] for column in columns)
            if group:
                yield line, name, group
    except csv.Error as error:
        raise DataError(
            "groups_no_table", "--groups {file}: line {line} cannot be read ({reason})",
            file=shown, line=reader.line_num, reason=error,
        ) from None  # fmt: skip


def _columns(header: Sequence[str]) -> tuple[int, int] | None:
    """Return which columns have images and groups, by what they are called; None where this is no header."""
    names = ["".join(sign for sign in name.casefold() if sign.isalnum()) for name in header]
    images = [place for place, name in enumerate(names) if name in IMAGES]
    groups = [place for place, name in enumerate(names) if name in GROUPS]
    return (images[0], groups[0]) if images and groups else None


def _plain(name: str) -> str:
    """Return a path as all names are compared: one spelling of each letter, slashes, no `./` before it."""
    path = unicodedata.normalize("NFC", display_name(name)).replace("\\", "/")
    return os.path.normpath(path).replace("\\", "/") if path else path


def _unique(names: Sequence[str]) -> dict[str, int]:
    """Return the row of each file that can be told by its name alone, with its ending or without."""
    ends = [PureWindowsPath(_plain(name)).name for name in names]
    spellings = [{end, PureWindowsPath(end).stem} for end in ends]
    often = Counter(spelling for each in spellings for spelling in each)
    return {spelling: row for row, each in enumerate(spellings) for spelling in each if often[spelling] == 1}


def _path_between(start: Path, folder: Path) -> str | None:
    """Return the path from the list's folder to that of the images; None where there is none (two drives)."""
    try:
        return _plain(os.path.relpath(folder.resolve(), start.resolve()))
    except (OSError, ValueError):
        return None


def _below(entry: str, folder: Path, beside: str | None) -> Iterator[str]:
    """Yield what an entry is called below the folder of the images, if it is a path from elsewhere."""
    for start in (beside, _plain(str(folder.absolute())), _plain(str(folder.resolve()))):
        if start and entry.startswith(f"{start}/"):
            yield entry[len(start) + 1 :]
