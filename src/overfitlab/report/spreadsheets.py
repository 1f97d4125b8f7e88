"""CSV that spreadsheets and programs can open, whatever names are in it."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

NO_SIGN = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates that stand for no byte either; JSON can spell them
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")  # how a cell begins that a spreadsheet would compute


def text_cell(text: str) -> str:
    r"""Return `text` as a cell: behind an apostrophe where a spreadsheet would take it for a formula.

    Bytes that are no UTF-8 (in names of files and folders) are written as `\xff`, a lone surrogate (in the record of
    a stranger's run) as `\ud800`, so that the table is UTF-8.
    """
    text = NO_SIGN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return f"'{text}" if text.startswith(FORMULAS) else text


def file_cell(path: str) -> str:
    """Return the name of a file as a cell: `=x.png` becomes `./=x.png`, which is the same file and no formula."""
    return text_cell(f"./{path}" if path.startswith(FORMULAS) else path)


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return the rows as CSV, with names in quotes where they hold commas, quotes or line breaks (RFC 4180)."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def rows_to_csv(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Return rows as CSV below the names of their columns; what is not known is an empty cell."""
    return to_csv([columns, *([_cell(row[name]) for name in columns] for row in rows)])


def _cell(value: object) -> object:
    return "" if value is None else text_cell(value) if isinstance(value, str) else value
