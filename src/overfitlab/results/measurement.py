"""What a network does on some images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """What a network does on some images, in evaluation mode: nothing dropped, no penalties added."""

    images: int
    loss: float  # mean cross-entropy in nats
    acc: float  # fraction of images, from 0 to 1
    balanced_acc: float  # mean over the classes, of those that have images, of the fraction of theirs
