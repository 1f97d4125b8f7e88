"""Random grayscale, as a method of overfitlab: an example of a package with a method of its own."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from overfitlab.methods.base import Method, hyperparameter


@dataclass(frozen=True)
class Grayscale(Method):
    """Random grayscale: some images lose their colour while training.

    Equation: with probability `probability` for each image, every channel becomes the mean of all channels.
    Source: Chen et al., 2020, arXiv:2002.05709, appendix A (there with other weights, before standardization).
    Helps: where shape says more than colour, and colours in use will differ from those in training.
    Hurts: where colour is what tells the classes apart; on gray images it does nothing.
    Cost: one pass over the batch a step.
    """

    name = "grayscale"
    stage = 15  # after `augment` (10), before noise (20) and erasing (30), which would be averaged too
    off = {"probability": 0.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    probability: float = hyperparameter(0.2, low=0.0, high=1.0, search=(0.1, 0.2, 0.4))

    def batch(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the images, some of them gray, and the labels as they are."""
        if self.probability == 0:
            return x, y
        chosen = torch.from_numpy(rng.random(len(x)) < self.probability)  # [B]
        gray = x.mean(1, keepdim=True)  # [B, 1, H, W]
        return torch.where(chosen[:, None, None, None], gray, x), y
