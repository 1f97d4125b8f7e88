"""On which scale the numbers of images are, and how they become bytes: guessed only where nothing is lost by it.

Floating-point numbers go from 0 to 1 or from 0 to 255, whole numbers from 0 to 255 or to the last level of 10, 12, 14
or 16 bits. What goes a little beyond, as after a bicubic resize, is cut off, and that is noted; what fits no scale, or
would be rounded to a few levels (`rounding`), is refused.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.dataset import Images
from overfitlab.data.prepare.cache import Findings
from overfitlab.data.prepare.rounding import FEWEST, FULL, NARROW, Left, few_left, note_of, refuse_most
from overfitlab.data.prepare.sixteen_bits import white_for
from overfitlab.data.sources.npz_members import Array
from overfitlab.errors import DataError
from overfitlab.reasons import reason

DEEPEST = 65535
BEYOND = 0.25  # of the scale that fractions may go beyond either end of it
BEYOND_WHOLE = 0.05  # and whole numbers, which may as well be of more bits
Read = Callable[[Array], Iterable[NDArray[Any]]]


@dataclass(frozen=True)
class Span:
    """What the values of one array are like."""

    array: Array
    low: float
    high: float
    whole: bool  # whether all are whole numbers

    @property
    def kind(self) -> str:
        """The kind of its numbers, as NumPy has it: b, u, i or f."""
        return self.array.dtype.kind

    @property
    def of_unit(self) -> bool:
        """Whether these can only be fractions of 1."""
        return not self.whole and self.low >= -BEYOND and self.high <= 1 + BEYOND


def factors(arrays: Sequence[Array], read: Read, shown: str, given: int | None, findings: Findings) -> list[float]:
    """Return what makes the values of each array go from 0 to 255; notes in `findings` what was guessed.

    `given` is the level that is white where there are more than 8 bits; None for the last one of the bits that they
    need. Raises `DataError` where the values are on no such scale, or two parts on different ones.
    """
    spans = {array: _span(array, read, shown) for array in arrays if array.dtype != np.uint8}
    fractions = [span for span in spans.values() if span.kind == "f"]
    units = [span for span in fractions if span.of_unit]
    plain = [span for span in fractions if not span.of_unit and not (span.whole and span.low >= 0 and span.high <= 1)]
    if units and plain:
        raise _two_scales(units[0], plain[0], shown)
    white = _white([*plain, *(span for span in spans.values() if span.kind in "ui")], shown, given, findings)
    by_array = {array: _factor(span, unit=not plain, white=white) for array, span in spans.items()}
    for span in fractions:
        if span.low < 0 and (span.high - span.low) * by_array[span.array] < FEWEST:
            raise _out_of_range(span, shown)  # standardized
    if any(array.dtype == np.uint8 or spans[array].kind in "ui" for array in arrays) and units:
        findings.notes.append(reason("parts_scaled_apart", array=units[0].array.shown))
    return [by_array.get(array, 1.0) for array in arrays]


def as_bytes(
    arrays: Sequence[Array], factors: Sequence[float], read: Read, shown: str, findings: Findings, *, given: bool
) -> Iterator[Images]:
    """Yield the arrays as uint8 a few rows at a time; notes what was cut off, and where few levels are used or left.

    Raises `DataError` where next to nothing is left of an array, unless white is `given`, and where only some of them
    are black and white in 0 and 1.
    """
    black: list[Array] = []  # in bytes 0 and 1
    seen: list[Array] = []  # with more than those
    for array, factor in zip(arrays, factors, strict=True):
        low, high, cut, count, row = FULL, 0, 0, 0, 0
        lost: list[Left] = []
        for chunk in read(array):
            if chunk.dtype == np.uint8:
                pixels = chunk
            else:
                scaled = chunk * factor
                lost += [
                    Left(f"{shown}: {array.shown}[{row + place}]", *ends)
                    for place, image in enumerate(chunk) if (ends := few_left(image, factor)) is not None
                ]  # fmt: skip
                whole = np.rint(scaled)
                cut += int(np.count_nonzero((whole < 0) | (whole > FULL)))
                pixels = whole.clip(0, FULL).astype(np.uint8)
            count += pixels.size
            row += len(chunk)
            low, high = min(low, int(pixels.min())), max(high, int(pixels.max()))
            yield pixels
        (black if array.dtype == np.uint8 and high == 1 else seen if high > 1 else []).append(array)
        if not given:
            refuse_most(lost, row, high - low, array.shown, round(FULL / factor, 3))
        note_of(lost, row, array.shown, round(FULL / factor, 3), findings)
        if cut:
            findings.notes.append(
                reason("values_cut_off", array=array.shown, cut=cut, count=count, most=round(FULL / factor))
            )
        if high - low < NARROW:
            findings.notes.append(reason("few_levels_used", array=array.shown, low=low, high=high))
    if black and seen:
        raise DataError(
            "parts_of_zeros_and_ones",
            "{file}: {first} goes from 0 to 1 in whole numbers, and {second} does not; save both on one scale, 0 to "
            "255",
            file=shown, first=black[0].shown, second=seen[0].shown,
        )  # fmt: skip


def _span(array: Array, read: Read, shown: str) -> Span:
    low, high, whole, row = np.inf, -np.inf, True, 0
    for chunk in read(array):
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
        if array.dtype.kind == "f":
            finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
            if not finite.all():
                raise DataError(
                    "x_not_finite",
                    "{file}: {array} has values that are not finite, first in image {row}; replace them, or leave "
                    "such images out",
                    file=shown, array=array.shown, row=row + int(finite.argmin()),
                )  # fmt: skip
            whole = whole and bool((chunk == np.rint(chunk)).all())
        row += len(chunk)
    return Span(array, low, high, whole)


def _white(spans: Sequence[Span], shown: str, given: int | None, findings: Findings) -> int:
    """Return the level that is white in numbers of 8 bits or more, all parts together."""
    for span in spans:
        slack = FULL * (BEYOND_WHOLE if span.whole else BEYOND)
        most = DEEPEST if span.whole and span.low >= 0 else FULL + slack
        if span.low < -slack or span.high > most:
            raise _out_of_range(span, shown)
    deep = [span for span in spans if span.high > FULL * (1 + BEYOND_WHOLE) and span.whole]
    if not deep:
        return FULL
    shallow = next((span for span in spans if span.whole and 1 < span.high <= FULL), None)
    if shallow is not None:
        raise _two_scales(shallow, deep[0], shown)
    white = given or white_for(max(span.high for span in deep))
    findings.white = white
    findings.notes.append(reason("levels_of_more_bits", array=deep[0].array.shown, white=white))
    return white


def _two_scales(one: Span, other: Span, shown: str) -> DataError:
    return DataError(
        "parts_on_two_scales",
        "{file}: {first} goes from {low:g} to {high:g}, but {second} from {other_low:g} to {other_high:g}; save both "
        "on one scale, 0 to 1 or 0 to 255",
        file=shown, first=one.array.shown, low=one.low, high=one.high,
        second=other.array.shown, other_low=other.low, other_high=other.high,
    )  # fmt: skip


def _out_of_range(span: Span, shown: str) -> DataError:
    return DataError(
        "x_out_of_range",
        "{file}: the values of {array} go from {low:g} to {high:g}; they must go from 0 to 1, or from 0 to 255: save "
        "(x - low) / (high - low), with one low and one high for all parts",
        file=shown, array=span.array.shown, low=span.low, high=span.high,
    )  # fmt: skip


def _factor(span: Span, *, unit: bool, white: int) -> float:
    if span.kind == "b":
        return float(FULL)
    if span.kind == "f":
        return float(FULL) if unit else FULL / white
    return FULL / white
