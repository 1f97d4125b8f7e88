"""Tables as text (CSV, TSV, JSON lines) and Parquet: rows of named cells."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from overfitlab.display import display_name
from overfitlab.errors import DataError, UsageError
from overfitlab.files import in_utf8
from overfitlab.interop.cells import DECIMAL_COMMA, Row, cell, of_value
from overfitlab.interop.logged import MOST_CELLS, MOST_ROWS, too_large, unreadable

SEPARATORS = (",", ";", "\t", "|")
LOOKED_AT = 100  # rows, for decimal commas
DEEPEST = 50  # levels of JSON
Table = tuple[tuple[str, ...], list[Row]]


def decoded(path: Path, content: bytes, kind: str) -> str:
    """Return the text of a file in UTF-8, with a byte-order mark or without, or in UTF-16."""
    utf8 = in_utf8(content)
    try:
        if utf8 is not None:
            return utf8.decode("utf-8").replace("\0", "")
    except UnicodeError:
        pass
    raise unreadable(path, kind, DataError("no_text_in_utf8", "it is not UTF-8 text"))


def delimited(path: Path, content: bytes, kind: str = "CSV") -> Table:
    """Return a table with a header, separated by commas, semicolons, tabs or bars; raises `DataError`."""
    text = decoded(path, content, kind)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    lines = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=separator)
    try:
        names = unique(next(lines, []))
        found: list[list[str]] = []
        cells = 0
        for line in lines:
            cells += len(line)
            if cells > MOST_CELLS or len(found) > MOST_ROWS:
                raise too_large(path)
            if any(map(str.strip, line)):
                found.append(line)
    except csv.Error as error:
        raise unreadable(
            path, kind, DataError("quotes_damaged", "its quotes or line ends are damaged ({reason})", reason=error)
        ) from None
    if not any(names) or not found:
        raise unreadable(path, kind, DataError("no_rows_below_a_header", "it has no rows below a header"))
    widest = max(map(len, found))
    if widest > len(names):
        raise unreadable(path, kind, DataError(
            "row_wider_than_header",
            "a row has {cells} cells below {names} names; numbers with decimal commas need quotes or ;",
            cells=widest, names=len(names),
        ))  # fmt: skip
    commas = any(DECIMAL_COMMA.fullmatch(each.strip()) for line in found[:LOOKED_AT] for each in line)
    rows = [{name: cell(each, decimal_comma=commas) for name, each in zip(names, line, strict=False)} for line in found]
    return names, rows


def unique(names: list[str]) -> tuple[str, ...]:
    """Return the names of columns as they can be shown; one without a name, or the same again, gets a number."""
    found: list[str] = []
    for place, name in enumerate(names, 1):
        shown = display_name(name.strip())[:200] or f"column {place}"
        found.append(f"{shown} ({place})" if shown in found else shown)
    return tuple(found)


def json_document(path: Path, content: bytes, kind: str) -> Any:
    """Return what a JSON file holds, NaN and infinite numbers among it; raises `DataError`."""
    try:
        found = json.loads(decoded(path, content, kind))
    except (ValueError, RecursionError) as error:
        if isinstance(error, RecursionError):
            raise _too_deep(path, kind) from None
        raise unreadable(
            path, kind, DataError("no_valid_json", "it is not valid JSON ({reason})", reason=error)
        ) from None
    if _depth(found) > DEEPEST:
        raise _too_deep(path, kind)
    return found


def _too_deep(path: Path, kind: str) -> DataError:
    return unreadable(path, kind, DataError("nested_too_deeply", "it is nested too deeply"))


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        depth += 1
        level = [inner for each in level if isinstance(each, dict | list)
                 for inner in (each.values() if isinstance(each, dict) else each)]  # fmt: skip
    return depth


def json_lines(path: Path, content: bytes) -> Table:
    """Return the objects of JSON lines as rows; raises `DataError` for a line that is none."""
    rows: list[Any] = []
    for number, line in enumerate(decoded(path, content, "JSON lines").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict) or len(rows) > MOST_ROWS:
            raise unreadable(
                path, "JSON lines", DataError("line_of_no_object", "line {number} is not an object", number=number)
            )
        rows.append(entry)
    return of_objects(path, rows, "JSON lines")


def of_objects(path: Path, entries: list[Any], kind: str) -> Table:
    """Return objects as rows; what is nested within them is left out."""
    rows: list[Row] = []
    names: dict[str, str] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise unreadable(path, kind, DataError("entry_of_no_object", "an entry is not an object"))
        row: Row = {}
        for name, value in entry.items():
            if not isinstance(value, dict | list):
                shown = names.setdefault(name, display_name(name.strip())[:200] or f"column {len(names) + 1}")
                row[shown] = of_value(value)
        rows.append(row)
    if not rows or not names:
        raise unreadable(path, kind, DataError("table_without_rows", "it has no rows"))
    return tuple(dict.fromkeys(names.values())), rows


def parquet(path: Path, content: bytes) -> Table:
    """Return the rows of a Parquet file; raises `UsageError` without pyarrow, `DataError` where it is none."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError(
            "parquet_needs_pyarrow", "{path} is a Parquet file, which needs pyarrow: pip install 'overfitlab[parquet]'",
            path=path,
        ) from None  # fmt: skip
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        if file.metadata.num_rows * max(file.metadata.num_columns, 1) > MOST_CELLS:
            raise too_large(path)
        return of_objects(path, file.read().to_pylist(), "Parquet")
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        why = DataError("parquet_damaged", "it is damaged ({reason})", reason=str(error).partition("\n")[0][:200])
        raise unreadable(path, "Parquet", why) from None
