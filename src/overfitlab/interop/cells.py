"""Cells of tables of strangers: numbers in the ways that people and programs write them."""

import re

from overfitlab.display import display_name

Cell = float | str | None  # None where a cell is empty
Row = dict[str, Cell]
EMPTY = frozenset(("", "null", "na", "n/a", "-"))  # not `none`, which is a method
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d{1,4})?")
SPECIAL = {"nan": "nan", "inf": "inf", "+inf": "inf", "-inf": "-inf", "infinity": "inf", "-infinity": "-inf"}
LONGEST = 10_000  # signs of a cell


def cell(text: str, *, decimal_comma: bool = False) -> Cell:
    """Return what a cell of text holds: a number where it is one, else the text, None where it is empty.

    `71.2%` is 0.712. With `decimal_comma`, `0,712` is a number.
    """
    text = text.strip()[:LONGEST]
    low = text.lower()
    if low in EMPTY:
        return None
    if low in SPECIAL:
        return float(SPECIAL[low])
    bare = text[:-1].rstrip() if text.endswith("%") else text
    if decimal_comma and DECIMAL_COMMA.fullmatch(bare):
        bare = bare.replace(",", ".")
    if NUMBER.fullmatch(bare):
        value = float(bare)
        return value / 100 if bare is not text and text.endswith("%") else value
    return display_name(text)


def of_value(value: object) -> Cell:
    """Return what a value of JSON, Parquet or a database is as a cell; what is neither number nor text is empty."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return None
    return cell(value) if isinstance(value, str) else None


def number(value: Cell) -> float | None:
    """Return the number in a cell, None where it holds none."""
    return value if isinstance(value, float) else None


def as_text(value: Cell) -> str | None:
    """Return a cell as a name: `0` for 0.0; None where it is empty."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    return value
