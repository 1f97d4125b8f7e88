"""What every part is given, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Options:
    """How much to measure, and with which Python the peers run."""

    peer_python: str
    rounds: int
    steps: int  # a turn, at most


@dataclass(frozen=True)
class Measured:
    """What a part found."""

    text: str  # Markdown
    data: dict[str, Any]  # the same as plain JSON values, for the bars and the figure


Part = Callable[[Options], Measured]
