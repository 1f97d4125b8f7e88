"""What a record says of the images that a run or a study was made with."""

import os

from msgspec import Struct

from overfitlab.display import display_name
from overfitlab.reasons import Reason
from overfitlab.records.kinds import MOST_CLASSES, Count, Level, Positive, Sha256, Side, Spread, Text, lines


class SkippedFile(Struct, frozen=True):
    """A file that was left out."""

    name: Text
    reason: Reason


class TwinPair(Struct, frozen=True):
    """An image of a part, and one that training saw which looks nearly the same: names of files, or rows."""

    image: str | int
    twin: str | int
    correlation: float


class Twins(Struct, frozen=True):
    """The near-duplicates of one part: of the images that were looked at, so many have one."""

    looked_at: Count
    found: Count
    pairs: list[TwinPair]
    other_class: Count = 0  # of those found, whose twin is of another class


class Contradiction(Struct, frozen=True):
    """One picture in several classes: names of files, or rows, and the class of each."""

    images: list[str | int]
    classes: list[Text]


class Identical(Struct, frozen=True):
    """Images that are the same to the bit, as they were read."""

    contradictions: list[Contradiction]
    found: Count  # contradictions; the first of them are listed
    blank: Count  # images of one colour
    first_blank: str | int | None = None


class GroupPart(Struct, frozen=True):
    """A part of whole groups: how many, its images and those asked for, and the class farthest from its share."""

    groups: Count
    images: Count
    asked: Count | None  # None where the source brings the part
    farthest: Text | None
    share: float  # of that class in the part, from 0 to 1
    expected: float  # its share in the images that the part was taken from
    lacking: list[Text]  # classes without an image in it


class GroupsRecord(Struct, kw_only=True):
    """The groups whose images stay in one part, and what that cost in balance."""

    source: str  # what they are read from: a rule, or the path of a list; empty in what is passed on
    sha256: Sha256  # of which images belong together
    groups: Positive
    largest: Positive  # images of the largest one
    parts: dict[str, GroupPart]
    shared: dict[str, Count]  # groups that are in two parts of the source's own: "training/test"


class DataRecord(Struct, kw_only=True):
    """The images, their parts, and their standardization.

    `source`, `origin` and `data_dir` are paths and names as they were given; all other texts can be shown on a line.
    Raises `ValueError` where the entries do not go together.
    """

    name: Text
    origin: str  # where it was read from
    source: str  # what to load to get it again
    data_dir: str | None
    official: bool
    note: Reason | None = None
    sha256: Sha256
    images: Count
    image_shape: tuple[Side, Side, int]  # height, width, channels
    classes: list[Text]
    class_images: dict[str, list[Count]]  # by part
    test_set_apart: bool
    brings_validation: bool | None = None  # whether the source has validation images of its own; None: not recorded
    skipped: list[SkippedFile]
    skipped_count: Count
    mean: list[Level]  # by channel, in raw pixel values
    std: list[Spread]
    near_duplicates: dict[str, Twins]  # by part
    identical: Identical | None = None  # None: not looked for
    notes: list[Reason] = []  # how the images were read, where that is not as one would expect
    white: int | None = None  # the value in images of 16 bits that became 255; None where there were none
    groups: GroupsRecord | None = None
    training: Positive
    validation: Count
    test: Count

    def __post_init__(self) -> None:
        self.name = display_name(self.name)
        self.classes = lines(self.classes)
        channels = self.image_shape[2]
        if channels not in (1, 3) or len(self.mean) != channels or len(self.std) != channels:
            raise ValueError("data.image_shape, mean and std are not those of 1 or 3 channels")
        if not 0 < len(self.classes) <= MOST_CLASSES or len(set(self.classes)) < len(self.classes):
            raise ValueError(f"data.classes are not 1 to {MOST_CLASSES:,} names that differ")
        if any(len(counts) != len(self.classes) for counts in self.class_images.values()):
            raise ValueError("data.class_images are not those of the classes")
        for path in (self.source, self.origin, self.data_dir or "", self.groups.source if self.groups else ""):
            if b"\0" in os.fsencode(path):  # which raises for signs that stand for no byte
                raise ValueError("data.source, origin, data_dir or groups.source is not a path")
