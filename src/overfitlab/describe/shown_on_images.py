"""Demonstrations of the hooks that work on images and activations: `batch` and `layer`."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from overfitlab.data.prepare.batches import BatchSource
from overfitlab.data.prepare.standardize import channel_statistics
from overfitlab.data.sources import digits
from overfitlab.describe.panels import Demonstration, Grid, Row
from overfitlab.methods.base import Method, RandomLayer, Site
from overfitlab.models.network import IMAGES, VECTORS
from overfitlab.randomness import Key
from overfitlab.words.language import ENGLISH, Language

BATCH = 32
SHOWN_IMAGES = 4
VISIBLE = 1e-3  # differences of standardized values, or of probabilities, from here on count as a change
LEAST_OF_CHANGED = 0.6  # the images that are shown range from the most changed to the one at this share of them
STEPS = 16  # among which the most typical one is shown
MASKED = (3, 8, 4, 4)  # images, channels, height, width of the constant that a random layer is given
NORMALIZED = (8, 16, 4, 4)  # the same of the activations that any other layer is given
ACTIVATIONS = Key(0) / "activations"  # the same ones for all of them, so that their demonstrations can be compared
TINT = (1.0, 0.5, -0.5)  # what red, green and blue have of a digit, for methods that change colours alone
BRIGHTEST = 2.0  # of these activations; they have about twice the spread of normalized ones


@dataclass(frozen=True)
class _Digits:
    x: Tensor  # [B, C, 8, 8], standardized, in channels-last memory
    y: Tensor  # [B, 10], one-hot


@cache
def _digits(*, tinted: bool = False) -> _Digits:
    found = digits.load()
    statistics = channel_statistics(found.images, found.learning)
    source = BatchSource(found.images, found.labels, statistics, largest_batch=BATCH)
    x, labels = source.gather(torch.from_numpy(found.learning[:BATCH]))
    if tinted:
        x = torch.cat([part * x for part in TINT], dim=1).contiguous(memory_format=torch.channels_last)
    return _Digits(x, nn.functional.one_hot(labels, len(found.class_names)).to(x.dtype))


def batch(method: Method, key: Key, say: Language) -> Demonstration | None:
    """Return some digits and their labels, before and after `method.batch`; None where it changes none of them."""
    return _shown(method, key, _digits(), say("handwritten digits"), say) or _shown(
        method, key, _digits(tinted=True), say("tinted handwritten digits (their red is shown)"), say
    )


def _shown(method: Method, key: Key, before: _Digits, what: str, say: Language) -> Demonstration | None:
    x, y = method.batch(before.x.clone(memory_format=torch.preserve_format), before.y.clone(), key.generator())
    after = _Digits(x, y)
    own = np.diagonal(_differences(after, before))
    changed = np.flatnonzero(own > VISIBLE)
    if not len(changed):
        return None
    novelty = _differences(after, before).min(axis=1)  # an image that became another one of the batch shows little
    ranked = changed[np.argsort(-novelty[changed], kind="stable")]
    places = np.linspace(0, LEAST_OF_CHANGED * (len(ranked) - 1), min(SHOWN_IMAGES, len(ranked)))
    shown = ranked[np.unique(np.rint(places).astype(int))]
    low, high = float(before.x.min()), float(before.x.max())
    rows = [
        Row(name, tuple(Grid(label_text(of.y[k].numpy(), say), _picture(of.x[k]), low, high) for k in shown))
        for name, of in ((say("before"), before), (say("after"), after))
    ]
    caption = say(
        "{shown} of {changed} {what} that it changed in a batch of {batch}: above as they were, below as they are "
        "trained on, each with the probabilities of its label.",
        shown=len(shown), changed=len(changed), what=what, batch=BATCH,
    )  # fmt: skip
    return Demonstration("batch", caption, tuple(rows))


def _differences(after: _Digits, before: _Digits) -> NDArray[np.float64]:
    """Return how much each image or label after [B] differs from each one before [B]: [B, B]."""
    labels = (after.y[:, None] - before.y[None]).abs().amax(-1)
    if after.x.shape != before.x.shape:  # cropped or enlarged: all of them are changed
        return (1 + labels).double().numpy()
    pixels = (after.x[:, None] - before.x[None]).square().flatten(2).mean(-1).sqrt()
    return torch.maximum(pixels, labels).double().numpy()


def _picture(x: Tensor) -> NDArray[np.float64]:
    return x[0].double().numpy()  # of tinted digits the red


def label_text(probabilities: NDArray[np.float32], say: Language = ENGLISH) -> str:
    """Return a label for people; its numbers add up to one: `3`, `3: 0.70, 8: 0.30`, `3: 0.91, rest 0.09`."""
    first, second, *_ = np.argsort(-probabilities, kind="stable")
    share = round(float(probabilities[first]), 2)
    if share == 1:
        return str(first)
    others = np.flatnonzero(probabilities > 0)
    rest = f"{second}: {1 - share:.2f}" if len(others) == 2 else say("rest {share:.2f}", share=1 - share)
    return f"{first}: {share:.2f}, {rest}"


def layer(method: Method, key: Key, say: Language) -> Demonstration | None:
    """Return what the method's layer does at the first kind of its sites; None where it inserts none."""
    kind = method.sites[0]
    random = method.layer(Site(kind, "shown", MASKED[1], VECTORS if kind == "classifier" else IMAGES), key)
    if random is None:
        return None
    if any(isinstance(part, RandomLayer) for part in random.modules()):
        return _mask(random, kind, say)
    other = method.layer(Site(kind, "shown", NORMALIZED[1], VECTORS if kind == "classifier" else IMAGES), key)
    return None if other is None else _normalization(other, kind, say)


