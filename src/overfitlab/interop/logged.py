"""What readers of logs give: a table as it was written, and who wrote it."""

from dataclasses import dataclass, field

from overfitlab.errors import DataError
from overfitlab.interop.cells import Row

MOST_BYTES = 2**28  # of a file of events, or a database
MOST_TEXT = 2**26  # bytes of a table
MOST_ROWS, MOST_COLUMNS = 2_000_000, 2_000
MOST_CELLS = 10_000_000  # an empty one is a byte in the file, and a hundred in memory


@dataclass(frozen=True)
class Logged:
    """The rows of one log: of one run where `history`, else of several, told apart by their columns."""

    source: str  # the file, as it was named
    kind: str  # the program that wrote it: "Keras CSVLogger"
    sha256: str  # of its content
    names: tuple[str, ...]  # of the columns, as they stand there
    rows: list[Row]
    history: bool = False
    method: str | None = None
    seed: str | None = None
    # columns of training metrics that were measured in evaluation mode: no running means
    evaluated: frozenset[str] = frozenset()
    of_validation: frozenset[str] = field(default_factory=frozenset)  # whose names do not say so


def unreadable(path: object, kind: str, why: DataError) -> DataError:
    """Return the error for a file that is not what it should be; `why` is said in the language of the rest."""
    return DataError("log_unreadable", "{path} cannot be read as {kind}: {why}", path=path, kind=kind, why=why)


def too_large(path: object) -> DataError:
    """Return the error for a table that is larger than anybody's runs."""
    return DataError(
        "log_too_large",
        "{path} has more than {rows:,} rows, {columns:,} columns or {cells:,} cells; use a part of it",
        path=path, rows=MOST_ROWS, columns=MOST_COLUMNS, cells=MOST_CELLS,
    )  # fmt: skip


def checked(log: Logged) -> Logged:
    """Return a log whose size is within bounds; raises `DataError` for a larger one."""
    if len(log.rows) > MOST_ROWS or len(log.names) > MOST_COLUMNS:
        raise too_large(log.source)
    return log
