"""What a search for near-duplicates finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Twins:
    """An image of a part, and the image that it was trained or chosen on which looks most like it."""

    row: int
    twin: int
    correlation: float


@dataclass(frozen=True)
class NearDuplicates:
    """What was found for one part: of `looked_at` of its images, those in `pairs` have a near-duplicate."""

    part: str
    looked_at: int
    pairs: list[Twins]  # most alike first
