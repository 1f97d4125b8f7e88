"""A network without the regularization that it brings: the one that somebody would write without it."""

import importlib.util

import pytest
import torch
from own_networks import Normalized, adopted
from refusals import refused
from torch import nn
from torch.nn import functional as F

from overfitlab.errors import UsageError
from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.randomness import Key


def images(count=6):
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def by_hand(network, x):
    """Return what `Normalized` computes without its normalization and dropout."""
    x = F.max_pool2d(F.relu(F.conv2d(x, network.conv1.weight, padding=1)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, network.conv2.weight, padding=1)), 2)
    return network.fc2(F.relu(F.linear(x.flatten(1), network.fc1.weight)))


def test_a_bare_network_computes_what_is_left_in_training_and_evaluation():
    model = adopted("Normalized", bare=True)
    wanted = by_hand(model.network, images())
    torch.testing.assert_close(model.eval()(images()), wanted)
    model.train().at(1, 1)
    torch.testing.assert_close(model(images()), wanted)
    assert [note.code for note in model.notes] == ["network_is_bare"]
    assert not model.needs_batches_of_two


def test_layers_that_lost_their_normalization_get_a_bias_of_zeros_that_trains():
    network = adopted("Normalized", bare=True).network
    for layer in (network.conv1, network.conv2, network.fc1):
        assert layer.bias.shape == (len(layer.weight),)
        assert not layer.bias.any()
        assert layer.bias.requires_grad
    assert isinstance(network.bn1, nn.Identity)
    assert {name.partition(".")[0] for name in network.state_dict()} == {"conv1", "conv2", "fc1", "fc2"}


def test_the_initial_weights_are_those_of_the_network_as_it_is():
    bare, whole = (adopted("Normalized", bare=bare).network.state_dict() for bare in (True, False))
    shared = bare.keys() & whole.keys()
    assert {"conv1.weight", "conv2.weight", "fc1.weight", "fc2.weight", "fc2.bias"} == shared
    assert all(torch.equal(bare[name], whole[name]) for name in shared)


def test_where_a_normalization_stood_there_is_a_place_for_one():
    model = adopted("Normalized", "batch_norm", bare=True)
    assert {name for name in model.inserted} == {"norm1", "norm2", "norm3"}  # noqa: C416 - a ModuleDict is no set
    assert all(site.taken is None for site in model.sites)


def test_functions_do_nothing_but_those_of_inserted_layers_do():
    bare = adopted("FunctionalRegularization", bare=True)
    network = bare.network
    wanted = network.fc(network.pool(F.relu(network.conv(images()))).flatten(1))
    bare.train().at(1, 1)
    torch.testing.assert_close(bare(images()), wanted)
    normalized = adopted("FunctionalRegularization", "batch_norm+layer_norm".partition("+")[0], bare=True)
    normalized.train().at(1, 1)
    normalized(images())
    assert normalized.inserted["norm1"].batch_norm.moving_mean.any()
    assert not torch.allclose(normalized.eval()(images()), wanted)  # its F.batch_norm is not the network's
    layer = adopted("FunctionalRegularization", "layer_norm", bare=True)
    assert not torch.allclose(layer.eval()(images()), wanted)


def test_a_dropout_inside_of_a_layer_is_taken_out():
    assert adopted("Attending", bare=True).network.attention.dropout == 0
    assert adopted("Attending").network.attention.dropout == 0.3


def test_as_it_is_a_network_is_the_same_to_the_bit():
    as_is, plain = adopted("Normalized", "as_is", bare=True), adopted("Normalized", "none")
    assert as_is.state_dict().keys() == plain.state_dict().keys()
    for model in (as_is, plain):
        model.train().at(1, 1)
    assert torch.equal(as_is(images()), plain(images()))
    assert [note.code for note in as_is.notes] == ["network_brings"]


def test_dropout_can_stand_on_a_network_as_it_is():
    model = adopted("Normalized", "as_is+dropout", bare=True)
    assert isinstance(model.network.bn1, nn.BatchNorm2d)
    assert list(model.inserted) == ["pool1", "pool2"]
    with refused(UsageError, "second_normalization", method="batch_norm"):
        adopted("Normalized", "as_is+batch_norm", bare=True)


@pytest.mark.parametrize("model", registry.BUILT_IN[:2])
def test_networks_that_bring_nothing_are_refused(model):
    with refused(UsageError, "nothing_to_take_out", model=model):
        registry.build(model, (16, 16, 3), 4, methods.parse("none"), Key(0), bare=True)
    with refused(UsageError, "nothing_to_take_out", model="own"):
        adopted("Tutorial", bare=True)


def test_as_is_needs_bare():
    with refused(UsageError, "as_is_without_bare"):
        registry.build("notebook_cnn", (16, 16, 3), 4, methods.parse("as_is"), Key(0))


class LooksAtItsNorm(Normalized):
    def forward(self, x):
        return super().forward(x) * self.bn1.eps


def test_a_network_that_does_not_run_without_is_one_line():
    with refused(UsageError, "network_fails_when_bare", what="batch_norm x 2, dropout x 1, layer_norm x 1") as caught:
        adopted(LooksAtItsNorm, bare=True)
    assert "eps" in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="needs timm, which the test extra brings")
def test_timms_normalizations_keep_the_activation_inside_of_them():
    model = registry.build("timm:mobilenetv3_small_050", (32, 32, 3), 4, methods.parse("none"), Key(0), bare=True)
    kinds = {type(layer) for layer in model.modules()}
    assert not any(issubclass(kind, nn.modules.batchnorm._BatchNorm) for kind in kinds)
    assert any(issubclass(kind, nn.Hardswish) for kind in kinds)
    assert model.brings == {"batch_norm": 34}
