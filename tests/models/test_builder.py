"""The builder keeps track of shapes, and says in one line what does not go together."""

import pytest
import torch
from refusals import refused

from overfitlab.errors import UsageError
from overfitlab.methods import registry as methods
from overfitlab.models.network import Builder
from overfitlab.randomness import Key


def builder(method="none", shape=(9, 12, 3), **given):
    return Builder(shape, methods.parse(method), Key(0), **given)


def test_the_tracked_shape_is_the_true_one():
    build = builder()
    for step in (
        lambda: build.conv(4, size=5, stride=2), build.max_pool, build.relu, lambda: build.conv(6, size=1, stride=3),
        build.flatten, lambda: build.dense(5),
    ):  # fmt: skip
        step()
    assert build.shape == (5,)
    assert build.network()(torch.zeros(2, 3, 9, 12)).shape == (2, 5)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_residual_block_adds_its_input(stride):
    build = builder()
    with build.residual():
        build.conv(5, stride=stride)
    block = build.network()[0]
    x = torch.randn(2, 3, 9, 12)
    wanted = block.conv1(x)
    wanted[:, :3] += x[:, :, ::stride, ::stride]
    torch.testing.assert_close(block(x), wanted)
    assert build.shape == tuple(wanted.permute(0, 2, 3, 1).shape[1:])


def test_residual_blocks_may_be_nested():
    build = builder()
    with build.residual():
        build.conv(3)
        with build.residual():
            build.max_pool()
            build.conv(4)
        build.max_pool()
    assert build.network()(torch.zeros(1, 3, 9, 12)).shape == (1, 4, 3, 3)


def in_a_block(build, *steps):
    with build.residual():
        for step in steps:
            step(build)


@pytest.mark.parametrize(
    ("wrong", "code", "values"),
    [
        (lambda build: build.dense(3), "layer_needs_vectors", {"layer": "dense"}),
        (lambda build: (build.flatten(), build.conv(3)), "layer_needs_images", {"layer": "conv"}),
        (lambda build: (build.flatten(), build.max_pool()), "layer_needs_images", {"layer": "max_pool"}),
        (lambda build: (build.flatten(), build.flatten()), "layer_needs_images", {"layer": "flatten"}),
        (
            lambda build: (build.flatten(), build.global_average_pool()),
            "layer_needs_images",
            {"layer": "global_average_pool"},
        ),
        (lambda build: (build.flatten(), in_a_block(build)), "layer_needs_images", {"layer": "residual"}),
        (
            lambda build: in_a_block(build, lambda build: build.conv(2)),
            "residual_block_ends_otherwise",
            {"channels": 3},
        ),
        (lambda build: in_a_block(build, lambda build: build.flatten()), "residual_block_ends_otherwise", {}),
        (lambda build: build.conv(0), "convolution_impossible", {"stride": 1}),
        (lambda build: build.conv(3, size=2), "convolution_impossible", {}),
        (lambda build: build.conv(3, stride=0), "convolution_impossible", {}),
        (lambda build: (build.flatten(), build.dense(0)), "dense_without_units", {}),
        (lambda build: (build.classifier_site(), build.classifier_site()), "two_classifier_sites", {}),
    ],
)
def test_what_does_not_go_together_is_one_line(wrong, code, values):
    with refused(UsageError, code, **values) as caught:
        wrong(builder())
    assert "\n" not in str(caught.value)


def test_a_bias_is_frozen_only_right_in_front_of_the_norm():
    build = builder("batch_norm")
    build.conv(4)
    build.norm_site()
    build.conv(4)
    build.relu()
    build.norm_site()  # after the activation: the bias in front of that has an effect
    network = build.network()
    assert not network.conv1.bias_trains
    assert network.conv2.bias_trains


def test_spare_biases_are_left_out_only_where_they_have_no_effect():
    for method, has_bias in (("batch_norm", False), ("none", True)):
        build = builder(method, spare_biases=True)
        build.conv(4)
        build.norm_site()
        build.conv(4)
        network = build.network()
        assert (network.conv1.bias is not None) == has_bias
        assert network.conv2.bias is not None


def test_a_network_without_the_place_that_a_method_needs_is_refused():
    build = builder("batch_norm", name="mine")
    build.pool_site()
    build.classifier_site()
    with pytest.raises(UsageError) as caught:
        build.network()
    assert caught.value.code == "network_without_the_site"
    assert "mine does not offer (only: classifier, pool)" in str(caught.value)
    assert "dropout" in str(caught.value).rpartition("fits:")[2], "those that fit are listed"


@pytest.mark.parametrize(("sites", "used"), [(("pool", "classifier"), "pool1"), (("classifier",), "classifier")])
def test_dropout_takes_the_places_after_poolings_else_the_one_before_the_classifier(sites, used):
    build = builder("dropout")
    for site in sites:
        getattr(build, f"{site}_site")()
    assert [name for name, _ in build.network().named_children()] == [used]


def test_sites_say_whether_statistics_warm_up():
    build = builder("batch_norm", warm_up=True)
    build.norm_site()
    assert build.network().sites[0].warm_up
    assert int(build.network().state_dict()["norm1.batch_norm.batches"]) == 0


def test_asking_for_the_network_twice_gives_the_same_one():
    build = builder("batch_norm")
    build.norm_site()
    assert build.network() is build.network()
