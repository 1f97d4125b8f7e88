"""The contract, an independent reference, and the mathematics."""

import numpy as np
import pytest
import torch
from overfitlab_grayscale import Grayscale

from overfitlab import testing
from overfitlab.methods import registry


@pytest.mark.parametrize("check", testing.CHECKS, ids=testing.check_name)
def test_it_keeps_the_contract(check):
    check("grayscale")


@pytest.mark.parametrize("other", [name for name in registry.names() if name != "grayscale"])
def test_it_goes_together_with_every_other_method(other):
    testing.check_pair("grayscale", other)


def batch(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return standardized images [B, C, H, W] in channels-last memory, and label probabilities [B, K]."""
    numbers = np.random.default_rng(0).normal(size=(count, 8, 8, 3)).astype(np.float32)
    return torch.from_numpy(numbers).permute(0, 3, 1, 2), torch.eye(3)[torch.arange(count) % 3]


def test_it_equals_numpy():
    x, y = batch(16)
    images, labels = Grayscale(probability=1.0).batch(x, y, np.random.default_rng(1))
    wanted = np.repeat(x.numpy().mean(1, keepdims=True), 3, axis=1)
    np.testing.assert_allclose(images.numpy(), wanted, atol=1e-6)
    assert torch.equal(labels, y)


def test_it_has_its_probability_and_leaves_the_others_alone():
    x, y = batch(4000)
    images, _ = Grayscale(probability=0.3).batch(x, y, np.random.default_rng(2))
    gray = (images == images[:, :1]).all(dim=(1, 2, 3))
    assert gray.float().mean().item() == pytest.approx(0.3, abs=5 * (0.3 * 0.7 / 4000) ** 0.5)
    assert torch.equal(images[~gray], x[~gray])
