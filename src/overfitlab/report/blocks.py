"""The parts that a report is built of, without a word on how they look."""

from dataclasses import dataclass

from overfitlab.report.marks import Panel
from overfitlab.report.study_tables import Table


@dataclass(frozen=True)
class Paragraphs:
    """Running text; the first one is the lead where `leading`."""

    texts: tuple[str, ...]
    leading: bool = False


@dataclass(frozen=True)
class Bullets:
    """Sentences in a list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class TableBlock:
    """A table and what it is called."""

    table: Table
    caption: str


@dataclass(frozen=True)
class FigureBlock:
    """Panels of one figure; `name` is that of its file. Several kinds of panels take turns: loss, accuracy, ..."""

    name: str
    panels: tuple[Panel, ...]
    caption: str
    kinds: int = 1

    @property
    def rows(self) -> tuple[tuple[Panel, ...], ...]:
        """The panels kind by kind: those that are compared with each other stand in one row."""
        return tuple(self.panels[kind :: self.kinds] for kind in range(self.kinds))


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix [K, K] in percent of the true class."""

    name: str
    classes: tuple[str, ...]
    percent: tuple[tuple[float, ...], ...]
    top: str


@dataclass(frozen=True)
class Confusions:
    """The confusion matrices of all methods."""

    found: tuple[Confusion, ...]
    caption: str


@dataclass(frozen=True)
class Disputed:
    """One image on which methods disagree."""

    row: int
    true: str  # class
    title: str
    alternative: str
    opinions: tuple[tuple[str, str], ...]  # method, what it says


@dataclass(frozen=True)
class Pictures:
    """Images on which methods disagree."""

    found: tuple[Disputed, ...]
    caption: str


@dataclass(frozen=True)
class Facts:
    """Terms and what belongs to them."""

    entries: tuple[tuple[str, str], ...]
    commands: bool = False


@dataclass(frozen=True)
class Offered:
    """A file to take away."""

    name: str
    kind: str  # MIME type
    content: bytes
    about: str


@dataclass(frozen=True)
class Downloads:
    """Files to take away; the page holds them itself."""

    found: tuple[Offered, ...]


Block = Paragraphs | Bullets | TableBlock | FigureBlock | Confusions | Pictures | Facts | Downloads


@dataclass(frozen=True)
class Section:
    """A part of the report with a heading."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
