"""The kinds of values that records are made of, with their bounds: a folder may come from anybody."""

from typing import Annotated

from msgspec import Meta

from overfitlab.config import LARGEST_IMAGE, SMALLEST_IMAGE
from overfitlab.display import display_name

MOST_CLASSES = 10_000
MOST_FILES = 100

Count = Annotated[int, Meta(ge=0, le=10**12)]
Positive = Annotated[int, Meta(ge=1, le=10**12)]
Seconds = Annotated[float, Meta(ge=0, le=1e12)]
Side = Annotated[int, Meta(ge=SMALLEST_IMAGE, le=LARGEST_IMAGE)]  # pixels of an image
Level = Annotated[float, Meta(ge=0, le=255)]  # of a channel
Spread = Annotated[float, Meta(gt=0, le=255)]
Text = Annotated[str, Meta(max_length=10_000)]
Identity = Annotated[str, Meta(pattern="^[0-9a-f]{1,64}$")]
Moment = Annotated[str, Meta(pattern=r"^[0-9T:+.Z-]{1,40}$")]  # date and time, in UTC
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


def lines(texts: list[str]) -> list[str]:
    """Return texts that can be shown, each on a line."""
    return [display_name(text) for text in texts]
