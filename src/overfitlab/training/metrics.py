"""Loss and accuracy: as a running mean while training, and in evaluation mode."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overfitlab.training.compute import Compute


class RunningMean:
    """Mean loss and accuracy over the images seen so far, without waiting for a number in the middle of a step."""

    def __init__(self) -> None:
        self._loss = torch.zeros((), dtype=torch.float64)
        self._correct = torch.zeros((), dtype=torch.int64)
        self._images = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch: its mean loss, logits [B, K] and labels [B]."""
        self._loss += loss.detach().double() * len(labels)
        self._correct += (logits.detach().argmax(1) == labels).sum()
        self._images += len(labels)

    def values(self) -> tuple[float, float]:
        """Return loss in nats and accuracy from 0 to 1."""
        return self._loss.item() / self._images, self._correct.item() / self._images


@torch.inference_mode()
def evaluate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], compute: Compute) -> tuple[float, float]:
    """Return cross-entropy in nats and accuracy over `batches` of images [B, C, H, W] and labels [B].

    In evaluation mode: moving statistics, nothing dropped, no penalties added. The model is left in training mode.
    """
    mean = RunningMean()
    model.eval()
    for x, labels in batches:
        with compute.autocast():
            logits = model(x)
        logits = logits.to(compute.dtype)
        mean.add(F.cross_entropy(logits, labels), logits, labels)
    model.train()
    return mean.values()
