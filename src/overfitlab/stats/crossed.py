"""The noise of seeds and of test images together: every seed is measured on the same images, a crossed design."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overfitlab.stats import student

MATTERS = 0.3  # of the noise of seeds: below, that of images widens an interval by less than a twentieth


@dataclass(frozen=True)
class Crossed:
    """An interval that covers other seeds and other test images, and where the noise comes from."""

    mean: float
    low: float
    high: float
    seed_deviation: float  # standard deviation of the mean that is due to seeds (and to seeds with images)
    image_deviation: float  # and to images

    @property
    def images_matter(self) -> bool:
        """Whether the noise of images is large enough, beside that of seeds, for their interval to be shown."""
        return self.image_deviation > MATTERS * self.seed_deviation


def crossed(differences: NDArray[np.float64], confidence: float = 0.95) -> Crossed | None:
    """Return the interval of the mean of differences [seeds, images], both taken as random.

    Two crossed random effects without replication: Var(mean) = (MS_seed + MS_image - MS_rest) / (S I), by the method
    of moments, with Satterthwaite's degrees of freedom (Searle, Casella and McCulloch, Variance Components, 1992, ch.
    4; Satterthwaite, 1946). More degrees of freedom could make it narrower than seeds alone do; it never is. None for
    fewer than two seeds or images, or where nothing varies.
    """
    seeds, images = differences.shape
    if seeds < 2 or images < 2:
        return None
    mean = differences.mean()
    by_seed, by_image = differences.mean(1), differences.mean(0)
    ms_seed = images * float(by_seed.var(ddof=1))
    ms_image = seeds * float(by_image.var(ddof=1))
    residual = differences - by_seed[:, None] - by_image[None, :] + mean
    rest_df = (seeds - 1) * (images - 1)
    ms_rest = float((residual**2).sum()) / rest_df
    count = seeds * images
    return interval(mean, ms_seed / count, ms_image / count, ms_rest / count, seeds, images, confidence)


def interval(
    mean: float, from_seeds: float, in_images: float, rest: float, seeds: int, images: int, confidence: float
) -> Crossed | None:
    """Return the interval of a mean from the parts of its variance, which are mean squares over S I.

    `from_seeds` is the variance over the seeds / S, `in_images` that over the images in the mean over the seeds, of
    which `rest` is due to images with seeds. None where nothing varies.
    """
    from_images = max(0.0, in_images - rest)
    total = from_seeds + from_images
    if total <= 0:
        return None
    rest_df = (seeds - 1) * (images - 1)
    parts = (
        (from_seeds, seeds - 1),
        (in_images if from_images else 0.0, images - 1),
        (rest if from_images else 0.0, rest_df),
    )
    freedom = total**2 / sum(square**2 / degrees for square, degrees in parts)
    freedom = max(freedom, min(seeds - 1, images - 1))  # a sum of squares has no less; the difference in it can
    tail = (1 + confidence) / 2
    half = max(
        float(student.quantile(tail, freedom)) * math.sqrt(total),
        float(student.quantile(tail, seeds - 1)) * math.sqrt(from_seeds),
    )
    mean = float(mean)
    return Crossed(mean, mean - half, mean + half, math.sqrt(from_seeds), math.sqrt(from_images))
