"""Images of 16 bits whose camera has fewer: what is white in them.

A 12-bit camera stores 0 to 4095 in 16 bits. On a scale that ends at 65535 that is nearly black, and of its 4096 levels
eight bits would keep 16.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from overfitlab.data.prepare.cache import Findings
from overfitlab.data.prepare.images import WHITE, levels, of_sixteen_bits
from overfitlab.errors import DataError
from overfitlab.reasons import reason

WHITES = (255, 1023, 4095, 16383, WHITE)  # the last levels of 8, 10, 12, 14 and 16 bits
DARKEST = 32 * 256  # of colours Pillow gives the upper eight bits: below that level they are five at most


def white_for(highest: float) -> int:
    """Return the value of white in images whose highest level is that: the last one of the bits that it needs."""
    return next(white for white in WHITES if highest <= white)


def white_of(files: Sequence[Path], given: int | None, findings: Findings) -> int:
    """Return the level that is white in files of 16 bits, and note in `findings` where it is not 65535.

    It is what the gray ones use, all of them together, unless it is `given`. Raises `DataError` where the colours of
    all coloured ones are in the lower bits, which cannot be read.
    """
    gray, coloured = of_sixteen_bits(files)
    if coloured and _dark(coloured):
        raise DataError(
            "colours_in_the_lower_bits",
            "{file} has 16 bits a colour, of which only the upper 8 are read, and those are nearly empty in all "
            "{files:,} such files, as from a camera of 12 bits or fewer; convert them to 8 bits",
            file=coloured[0], files=len(coloured),
        )  # fmt: skip
    if not gray:
        return given or WHITE
    white = given or _white_in(gray)
    findings.white = white
    if white != WHITE:
        findings.notes.append(reason("sixteen_bits_of_fewer", files=len(gray), white=white))
    return white


def _white_in(gray: Sequence[Path]) -> int:
    white = white_for(0)
    with closing(levels(gray)) as found:
        for level in found:
            white = max(white, white_for(level or 0))
            if white == WHITE:  # nothing can be brighter, so the other files need not be looked at
                break
    return white


def _dark(coloured: Sequence[Path]) -> bool:
    readable = False
    with closing(levels(coloured)) as found:
        for level in found:
            if level is not None and level >= DARKEST:
                return False
            readable |= level is not None
    return readable
