"""A bare network is refused where it does not begin to learn, and only there."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from own_networks import Normalized, adopted
from refusals import refused
from torch import nn
from torch.nn import functional as F

from overfitlab.config import CLEAN, RunConfig
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.material import Material
from overfitlab.data.prepare.splits import Split
from overfitlab.data.prepare.standardize import channel_statistics
from overfitlab.errors import UsageError
from overfitlab.methods import registry as methods
from overfitlab.training.compute import Compute
from overfitlab.training.trial import check_trains

CLASSES = 4


class Deep(nn.Module):
    """Thirty convolutions, which PyTorch's initial weights let the signal die in unless each is normalized."""

    def __init__(self):
        super().__init__()
        widths = [3] + [8] * 30
        pairs = list(itertools.pairwise(widths))
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1, bias=False) for before, after in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in pairs)
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu(norm(conv(x)))
        return self.fc(x.mean((2, 3)))


def material(classes=CLASSES):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    labels = np.sort(rng.integers(0, classes, 60))  # of one class after the other, as folders are
    dataset = Dataset("made up", images, labels, tuple("abcd"), np.arange(0), "", "x", official=False)
    split = Split(training=np.arange(48), validation=np.arange(48, 60), test=np.arange(0))
    return Material(dataset, split, channel_statistics(images, np.arange(48)))


def check(network, method, *, bare=True, rate=1e-3):
    spec = methods.parse(method).spec
    config = RunConfig(replace(CLEAN, learning_rate=rate, batch_size=16), spec, "made up", bare=bare)
    check_trains(config, material(), adopted(network, method, bare=bare), Compute("float32", threads=1))


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1e-3, 1e-4])
@pytest.mark.parametrize("method", ["none", "dropout", "batch_norm", "l2:rate=1", "mixup"])
def test_a_network_that_trains_passes_whatever_the_penalty(method, rate):
    check(Normalized, method, rate=rate)


@pytest.mark.slow
def test_a_network_whose_signal_dies_is_refused_and_with_a_normalization_it_is_not():
    with refused(UsageError, "bare_network_does_not_train", what="batch_norm x 30", images=16, steps=200) as caught:
        check(Deep, "none")
    assert "--bare" in str(caught.value)
    check(Deep, "batch_norm")


@pytest.mark.slow
def test_a_rate_at_which_it_diverges_is_refused():
    with refused(UsageError, "bare_network_does_not_train"):
        check(Normalized, "none", rate=1e6)


@pytest.mark.parametrize(("method", "bare"), [("as_is", True), ("none", False)])
def test_a_network_as_it_is_is_not_tried(method, bare):
    check(Deep, method, bare=bare, rate=1e6)
