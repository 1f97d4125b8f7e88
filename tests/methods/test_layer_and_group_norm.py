"""Layer and group normalization against Keras's layers and NumPy; test_against_keras.py has whole trainings."""

import numpy as np
import pytest
import torch

from overfitlab.methods import registry
from overfitlab.methods.base import Site
from overfitlab.methods.group_norm import GroupNormLayer
from overfitlab.methods.layer_norm import LayerNormLayer
from overfitlab.randomness import Key

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

CHANNELS = 12
SHAPES = pytest.mark.parametrize("shape", [(5, CHANNELS), (3, CHANNELS, 4, 2), (1, CHANNELS, 1, 1)])
KINDS = pytest.mark.parametrize("kind", ["layer", "group1", "group3", "group4"])


def layers(kind, shape):
    """Ours and Keras's, with the same random scales and shifts."""
    groups = int(kind.removeprefix("group")) if kind != "layer" else None
    rng = np.random.default_rng(0)
    if groups is None:
        ours, theirs = LayerNormLayer(CHANNELS, 1e-3), keras.layers.LayerNormalization(axis=-1)
    else:
        ours, theirs = GroupNormLayer(CHANNELS, groups, 1e-3), keras.layers.GroupNormalization(groups, axis=-1)
    theirs.build((None, *shape[2:], CHANNELS))
    weights = [rng.normal(size=CHANNELS), rng.normal(size=CHANNELS)]
    theirs.set_weights(weights)
    ours.double().load_state_dict({"gamma": torch.from_numpy(weights[0]), "beta": torch.from_numpy(weights[1])})
    return ours.train(), theirs


@pytest.mark.usefixtures("float64_keras")
@KINDS
@SHAPES
def test_outputs_and_gradients_equal_keras(kind, shape):
    ours, theirs = layers(kind, shape)
    rng = np.random.default_rng(1)
    mine = torch.from_numpy(rng.normal(3, 2, size=shape)).requires_grad_()
    yours = mine.detach().clone().requires_grad_()
    weights = torch.from_numpy(rng.normal(size=shape))  # so that the gradient is not that of a plain sum
    y = ours(mine)
    expected = torch.movedim(theirs(torch.movedim(yours, 1, -1)), -1, 1)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-10)
    (y * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(mine.grad, yours.grad, rtol=0, atol=1e-10)
    for parameter, variable in zip((ours.gamma, ours.beta), theirs.trainable_variables, strict=True):
        torch.testing.assert_close(parameter.grad, variable.value.grad, rtol=0, atol=1e-10)
    assert torch.equal(ours.eval()(mine), y), "training and evaluation are the same"


@KINDS
@pytest.mark.parametrize("shape", [(2, CHANNELS), (2, CHANNELS, 2, 1)])
def test_gradients_are_right(kind, shape):
    layer, _ = layers(kind, shape)
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradcheck(
        lambda gamma, beta: torch.func.functional_call(layer, {"gamma": gamma, "beta": beta}, x.detach()),
        (layer.gamma, layer.beta),
    )


def test_mean_and_variance_where_they_are_taken():
    """Layer norm: over the channels at one pixel. Group norm: over the pixels and channels of a group of one image."""
    x = torch.from_numpy(np.random.default_rng(0).normal(5, 3, size=(4, CHANNELS, 6, 5)))
    layer = LayerNormLayer(CHANNELS, 1e-12).double()(x).detach().numpy()
    np.testing.assert_allclose(layer.mean(1), 0, atol=1e-10)
    np.testing.assert_allclose(layer.var(1), 1, atol=1e-8)
    group = GroupNormLayer(CHANNELS, 3, 1e-12).double()(x).detach().numpy().reshape(4, 3, 4, 6, 5)  # neighbours
    np.testing.assert_allclose(group.mean((2, 3, 4)), 0, atol=1e-10)
    np.testing.assert_allclose(group.var((2, 3, 4)), 1, atol=1e-8)
    assert np.abs(group.mean((3, 4))).max() > 0.01, "but not each channel"


def test_a_pixels_or_an_images_scale_and_shift_are_lost():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, CHANNELS, 3, 3)))
    brightness = torch.tensor([2.0, 7.0], dtype=torch.float64)[:, None, None, None]
    for layer in (LayerNormLayer(CHANNELS, 1e-12).double(), GroupNormLayer(CHANNELS, 4, 1e-12).double()):
        torch.testing.assert_close(layer(x * brightness + brightness), layer(x), rtol=0, atol=1e-8)


def groups_at(channels, ndim, groups=8):
    return registry.make("group_norm", groups=groups).layer(Site("norm", "norm1", channels, ndim), Key(0)).groups


@pytest.mark.parametrize(
    ("channels", "groups", "found"),
    [(32, 8, 8), (12, 8, 6), (10, 8, 5), (7, 8, 7), (11, 8, 1), (4, 8, 4), (1, 8, 1), (48, 16, 16), (32, 1, 1)],
)
def test_images_have_the_largest_divisor_up_to_the_number_of_groups(channels, groups, found):
    assert groups_at(channels, 4, groups) == found


@pytest.mark.parametrize(("channels", "found"), [(256, 8), (16, 8), (12, 6), (8, 4), (7, 1), (6, 3), (2, 1), (1, 1)])
def test_groups_of_vectors_have_two_channels_or_more(channels, found):
    assert groups_at(channels, 2) == found
    if channels > 1:
        x = torch.randn(3, channels, generator=torch.Generator().manual_seed(0))
        assert GroupNormLayer(channels, found, 1e-3)(x).abs().min() > 0, "something of the features is left"


@pytest.mark.parametrize("name", ["layer_norm", "group_norm"])
def test_bfloat16_activations_stay_bfloat16_and_are_normalized_in_float32(name):
    layer = registry.parse(name).layer(Site("norm", "norm1", 32, 4), Key(0))
    x = torch.randn(2, 32, 4, 4, generator=torch.Generator().manual_seed(0)).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), layer(x.float()), rtol=2**-8, atol=2**-8)
