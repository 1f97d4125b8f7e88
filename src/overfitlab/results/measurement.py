"""What a network does on some images."""

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Nats = Annotated[float, msgspec.Meta(ge=0)]
PartName = Literal["training", "validation", "test"]


class Measurement(msgspec.Struct, frozen=True):
    """What a network does on some images, in evaluation mode: nothing dropped, no penalties added."""

    images: Count
    loss: Nats | None  # mean cross-entropy in nats; None where it is not finite
    acc: Share  # fraction of images
    balanced_acc: Share  # mean over the classes, of those that have images, of the fraction of theirs
    f1: Share | None = None  # macro: mean over the classes that have images or are predicted; None in older records


class Parts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the same weights do on whole parts of the images; None for a part that was not measured."""

    training: Measurement | None = None
    validation: Measurement | None = None
    test: Measurement | None = None

    def items(self) -> list[tuple[PartName, Measurement]]:
        """Return the parts that were measured, with their names."""
        named: list[tuple[PartName, Measurement | None]] = [
            ("training", self.training), ("validation", self.validation), ("test", self.test),
        ]  # fmt: skip
        return [(name, found) for name, found in named if found is not None]


class Measured(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run's weights do: those that were handed over, and those of the onset where they were kept.

    Neither where training diverged.
    """

    end: Parts | None = None
    onset: Parts | None = None
