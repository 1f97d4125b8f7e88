"""The folder of a report: what may lie in it, in which languages it is there, and how it is written."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overfitlab.errors import BusyError, UsageError
from overfitlab.files import read_whole, write_atomically
from overfitlab.records.claim import claimed, remove_leftovers
from overfitlab.records.study_folder import PAGE
from overfitlab.report.file_names import localized
from overfitlab.report.paper_files import file_of_text
from overfitlab.words.language import Language
from overfitlab.words.languages import CODES, asked_for, language_named

MARKDOWN = "report.md"
FIGURE_FOLDER = "figures"
KINDS = ("png", "svg")
LARGEST_NUMBERS = 2**28  # bytes
PATIENCE = 30.0  # seconds for another process that writes a report to the same place


@dataclass(frozen=True)
class Kind:
    """What the report of a study, or of a run, consists of."""

    spoken: tuple[str, ...]  # files of each language, the page the first
    shared: tuple[str, ...]  # files without one
    numbers: str  # the last one of them to be written: it says that all of it is there
    figures: tuple[str, ...]

    def names(self, codes: Iterable[str] = CODES) -> set[str]:
        """Return the names of all files in these languages."""
        return {*self.shared, self.numbers, *(localized(name, code) for name in self.spoken for code in codes)}

    def figure_names(self, codes: Iterable[str] = CODES) -> set[str]:
        """Return the names of all files of figures in these languages."""
        files = (f"{name}.{kind}" for name in self.figures for kind in KINDS)
        return {localized(file, code) for file in files for code in codes}


def languages(language: str | None) -> list[Language]:
    """Return the languages that a report is written in: all of them, unless one is named.

    Raises `UsageError` for an unknown one.
    """
    return [language_named(code) for code in ((language,) if language is not None else CODES)]


def first(wanted: Sequence[Language]) -> Language:
    """Return the language of the page that a caller is told of: the one that is spoken, where it is among them."""
    spoken = asked_for()
    return next((say for say in wanted if say == spoken), wanted[0])


def there(folder: Path, kind: Kind) -> list[str]:
    """Return the languages whose pages lie in the folder, made by a version that calls them so."""
    return [code for code in CODES if _is_page(folder / localized(kind.spoken[0], code), code)]


def is_whole(folder: Path, kind: Kind, numbers: str, code: str) -> bool:
    """Return whether a whole report in that language lies in `folder`, made from these numbers."""
    try:
        whole = code in there(folder, kind) and all((folder / name).is_file() for name in kind.names([code]))
        return whole and read_whole(folder / kind.numbers, LARGEST_NUMBERS) == numbers.encode()
    except OSError:
        return False


def has_numbers(folder: Path, kind: Kind, numbers: str) -> bool:
    """Return whether what lies in the folder was made from these numbers."""
    with contextlib.suppress(OSError):
        return read_whole(folder / kind.numbers, LARGEST_NUMBERS) == numbers.encode()
    return False


def write(
    folder: Path, owner: Path | None, kind: Kind, texts: Mapping[str, str], figures: Mapping[str, bytes],
    drawn: Sequence[str], numbers: str,
) -> None:  # fmt: skip
    """Write the files of a report; `owner` is its study or run, if any, `drawn` the languages with figures here."""
    busy = BusyError(
        "report_is_written", "another process is writing a report to {folder}; wait for it, or choose another --out",
        folder=folder
    )  # fmt: skip
    with claimed(folder, lambda: refuse_strangers(folder, owner, kind), busy, "--out", PATIENCE):
        (folder / kind.numbers).unlink(missing_ok=True)  # from here on it is no whole report
        for name, text in texts.items():
            write_atomically(folder / name, file_of_text(text))
        for old in {*kind.shared} - texts.keys():  # of an earlier report
            (folder / old).unlink(missing_ok=True)
        (folder / FIGURE_FOLDER).mkdir(exist_ok=True)
        remove_leftovers(folder / FIGURE_FOLDER)
        for name, content in figures.items():
            write_atomically(folder / FIGURE_FOLDER / name, content)
        for old in kind.figure_names(drawn) - figures.keys():  # of an earlier report
            (folder / FIGURE_FOLDER / old).unlink(missing_ok=True)
        write_atomically(folder / kind.numbers, numbers.encode())  # the last: it says that all of it is there


def refuse_strangers(folder: Path, owner: Path | None, kind: Kind) -> None:
    """Raise `UsageError` where something else than a report lies in the folder: it is not ours to write between.

    A link within the folder of a study or run, which may come from a stranger, can lead to a report of the user's.
    """
    for place in (folder, folder / FIGURE_FOLDER):
        if place.is_symlink() and (place != folder or owner is None or folder.parent.resolve() == owner.resolve()):
            raise UsageError("report_is_a_link", "{place} is a link; remove it, or choose another --out", place=place)
    if folder.exists() and not folder.is_dir():
        raise UsageError("report_is_a_file", "{folder} is a file, not a folder; choose another --out", folder=folder)
    found, figures = _names(folder), folder / FIGURE_FOLDER
    pages = {localized(PAGE, code) for code in CODES}
    ours = found <= {*kind.names(), FIGURE_FOLDER} and (found & pages or not found)
    if not (ours and _names(figures) <= kind.figure_names()) or (figures.exists() and not figures.is_dir()):
        raise UsageError("report_among_other_files", "{folder} holds other files; choose another --out", folder=folder)


def _names(folder: Path) -> set[str]:
    """Return what lies in a folder, but for hidden files."""
    return {entry.name for entry in folder.iterdir() if not entry.name.startswith(".")} if folder.is_dir() else set()


def _is_page(path: Path, code: str) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as stream:
        return f'lang="{code}"'.encode() in stream.read(100)
    return False
