"""What `overfitlab.explain` returns: the maps of some images, and the sheets that show them."""

from dataclasses import dataclass
from typing import Any

import torch

from overfitlab.inference.explanation import Explanation
from overfitlab.inference.grad_cam import FeatureMaps, enlarged
from overfitlab.inference.pictures import FULL, Unreadable
from overfitlab.report.explanation_figure import Explained, explanation_sheet
from overfitlab.report.figures import DisplayedFigure
from overfitlab.words.language import ENGLISH

SMALLEST_MAP = 128  # pixels a side, of the maps on a sheet
ON_A_SHEET = 12  # images


@dataclass(frozen=True, repr=False)
class Explanations:
    """The maps of some images."""

    images: list[Explanation]
    layer: FeatureMaps
    class_names: tuple[str, ...]
    unreadable: list[Unreadable]
    brightest: int = FULL  # the value of a white pixel in the pictures

    @property
    def sheets(self) -> int:
        """How many sheets of twelve images they fill."""
        return max(1, -(-len(self.images) // ON_A_SHEET))

    def figure(self, sheet: int = 1) -> DisplayedFigure:
        """Return one sheet, from 1 to `sheets`: each image beside its map, as a matplotlib figure."""
        first = (sheet - 1) * ON_A_SHEET
        pictures = [self._pictured(image) for image in self.images[first : first + ON_A_SHEET]]
        _, height, width = self.layer.shape
        title = f"Grad-CAM at {self.layer.name} ({height}x{width})"
        return explanation_sheet(pictures, title, brightest=self.brightest)

    def _repr_png_(self) -> bytes:
        return self.figure()._repr_png_()

    def as_dict(self) -> dict[str, Any]:
        """Return maps and probabilities as plain JSON values."""
        channels, height, width = self.layer.shape
        return {
            "layer": {"name": self.layer.name, "channels": channels, "height": height, "width": width},
            "classes": list(self.class_names),
            "images": [
                {
                    "file": image.file,
                    "class": self.class_names[image.predicted],
                    "probability": float(image.probabilities[image.predicted]),
                    "explained": self.class_names[image.explained],
                    "explained_probability": float(image.probabilities[image.explained]),
                    "probabilities": image.probabilities.tolist(),
                    "map": image.map.tolist(),
                }
                for image in self.images
            ],
            "unreadable": [{"file": entry.file, "reason": ENGLISH.reason(entry.reason)} for entry in self.unreadable],
        }

    def __repr__(self) -> str:
        return f"<Explanations of {len(self.images)} images at {self.layer.name}>"

    def _pictured(self, image: Explanation) -> Explained:
        height, width = image.picture.shape[:2]
        factor = max(1, -(-SMALLEST_MAP // max(height, width)))  # coarse pixels would hide that the map is smooth
        smooth = enlarged(torch.from_numpy(image.map)[None], (factor * height, factor * width))[0].numpy()
        return Explained(
            picture=image.picture.repeat(factor, axis=0).repeat(factor, axis=1),
            map=smooth,
            file=image.file,
            predicted=self.class_names[image.predicted],
            probability=float(image.probabilities[image.predicted]),
            explained=self.class_names[image.explained],
            explained_probability=float(image.probabilities[image.explained]),
        )
