"""The cross-entropy with label probabilities: where they are 0 and 1 it is the usual one, to the bit."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import Key
from overfitlab.training.metrics import RunningMean
from overfitlab.training.optimizer import KerasAdam

CLASSES = 10


class Descent:
    """Plain gradient descent, with the interface of `KerasAdam`."""

    def __init__(self, model):
        self._sgd = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(self, _):
        self._sgd.step()
        self._sgd.zero_grad()


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [KerasAdam, Descent])
@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_one_hot_labels_give_the_weights_of_plain_labels_to_the_bit(optimizer, precision):
    dtype = torch.float64 if precision == "float64" else torch.float32
    hard = notebook_cnn((8, 8, 1), CLASSES, registry.parse("batch_norm"), Key(0)).to(dtype).train()
    soft = copy.deepcopy(hard)
    start = copy.deepcopy(hard.state_dict())
    one_hot = torch.eye(CLASSES, dtype=dtype)
    steps = {id(model): optimizer(model) for model in (hard, soft)}
    rng = np.random.default_rng(0)
    for size in (32, 32, 32, 7, 1):
        x = torch.from_numpy(rng.normal(size=(size, 1, 8, 8))).to(dtype)
        labels = torch.from_numpy(rng.integers(0, CLASSES, size))
        losses = []
        for model, y in ((hard, labels), (soft, one_hot[labels])):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                logits = model(x)
            losses.append(F.cross_entropy(logits.to(dtype), y))
            losses[-1].backward()
            steps[id(model)].step(1e-3)
        assert losses[1].item() == pytest.approx(losses[0].item(), rel=1e-6)  # it sums in another order
    for name, value in hard.state_dict().items():
        assert torch.equal(value, soft.state_dict()[name]), name
    assert not torch.equal(hard.conv1.weight, start["conv1.weight"])


def test_the_loop_trains_on_the_label_probabilities(trainer_of):
    """An epoch of the loop against a plain loop with label numbers."""
    ours, plain = trainer_of("none"), trainer_of("none")
    loss, acc = ours.train_epoch(1, ours.batches(16), Listener())
    model, optimizer = plain.model, KerasAdam(plain.model)
    rows = plain.material.split.training
    order = rows[(Key(3) / "order" / 1).generator().permutation(len(rows))]
    total, correct = 0.0, 0
    for x, labels in plain.batches(16).in_order(order, 16):
        logits = model(x)
        batch_loss = F.cross_entropy(logits, labels)
        batch_loss.backward()
        optimizer.step(1e-4)
        total += batch_loss.item() * len(labels)
        correct += (logits.argmax(1) == labels).sum().item()
    for name, value in model.state_dict().items():
        assert torch.equal(value, ours.model.state_dict()[name]), name
    assert (loss, acc) == (pytest.approx(total / 40), correct / 40)


def test_the_running_accuracy_counts_the_likeliest_label_as_the_right_one():
    mean = RunningMean()
    logits = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    mean.add(torch.tensor(0.5), logits, torch.tensor([[0.6, 0.4, 0.0], [0.5, 0.3, 0.2]]))
    mean.add(torch.tensor(2.0), logits[:1], torch.tensor([[0.1, 0.2, 0.7]]))
    assert mean.values() == (pytest.approx((2 * 0.5 + 2.0) / 3), pytest.approx(1 / 3))
