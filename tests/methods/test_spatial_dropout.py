"""Spatial dropout: whole channels, against NumPy and Keras's `SpatialDropout2D`."""

import numpy as np
import pytest
import torch

from overfitlab.methods import registry
from overfitlab.methods.spatial_dropout import SpatialDropoutLayer
from overfitlab.models import registry as models
from overfitlab.randomness import Key

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own


def dropped(rate, x, step=1):
    layer = SpatialDropoutLayer(rate, Key(0) / "mask").train()
    layer.at(1, step)
    return layer(x)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5, 0.9])
def test_it_has_its_rate_and_keeps_the_mean(rate):
    y = dropped(rate, torch.ones(200, 50, 2, 3, dtype=torch.float64))
    channels = y[:, :, 0, 0]
    assert (y == channels[:, :, None, None]).all(), "a channel goes as a whole"
    n = channels.numel()
    measured = (channels == 0).double().mean().item()
    assert measured == pytest.approx(rate, abs=4 * np.sqrt(rate * (1 - rate) / n))
    assert y.mean().item() == pytest.approx(1, abs=4 * np.sqrt(rate / (1 - rate) / n))
    np.testing.assert_allclose(y.unique().numpy(), [0, 1 / (1 - rate)], rtol=1e-6)


def test_it_does_to_channels_what_keras_does():
    """The masks are others; what a channel can become is the same."""
    x = torch.randn(64, 20, 4, 4, generator=torch.Generator().manual_seed(0))
    last = x.permute(0, 2, 3, 1).contiguous()
    layer = keras.layers.SpatialDropout2D(0.25, seed=1)
    theirs = torch.as_tensor(layer(last, training=True)).permute(0, 3, 1, 2)
    for y in (dropped(0.25, x), theirs):
        factors = (y / x).mean((2, 3))
        torch.testing.assert_close(y, x * factors[:, :, None, None])
        torch.testing.assert_close(factors[factors > 0.5], torch.full(((factors > 0.5).sum(),), 1 / 0.75))
        assert (factors == 0).double().mean().item() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 1280))
    assert torch.equal(torch.as_tensor(layer(last, training=False)), last)
    assert SpatialDropoutLayer(0.25, Key(0)).eval()(x) is x


def test_masks_are_independent_of_image_channel_and_step_and_the_same_in_any_layout():
    x = torch.ones(400, 16, 3, 3)
    y = dropped(0.5, x)
    missing = (y[:, :, 0, 0] == 0).double()
    assert (missing.mean(0) - 0.5).abs().max() < 5 * 0.5 / np.sqrt(400)  # of each channel
    correlations = torch.corrcoef(missing.T) - torch.eye(16)
    assert correlations.abs().max() < 5 / np.sqrt(400)
    assert not torch.equal(y, dropped(0.5, x, step=2))
    assert torch.equal(y, dropped(0.5, x.to(memory_format=torch.channels_last)))


def test_the_gradient_goes_through_the_mask():
    x = torch.randn(4, 3, 5, 7, requires_grad=True, dtype=torch.float64)
    y = dropped(0.3, x)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x.detach(), y.detach())


def test_vectors_lose_single_features():
    y = dropped(0.5, torch.ones(100, 40))
    assert y.shape == (100, 40)
    assert (y == 0).double().mean().item() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4000))


@pytest.mark.parametrize(("model", "places"), [("notebook_cnn", 3), ("resnet20", 3), ("vgg11", 5)])
def test_it_stands_after_each_pooling(model, places):
    network = models.build(model, (32, 32, 3), 10, registry.parse("spatial_dropout"), Key(0))
    names = [name for name, layer in network.named_modules() if isinstance(layer, SpatialDropoutLayer)]
    assert names == [f"pool{number}.spatial_dropout" for number in range(1, places + 1)]
