"""What was asked for as data, from a name to arrays, and how it is loaded."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.sources.handed_in import is_handed_in, source_of
from overfitlab.errors import UsageError
from overfitlab.events import ImagesLoaded, Listener
from overfitlab.files import text_of, user_path
from overfitlab.values import shown

Data: TypeAlias = Any  # a name, a path, arrays, a data set: what `train` says of its argument `data`
Groups: TypeAlias = Any  # a path, a rule, or the group of each image
Size: TypeAlias = int | str | tuple[int, int]  # of images, in pixels: both sides, or height and width


@dataclass(frozen=True)
class Asked:
    """Data that has a name or a path by now, whatever it was."""

    name: str
    groups: str | None
    image_size: tuple[int, int] | None
    data_dir: Path | None

    @classmethod
    def of(
        cls, data: Data, groups: Groups, size: tuple[int, int] | None, data_dir: str | Path | None, listener: Listener
    ) -> Self:
        """Return what was asked for; data that was handed in is written into the cache.

        Raises `UsageError` for what is no data, or no groups, and `OverfitlabError` where the cache cannot be written.
        """
        folder = user_path(data_dir, "data_dir") if data_dir else None
        if is_handed_in(data):
            name, found = source_of(data, groups, size, listener)
            return cls(name, found, size, folder)
        if groups is not None and not isinstance(groups, str | os.PathLike):
            raise UsageError(
                "groups_of_another_kind",
                "groups of images that have names must be a list or a rule, such as 'name:^(.*?)_', not {value}",
                value=shown(groups),
            )
        return cls(text_of("data", data), None if groups is None else text_of("groups", groups), size, folder)

    def loaded(self, listener: Listener, *, trainable: bool = True, white: int | None = None) -> Dataset:
        """Return the images, as `loading.load` returns and refuses them."""
        return loading.load(
            self.name,
            self.data_dir,
            image_size=self.image_size,
            groups=self.groups,
            listener=listener,
            trainable=trainable,
            white=white,
        )

    def identity(self, dataset: Dataset) -> dict[str, Any]:
        """Return what a configuration says of the images besides their content."""
        return {
            "data": dataset.name,
            "image_size": dataset.image_shape[:2] if self.image_size else None,
            "groups": None if dataset.groups is None else dataset.groups.sha256,
        }

    def event(self, dataset: Dataset) -> ImagesLoaded:
        """Return the event that the images are there."""
        unexpected = self.name == "auto" and dataset.name == "digits"
        return ImagesLoaded(
            dataset.name, dataset.origin, len(dataset.images), dataset.image_shape, len(dataset.class_names),
            dataset.note, unexpected,
        )  # fmt: skip

    def typed(self) -> Mapping[str, object]:
        """Return what stands after `--data`, `--groups` and `--image-size`, where these are to be typed."""
        size = None if self.image_size is None else "x".join(map(str, self.image_size))
        return {"data": self.name, "groups": self.groups, "image_size": size}
