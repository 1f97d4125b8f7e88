"""Where methods find places in networks that somebody else wrote: calls, not layers; and where they find none."""

import warnings

import pytest
import torch
from own_networks import NETWORKS, adopted
from refusals import refused
from torch import nn

from overfitlab.errors import OverfitlabError, UsageError


def sites(model):
    return [(site.name, site.channels, site.ndim) for site in model.sites]


def test_the_network_of_pytorchs_tutorial():
    model = adopted("Tutorial")
    assert sites(model) == [
        ("norm1", 6, 4), ("pool1", 6, 4), ("norm2", 16, 4), ("pool2", 16, 4), ("norm3", 120, 2), ("norm4", 84, 2),
        ("classifier", 84, 2),
    ]  # fmt: skip
    assert model.notes == ()
    assert dict(model.brings) == {}


def test_functions_are_seen_as_layers_are():
    assert sites(adopted("Functions")) == sites(adopted("Tutorial"))
    assert sites(adopted("Methods")) == sites(adopted("Tutorial"))


def test_a_residual_network():
    """A normalization stands behind each convolution, before the sum too; the mean over the pixels is a pooling."""
    assert sites(adopted("Residual")) == [
        ("norm1", 8, 4), ("norm2", 8, 4), ("norm3", 8, 4), ("pool1", 8, 2), ("classifier", 8, 2),
    ]  # fmt: skip


def test_what_only_makes_a_gate_is_no_site():
    assert sites(adopted("Gated")) == [("norm1", 8, 4), ("pool1", 8, 4), ("classifier", 8, 2)]


def test_a_pooling_that_makes_the_logits_is_no_site():
    assert sites(adopted("Convolutional")) == [("norm1", 8, 4)]


def test_helpers_lengths_and_assertions_on_shapes_are_no_obstacle():
    assert sites(adopted("Helpers")) == [("norm1", 4, 4), ("pool1", 4, 4), ("classifier", 36, 2)]


def test_a_branch_on_training_is_none():
    model = adopted("DropsInTraining")
    assert [site.name for site in model.sites] == ["norm1", "pool1", "classifier"]
    assert dict(model.brings) == {"dropout": 1}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("BranchesOnImages", "network_reads_values"),
        ("ReadsANumber", "network_reads_values"),
        ("LoopsOnImages", "network_reads_values"),
        ("SkipsAtRandom", "network_goes_several_ways"),
        ("PoolsMoreInTraining", "network_evaluates_otherwise"),
        ("AnotherWayForOneImage", "network_goes_several_ways"),
    ],
)
def test_a_network_whose_calls_can_change_has_the_last_place_alone_and_says_so(name, code):
    model = adopted(name)
    assert [site.name for site in model.sites] == ["classifier"]
    assert [note.code for note in model.notes] == [code]
    with refused(UsageError, "network_without_the_site", method="batch_norm", offered="classifier"):
        adopted(name, "batch_norm")


def test_a_compiled_network_cannot_be_looked_into():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, and people have it
        scripted = torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(192, 6), nn.ReLU(), nn.Linear(6, 4)))
    model = adopted(lambda: scripted)
    assert [note.code for note in model.notes] == ["network_is_compiled"]
    assert "norm" not in {site.kind for site in model.sites}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_finding_leaves_no_trace(name):
    """What a trial draws, counts or normalizes is taken back: the state is that of a fresh network."""
    torch.manual_seed(3)
    fresh = NETWORKS[name]().state_dict()
    torch.manual_seed(3)
    network = NETWORKS[name]()
    state = adopted(lambda: network, shape=network.shape).network.state_dict()
    assert fresh.keys() == state.keys()
    assert all(torch.equal(fresh[entry], state[entry]) for entry in fresh)
    hooked = [layer for layer in network.modules() if layer._forward_hooks or layer._forward_pre_hooks]
    assert hooked == []


@pytest.mark.parametrize(
    ("name", "brings"),
    [
        ("Tutorial", {}),
        ("Normalized", {"batch_norm": 2, "dropout": 1, "layer_norm": 1}),
        ("FunctionalRegularization", {"batch_norm": 1, "dropout": 2}),
        ("OwnNorm", {"normalization": 1}),
        ("DropsNothing", {}),
        ("Attending", {"dropout": 1, "layer_norm": 1}),
    ],
)
def test_what_a_network_brings_is_counted_functions_too(name, brings):
    assert dict(adopted(name).brings) == brings


@pytest.mark.parametrize("method", ["batch_norm", "layer_norm", "group_norm", "dropout+batch_norm"])
def test_a_second_normalization_is_refused_and_named(method):
    with refused(UsageError, "second_normalization", layer="bn1", site="norm1") as caught:
        adopted("Normalized", method)
    assert "--bare" in str(caught.value)
    fitting = str(caught.value).rpartition(": ")[2].split(", ")
    assert {"dropout", "spatial_dropout", "augment", "l2"} <= set(fitting)
    assert not {"batch_norm", "layer_norm", "group_norm", "smaller_network", "as_is"} & set(fitting)
    for name in fitting:
        adopted("Normalized", name)


def test_an_error_of_shapes_names_the_size_that_fits():
    with refused(OverfitlabError, "network_takes_this_size", side=32, size="28x28x3") as caught:
        adopted("Tutorial", shape=(28, 28, 3))
    assert "--image-size 32" in str(caught.value)
    with refused(UsageError, "network_mixes_images", match="--image-size"):
        adopted("Mixing", shape=(52, 52, 3))


def test_an_error_of_channels_does_not():
    with refused(OverfitlabError, "said", match="to have 3 channels"):
        adopted("Tutorial", shape=(32, 32, 1))


def test_images_of_one_channel_can_be_viewed_as_rows():
    """Both memory layouts are one then, and a convolution would hand on the other one."""
    assert adopted("Viewing", shape=(8, 8, 1)).eval()(torch.zeros(2, 1, 8, 8)).shape == (2, 4)
