"""A demonstration of a method as plain data; `report` draws it as a figure, `terminal` as text.

There is no torch in this file, so that what draws it need not have it either.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overfitlab.words.language import ENGLISH, Language

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Values [H, W] as shades, from `low`, the darkest, to `high`, the brightest."""

    caption: str
    values: Values
    low: float
    high: float

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "kind": "grid",
            "caption": self.caption,
            "values": _numbers(self.values),
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True)
class Series:
    """One line: y [N] over x [N], x ascending; a `faint` one is beside the point, or noise."""

    label: str
    x: Values
    y: Values
    faint: bool = False


@dataclass(frozen=True)
class Mark:
    """A place on the x axis where something happens."""

    x: float
    label: str


@dataclass(frozen=True)
class Curves:
    """Lines over one x axis."""

    x_label: str
    y_label: str
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "kind": "curves",
            "x_label": self.x_label,
            "y_label": self.y_label,
            "series": [{"label": one.label, "x": _numbers(one.x), "y": _numbers(one.y)} for one in self.series],
            "marks": [{"x": mark.x, "label": mark.label} for mark in self.marks],
        }


@dataclass(frozen=True)
class Bars:
    """Groups of bars: for each of the N labels one bar of each of the series [N]."""

    y_label: str
    labels: tuple[str, ...]
    series: dict[str, Values]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "kind": "bars",
            "y_label": self.y_label,
            "labels": list(self.labels),
            "series": {name: _numbers(values) for name, values in self.series.items()},
        }


Panel = Grid | Curves | Bars


@dataclass(frozen=True)
class Row:
    """Panels side by side; grids, or one panel of another kind."""

    label: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Demonstration:
    """What one hook of a method does."""

    hook: str
    caption: str  # says what is to be seen, in whole sentences
    rows: tuple[Row, ...]

    @property
    def panels(self) -> list[Panel]:
        """All panels, row by row."""
        return [panel for row in self.rows for panel in row.panels]

    def legend(self, dark: str, bright: str, say: Language = ENGLISH) -> str:
        """Return a sentence that says which values the shades so named have, alike in all its grids; "" without any."""
        grids = [panel for panel in self.panels if isinstance(panel, Grid)]
        if not grids:
            return ""
        low, high = grids[0].low, grids[0].high
        lowest, highest = f"{low:.3g}", f"{high:.3g}"
        if min(float(grid.values.min()) for grid in grids) < low:
            lowest = say("{number} or less", number=lowest)
        if max(float(grid.values.max()) for grid in grids) > high:
            highest = say("{number} or more", number=highest)
        return say("{dark} is {lowest}, {bright} {highest}.", dark=dark, lowest=lowest, bright=bright, highest=highest)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        rows = [{"label": row.label, "panels": [panel.as_dict() for panel in row.panels]} for row in self.rows]
        return {"hook": self.hook, "caption": self.caption, "rows": rows}


@dataclass(frozen=True)
class Exhibit:
    """All that can be shown of one method."""

    title: str  # the method's label
    demonstrations: tuple[Demonstration, ...]
    note: str = ""  # why there is nothing to show, or not everything

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"demonstrations": [one.as_dict() for one in self.demonstrations], "note": self.note}


def _numbers(values: Values) -> Any:
    """Return nested lists; what is not finite becomes None, which JSON can say."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    return [float(value) if np.isfinite(value) else None for value in values]
