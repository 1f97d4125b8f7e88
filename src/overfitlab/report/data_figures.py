"""Figures of the images themselves."""

from collections.abc import Sequence

from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.twins import NearDuplicates
from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.lettering import legible, lettering

SHOWN_PAIRS = 12
NAME_WIDTH = 22  # characters


def duplicate_pairs(dataset: Dataset, found: Sequence[NearDuplicates]) -> DisplayedFigure:
    """Return the near-duplicates that are most alike, in pairs: above the image that is measured, below its twin.

    Each with its part or its correlation, its class, and the name of its file where it has one.
    """
    pairs = sorted(((of.part, pair) for of in found for pair in of.pairs), key=lambda entry: -entry[1].correlation)[
        :SHOWN_PAIRS
    ]
    columns = min(6, len(pairs))
    bands = -(-len(pairs) // columns)
    with lettering():  # a title keeps the fonts that its axes were made with
        figure = DisplayedFigure(figsize=(1.9 * columns, 4.9 * bands + 0.5), layout="constrained")
        grid = figure.subplots(2 * bands, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for number, (part, pair) in enumerate(pairs):
        band, column = divmod(number, columns)
        for offset, row, heading in ((0, pair.row, part), (1, pair.twin, f"its twin, r = {pair.correlation:.3f}")):
            axes = grid[2 * band + offset][column]
            image = dataset.images[row]
            axes.imshow(image[..., 0] if image.shape[2] == 1 else image, cmap="gray", vmin=0, interpolation="nearest")
            with lettering():
                axes.set_title(_caption(dataset, row, heading), fontsize=8)
    shown = f" (the {len(pairs)} most alike)" if len(pairs) < sum(len(of.pairs) for of in found) else ""
    figure.suptitle(f"Near-duplicates across the parts{shown}")
    return figure


def _caption(dataset: Dataset, row: int, heading: str) -> str:
    name = dataset.image_names[row] if dataset.image_names is not None else f"image {row}"
    tail = name if len(name) <= NAME_WIDTH else "…" + name[-NAME_WIDTH:]  # where names of files differ
    kind = legible(dataset.class_names[dataset.labels[row]], NAME_WIDTH)
    return f"{heading}\n{kind}\n{legible(tail, NAME_WIDTH + 1)}"
