"""The line that stands on a terminal while PyTorch is loaded."""

import contextlib
import sys
from collections.abc import Iterator

from overfitlab.words.languages import spoken

TERMINAL_WIDE = 2  # columns of a syllable of Hangul


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Say on a terminal that PyTorch is being loaded, which takes seconds, and take that back once it is.

    It stands on standard error, so that it is in nobody's JSON or file.
    """
    stream, say = sys.stderr, spoken()
    if "torch" in sys.modules or not stream.isatty():
        yield
        return
    text = say("Loading PyTorch ...")
    stream.write(text)
    stream.flush()
    try:
        yield
    finally:
        stream.write(f"\r{' ' * TERMINAL_WIDE * len(text)}\r")
        stream.flush()
