"""What a reader of a published set returns."""

from dataclasses import dataclass

from overfitlab.data.dataset import Images, Labels
from overfitlab.errors import DataError


class UnreadableError(DataError):
    """The content of a member is not what it should be; says which member, and what is wrong with it."""


@dataclass(frozen=True)
class Parts:
    """A published set in its two parts: uint8 images [N, height, width, channels] and labels [N] from 0 to K - 1."""

    training_images: Images
    training_labels: Labels
    test_images: Images
    test_labels: Labels
    class_names: tuple[str, ...]
