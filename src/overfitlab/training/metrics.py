"""Loss and accuracy: as a running mean while training, and in evaluation mode."""

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from torch.jit import ScriptModule
from torch.nn import functional as F

from overfitlab.results.measurement import Measurement
from overfitlab.training.compute import Compute


class RunningMean:
    """Mean loss and accuracy over the images seen so far, without waiting for a number in the middle of a step."""

    def __init__(self) -> None:
        self._loss = torch.zeros((), dtype=torch.float64)
        self._correct = torch.zeros((), dtype=torch.int64)
        self._images = 0

    def add(self, loss: Tensor, logits: Tensor, y: Tensor) -> None:
        """Add a batch: its loss, logits [B, K] and label probabilities [B, K], the greatest being the right label."""
        self._loss += loss.detach().cpu().double() * len(y)  # not every device knows float64
        self._correct += (logits.detach().argmax(1) == y.argmax(1)).sum().cpu()
        self._images += len(y)

    def values(self) -> tuple[float, float]:
        """Return loss in nats and accuracy from 0 to 1."""
        return self._loss.item() / self._images, self._correct.item() / self._images


def _without_gradients(model: nn.Module) -> AbstractContextManager[None]:
    """Return what keeps no record for gradients; TorchScript keeps what it has seen, also for training."""
    scripted = any(isinstance(layer, ScriptModule) for layer in model.modules())
    return torch.no_grad() if scripted else torch.inference_mode()


def evaluate(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    compute: Compute,
    said: list[tuple[Tensor, Tensor, Tensor]] | None = None,
) -> Measurement:
    """Measure `model` on `batches` of images [B, C, H, W] and labels [B]; it is left in training mode.

    What it says of each batch, likeliest classes [B], class probabilities [B, K] as float16 and losses [B] in nats as
    float32, is added to `said` where that is given.
    """
    with _without_gradients(model):
        return _measured(model, batches, compute, said)


def _measured(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    compute: Compute,
    said: list[tuple[Tensor, Tensor, Tensor]] | None,
) -> Measurement:
    loss = torch.zeros((), dtype=torch.float64)
    images = correct = taken = torch.zeros(0, dtype=torch.int64)  # by class; `taken` for it, rightly or not
    model.eval()
    for x, labels in batches:
        with compute.autocast():
            logits = model(x.to(compute.device))
        logits = logits.to("cpu", compute.dtype)  # [B, K]
        loss += F.cross_entropy(logits, labels, reduction="sum").double()
        if said is not None:
            each = F.cross_entropy(logits, labels, reduction="none")
            said.append((logits.argmax(1), logits.softmax(1).half(), each.float()))
        classes = logits.shape[1]
        answers = logits.argmax(1)
        right = labels[answers == labels]
        images = torch.bincount(labels, minlength=classes) + (images if len(images) else 0)
        correct = torch.bincount(right, minlength=classes) + (correct if len(correct) else 0)
        taken = torch.bincount(answers, minlength=classes) + (taken if len(taken) else 0)
    model.train()
    count = int(images.sum())
    mean = loss.item() / count
    present, seen = images > 0, images + taken > 0
    return Measurement(
        images=count,
        loss=mean if math.isfinite(mean) else None,
        acc=int(correct.sum()) / count,
        balanced_acc=(correct[present] / images[present]).double().mean().item(),
        f1=(2 * correct[seen].double() / (images + taken)[seen]).mean().item(),
    )
