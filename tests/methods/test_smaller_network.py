"""A smaller network: its widths, and the parameter counts of Keras networks with those widths."""

import importlib.util

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from overfitlab.errors import UsageError
from overfitlab.methods import registry
from overfitlab.methods.base import NetworkSpec
from overfitlab.models import registry as models
from overfitlab.models.layers import Conv2D, Dense
from overfitlab.models.network import Builder
from overfitlab.randomness import Key

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own
SHAPE, CLASSES = (32, 32, 3), 10
WIDTHS = pytest.mark.parametrize("width", [0.01, 0.25, 0.33, 0.5, 0.7, 1.0])


def build(model, method):
    return models.build(model, SHAPE, CLASSES, registry.parse(method), Key(0))


def layer_widths(network):
    return [len(layer.weight) for layer in network.modules() if isinstance(layer, Conv2D | Dense)]


def narrowed(width, filters):
    return [max(1, round(width * count)) for count in filters]


def keras_parameters(blocks, dense=()):
    """Count those of convolutions with 2x2 poolings between the blocks, dense layers and a classifier."""
    layers = [keras.Input(SHAPE)]
    for block in blocks:
        layers += [keras.layers.Conv2D(filters, 3, padding="same") for filters in block]
        layers.append(keras.layers.MaxPool2D(2, padding="same"))
    layers.append(keras.layers.Flatten())
    layers += [keras.layers.Dense(units) for units in (*dense, CLASSES)]
    return keras.Sequential(layers).count_params()


@WIDTHS
def test_the_notebooks_network_is_kerass_with_those_widths(width):
    network = build("notebook_cnn", f"smaller_network:width={width}")
    widths = narrowed(width, [32, 32, 64, 64, 128, 128, 256])
    assert layer_widths(network) == [*widths, CLASSES]
    total, _ = network.parameter_counts()
    assert total == keras_parameters([widths[0:2], widths[2:4], widths[4:6]], widths[6:])


@WIDTHS
def test_vgg11_is_kerass_with_those_widths(width):
    network = build("vgg11", f"smaller_network:width={width}")
    widths = narrowed(width, [64, 128, 256, 256, 512, 512, 512, 512])
    assert layer_widths(network) == [*widths, CLASSES]
    blocks = [widths[:1], widths[1:2], widths[2:4], widths[4:6], widths[6:]]
    assert network.parameter_counts()[0] == keras_parameters(blocks)


@WIDTHS
def test_resnet20_has_those_widths_and_works(width):
    network = build("resnet20", f"smaller_network:width={width}")
    widths = narrowed(width, [16] * 7 + [32] * 6 + [64] * 6)
    assert layer_widths(network) == [*widths, CLASSES]
    fan_in = [3, *widths[:-1]]
    kernels = sum(9 * before * after + after for before, after in zip(fan_in, widths, strict=True))
    assert network.parameter_counts()[0] == kernels + widths[-1] * CLASSES + CLASSES
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, CLASSES)


def test_half_the_width_is_about_a_quarter_of_the_parameters():
    whole, half = (build("notebook_cnn", f"smaller_network:width={width}").parameter_counts()[0] for width in (1, 0.5))
    assert half / whole == pytest.approx(0.25, abs=0.01)


def test_at_full_width_it_is_the_network_itself():
    one, other = (build("notebook_cnn", method).state_dict() for method in ("none", "smaller_network:width=1"))
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


@settings(max_examples=50)
@given(st.floats(0.01, 1), st.floats(0.01, 1), st.integers(1, 600))
def test_widths_multiply_and_no_layer_vanishes(given_width, own, filters):
    method = registry.make("smaller_network", width=own)
    assert method.network(NetworkSpec(width=given_width)).width == given_width * own
    describing = Builder((8, 8, 1), method, Key(0), classes=3)
    describing.conv(filters, size=1)
    assert describing.shape == (8, 8, max(1, round(own * filters)))


def test_it_composes_with_what_is_inserted():
    network = build("notebook_cnn", "smaller_network:width=0.25+batch_norm+dropout")
    assert [len(value) for name, value in network.named_parameters() if name.endswith("gamma")] == [
        8, 8, 16, 16, 32, 32, 64,
    ]  # fmt: skip


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="needs timm, which the test extra brings")
def test_a_network_of_timm_refuses_it_in_one_line():
    message = "smaller_network changes a network before it is built, which timm:resnet18 does not allow"
    with pytest.raises(UsageError, match=message) as caught:
        build("timm:resnet18", "smaller_network")
    assert "\n" not in str(caught.value)


def test_a_module_of_the_users_refuses_it_and_a_described_one_takes_it(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(
        "from torch import nn\n"
        "def module(image_shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))\n"
        "def described(build, classes):\n"
        "    build.flatten()\n"
        "    build.dense(40)\n"
        "    build.dense(classes)\n"
    )
    with pytest.raises(UsageError, match="smaller_network changes a network before it is built") as caught:
        build(f"{path}:module", "smaller_network+l2")
    assert "\n" not in str(caught.value)
    build(f"{path}:module", "smaller_network:width=1")  # no effect, so nothing to refuse
    assert layer_widths(build(f"{path}:described", "smaller_network:width=0.1")) == [4, CLASSES]
