"""CSV that spreadsheets and programs can open, whatever names are in it."""

import csv
import io
import os
from collections.abc import Iterable, Sequence

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")  # how a cell begins that a spreadsheet would compute


def text_cell(text: str) -> str:
    r"""Return `text` as a cell: behind an apostrophe where a spreadsheet would take it for a formula.

    Bytes that are no UTF-8 (in names of files and folders) are written as `\xff`, so that the table is UTF-8.
    """
    text = os.fsencode(text).decode("utf-8", "backslashreplace")
    return f"'{text}" if text.startswith(FORMULAS) else text


def file_cell(path: str) -> str:
    """Return the name of a file as a cell: `=x.png` becomes `./=x.png`, which is the same file and no formula."""
    return text_cell(f"./{path}" if path.startswith(FORMULAS) else path)


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return the rows as CSV, with names in quotes where they hold commas, quotes or line breaks (RFC 4180)."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
