"""Numbers of any library, as Python's own; and the checks of what users hand in.

NumPy's, PyTorch's and pandas's numbers are numbers; a truth value, a text, or an array of several is none.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from overfitlab.errors import UsageError, unknown_name

NARROW = (
    "float16",
    "float32",
)  # whose values are those of the fewest digits that mean them: 0.001, not 0.0010000000475
LONGEST = 80  # signs of a value in a message


def whole(value: object) -> int | None:
    """Return a whole number of any type as an `int`; None where it is none."""
    if _is_no_single_number(value):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        return None


def number(value: object) -> float | None:
    """Return a real number of any type as a `float`, finite or not; None where it is none.

    Of a number of single or half precision it is the one of the fewest digits: `numpy.float32(1e-3)` is 0.001.
    """
    kind = type(value)
    if _is_no_single_number(value) or not (hasattr(kind, "__float__") or hasattr(kind, "__index__")):
        return None
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None
    name = _type_name(value)
    if name in NARROW:
        import numpy as np  # takes a while, which --help need not wait for

        return float(str(np.dtype(name).type(found)))
    return found


def pair(value: object) -> tuple[object, object] | None:
    """Return both entries of a list, a tuple or an array of two; None for anything else."""
    if isinstance(value, str | bytes | Mapping | Set) or not isinstance(value, Iterable):
        return None
    try:
        first, second = value
    except (TypeError, ValueError):
        return None
    return first, second


def is_truth_value(value: object) -> bool:
    """Return whether that is True or False, Python's or NumPy's."""
    return isinstance(value, bool) or (getattr(value, "shape", None) == () and _type_name(value).startswith("bool"))


def _is_no_single_number(value: object) -> bool:
    several = getattr(value, "shape", ()) != ()
    return several or isinstance(value, bool | str | bytes | bytearray) or _type_name(value).startswith("bool")


def _type_name(value: object) -> str:
    """Return what NumPy or PyTorch call the type of a number: `"float32"`; empty for one of Python's own."""
    return str(getattr(value, "dtype", "")).removeprefix("torch.")


def shown(value: object) -> str:
    """Return how to show any value in a message: in one line, and not at length."""
    shape = getattr(value, "shape", ())
    if shape != ():
        return f"an array {_type_name(value)} {list(shape)}" if isinstance(shape, tuple) else type(value).__name__
    try:
        said = " ".join(repr(value).split())
    except Exception:  # whatever an object of a stranger does when it is asked
        said = ""
    return (
        said if 0 < len(said) <= LONGEST and " at 0x" not in said else f"an object of the type {type(value).__name__}"
    )


def check_whole(what: str, value: Any, low: int, high: int | None = None) -> int:
    """Return a whole number of any type as an `int`; raises `UsageError` for one out of range, or none.

    `what` is a noun.
    """
    found = whole(value)
    if found is not None and found >= low and (high is None or found <= high):
        return found
    if high is None:
        raise UsageError(
            "no_whole_number_from", "{what} must be a whole number of at least {low}, not {value}",
            what=what, low=low, value=shown(value),
        )  # fmt: skip
    raise UsageError(
        "no_whole_number_between", "{what} must be a whole number from {low} to {high}, not {value}",
        what=what, low=low, high=high, value=shown(value),
    )  # fmt: skip


def check_one_of(what: str, value: Any, known: Sequence[str], meant: str | None = None) -> None:
    """Refuse a value that is none of the known ones; raises `UsageError`, which names the one that was meant."""
    if not isinstance(value, str) or value not in known:
        raise unknown_name(what, value if isinstance(value, str) else shown(value), known, meant)