def _mask(random: nn.Module, kind: str, say: Language) -> Demonstration:
    """Show a constant through a layer that draws, at the step whose mean is closest to the mean over the steps."""
    constant = torch.ones(*(MASKED[:2] if kind == "classifier" else MASKED))
    constant = constant.contiguous(memory_format=torch.channels_last) if constant.ndim == IMAGES else constant
    outputs = []
    for step in range(1, STEPS + 1):
        for part in random.modules():
            if isinstance(part, RandomLayer):
                part.at(1, step)
        outputs.append(random(constant).double().numpy())
    means = np.array([output.mean() for output in outputs])
    output = outputs[int(np.abs(means - means.mean()).argmin())]
    low, high = min(0.0, float(output.min())), max(1.0, float(output.max()))
    if output.ndim == VECTORS:
        shape = say("{images} images by {channels} channels", images=len(output), channels=output.shape[1])
        rows = [Row("", (Grid(shape, output, low, high),))]
    else:
        names = [say("ch. {number}", number=number) for number in range(1, output.shape[1] + 1)]
        rows = [
            Row(
                say("image {number}", number=number),
                tuple(
                    Grid(name if number == 1 else "", one, low, high) for name, one in zip(names, image, strict=True)
                ),
            )
            for number, image in enumerate(output, start=1)
        ]
    caption = say(
        "What it lets through of a constant 1 {where} at a typical step: {zeros:.0%} of the values are 0, the mean is "
        "{mean:.2f}.",
        where=say(PLACED[kind]), zeros=float(np.mean(output == 0)), mean=float(output.mean()),
    )  # fmt: skip
    return Demonstration("layer", caption, tuple(rows))


def _normalization(other: nn.Module, kind: str, say: Language) -> Demonstration:
    """Show activations whose channels and images differ in mean and spread, before and after a layer."""
    shape = NORMALIZED[:2] if kind == "classifier" else NORMALIZED
    images, channels = shape[:2]
    rng = ACTIVATIONS.generator()
    trailing = (1,) * (len(shape) - 2)
    of_channel = rng.normal(0, 1.2, (1, channels, *trailing))
    of_image = rng.normal(0, 1.0, (images, 1, *trailing))
    spread = np.exp(rng.normal(0, 0.5, (1, channels, *trailing)))
    activations = of_channel + of_image + spread * rng.normal(size=shape)
    normalized = other(torch.from_numpy(activations.astype(np.float32))).double().numpy()
    grids = {name: _over_pixels(of) for name, of in ((say("before"), activations), (say("after"), normalized))}
    panels = tuple(Grid(f"{name}\n{_means(grid, say)}", grid, -BRIGHTEST, BRIGHTEST) for name, grid in grids.items())
    caption = say(
        "Made-up activations of {images} images (rows) in {channels} channels (columns) {where}, each value the mean "
        "over the pixels, before and after the layer.",
        images=images, channels=channels, where=say(PLACED[kind]),
    )  # fmt: skip
    return Demonstration("layer", caption, (Row("", panels),))


def _over_pixels(values: NDArray[np.float64]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = values.reshape(*values.shape[:2], -1).mean(axis=2)
    return means


def _means(grid: NDArray[np.float64], say: Language) -> str:
    """Return the ranges of the means of channels and images, two lines."""
    lines = (
        (say("means of channels {low} to {high}"), grid.mean(axis=0)),
        (say("means of images {low} to {high}"), grid.mean(axis=1)),
    )
    return "\n".join(line.format(low=_rounded(of.min()), high=_rounded(of.max())) for line, of in lines)


def _rounded(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}"  # + 0.0: never -0.0


PLACED = {
    "norm": "after a convolution",
    "pool": "after a pooling",
    "classifier": "before the last dense layer",
}
