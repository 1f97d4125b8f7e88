"""Predictions as a table for people, CSV, or one JSON document, written while they come."""

import json
from collections.abc import Sequence

from rich.cells import cell_len

from overfitlab.display import display_name
from overfitlab.report.spreadsheets import file_cell, text_cell, to_csv
from overfitlab.words.columns import padded

FIXED_COLUMNS = ("file", "class", "probability")
WIDEST_NAME = 60  # cells of a terminal
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


class Table:
    """A line an image: its name and its most probable classes. For people."""

    def __init__(self, class_names: Sequence[str], top: int, files: Sequence[str]) -> None:
        self._names = [display_name(name) for name in class_names]
        self._widest = max(map(cell_len, self._names))
        self._top = top
        self._width = min(WIDEST_NAME, max((cell_len(display_name(file)) for file in files), default=0))

    def begin(self) -> str:
        """Return what comes first."""
        return ""

    def row(self, file: str, probabilities: Sequence[float]) -> str:
        """Return an image's line, from its K probabilities."""
        best = ranking(probabilities)[: self._top]
        parts = [f"{padded(self._names[k], self._widest)} {probabilities[k]:.3f}" for k in best]
        return f"{padded(_shortened(display_name(file), self._width), self._width)}  {'  '.join(parts)}".rstrip() + "\n"

    def end(self, unreadable: Sequence[tuple[str, str]]) -> str:
        """Return what comes last; `unreadable` are names of files and reasons."""
        return ""


class Csv:
    """The columns file, class, probability, and one for every class.

    A class that is called like one of the first three has " (class)" behind its name in the header.
    """

    def __init__(self, class_names: Sequence[str]) -> None:
        self._names = [text_cell(name) for name in class_names]

    def begin(self) -> str:
        """Return the header."""
        columns = (f"{name} (class)" if name in FIXED_COLUMNS else name for name in self._names)
        return to_csv([[*FIXED_COLUMNS, *columns]])

    def row(self, file: str, probabilities: Sequence[float]) -> str:
        """Return an image's row, from its K probabilities."""
        best = ranking(probabilities)[0]
        return to_csv([[file_cell(file), self._names[best], probabilities[best], *probabilities]])

    def end(self, unreadable: Sequence[tuple[str, str]]) -> str:
        """Return nothing: the file of a table has no place for what is not in it."""
        return ""


class Json:
    """One document; names that are no UTF-8 have Python's surrogate escapes."""

    def __init__(self, class_names: Sequence[str], top: int, about: dict[str, object]) -> None:
        self._names, self._top, self._about = class_names, top, about
        self._separator = ""

    def begin(self) -> str:
        """Return the document up to its list of predictions."""
        head = json.dumps(self._about | {"classes": list(self._names)})
        return f'{head[:-1]}, "predictions": ['

    def row(self, file: str, probabilities: Sequence[float]) -> str:
        """Return an image's entry, from its K probabilities."""
        order = ranking(probabilities)
        entry = {
            "file": file,
            "class": self._names[order[0]],
            "probability": probabilities[order[0]],
            "top": [{"class": self._names[k], "probability": probabilities[k]} for k in order[: self._top]],
            "probabilities": list(probabilities),
        }
        separator, self._separator = self._separator, ","
        return f"{separator}\n{json.dumps(entry, allow_nan=False)}"

    def end(self, unreadable: Sequence[tuple[str, str]]) -> str:
        """Return the rest of the document."""
        files = [{"file": file, "reason": reason} for file, reason in unreadable]
        return f'\n], "unreadable": {json.dumps(files)}}}\n'


Format = Table | Csv | Json


def ranking(probabilities: Sequence[float]) -> list[int]:
    """Return the classes by probability, the most probable first, of equals the first."""
    return sorted(range(len(probabilities)), key=lambda k: -probabilities[k])


def _shortened(text: str, width: int) -> str:
    """Return the end of a name that is too long: that is where names of files differ."""
    if cell_len(text) <= width:
        return text
    while cell_len(text) > width - 1:
        text = text[1:]
    return ELLIPSIS + text
