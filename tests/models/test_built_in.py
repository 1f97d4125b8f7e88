"""The networks that come with the package: shapes, published sizes, and plain PyTorch as an oracle."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from overfitlab.errors import UsageError
from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.randomness import Key

SMALL = ["notebook_cnn", "resnet20", "vgg11"]


def model(name, method="none", shape=(32, 32, 3), classes=10, seed=0, **given):
    return registry.build(name, shape, classes, methods.parse(method), Key(seed), **given)


def images(shape, count=2):
    height, width, channels = shape
    return torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 13, 3), (28, 28, 1), (32, 32, 3), (64, 64, 3), (8, 224, 1)])
@pytest.mark.parametrize("name", SMALL)
def test_any_size_gives_logits_and_gradients(name, shape):
    network = model(name, "batch_norm", shape, classes=7)
    network.train().at(1, 1)
    logits = network(images(shape))
    assert logits.shape == (2, 7)
    F.cross_entropy(logits, torch.tensor([0, 6])).backward()
    for part, value in network.named_parameters():
        layer, _, kind = part.rpartition(".")
        if kind == "bias" and not network.get_submodule(layer).bias_trains:
            assert value.grad is None, "a bias in front of a batch norm is frozen"
        else:
            assert value.grad.isfinite().all(), part


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_224_pixels_are_the_largest(name):
    network = model(name, shape=(224, 224, 3), classes=3).eval()
    with torch.inference_mode():
        assert network(images((224, 224, 3), 1)).shape == (1, 3)


@pytest.mark.parametrize(
    ("shape", "said"),
    [((7, 32, 3), "7x32x3"), ((32, 225, 3), "32x225x3"), ((32, 32, 4), "32x32x4"), ((32, 32, 2), "32x32x2")],
)
@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_other_images_are_refused_in_one_line(name, shape, said):
    with pytest.raises(UsageError, match=f"{name} takes images of 8 to 224 pixels.*not {said}; resize them") as caught:
        model(name, shape=shape)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "trained", "statistics"),
    [
        ("notebook_cnn", 815_530, 1_408),  # the notebook's own summary
        ("resnet20", 269_722, 1_376),  # the paper: 0.27, 0.46 and 0.85 million
        ("resnet32", 464_154, 2_272),
        ("resnet56", 853_018, 4_064),
        ("vgg11", 9_231_114, 5_504),  # configurations A and D with batch norm and one dense layer
        ("vgg16", 14_728_266, 8_448),
    ],
)
def test_parameters_with_batch_norm_are_the_published_ones(name, trained, statistics):
    assert model(name, "batch_norm").parameter_counts() == (trained + statistics, trained)
    assert model(name, "batch_norm", warm_up=True).parameter_counts() == (trained + statistics, trained)


@pytest.mark.parametrize(("name", "without"), [("resnet20", 269_034), ("vgg11", 9_225_610), ("vgg16", 14_719_818)])
def test_parameters_without_normalization(name, without):
    """In resnet20: no 2 * 688 gammas and betas, and 688 biases in their place."""
    assert model(name).parameter_counts() == (without, without)


def normalized(x, state, name):
    prefix = f"{name}.batch_norm."
    if f"{prefix}gamma" not in state:
        return x
    mean, variance, gamma, beta = (
        state[prefix + part].view(1, -1, 1, 1) for part in ("moving_mean", "moving_variance", "gamma", "beta")
    )
    return gamma * (x - mean) / (variance + 1e-3).sqrt() + beta


def plain_resnet(state, x, depth):
    """The paper's network written down once more, from a dictionary of weights."""

    def conv(x, number, prefix, stride=1):
        x = F.conv2d(
            x, state[f"{prefix}conv{number}.weight"], state.get(f"{prefix}conv{number}.bias"), stride, padding=1
        )
        return normalized(x, state, f"{prefix}norm{number}")

    x = conv(x, 1, "").relu()
    number = 1
    for block in range(1, (depth - 2) // 2 + 1):
        per_stage = (depth - 2) // 6
        halves = block > 1 and (block - 1) % per_stage == 0
        y = conv(x, number + 1, f"block{block}.", stride=2 if halves else 1).relu()
        y = conv(y, number + 2, f"block{block}.")
        number += 2
        if halves:
            x = nn.AvgPool2d(1, stride=2)(x)
            x = torch.cat([x, torch.zeros_like(x)], 1)
        x = (x + y).relu()
    return F.linear(x.flatten(2).mean(2), state["dense1.weight"], state["dense1.bias"])


def with_lively_statistics(network):
    """Other values than 0 and 1 wherever a network starts with them, so that each is seen to be used."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.ndim == 1:
                value.copy_(torch.rand(value.shape, generator=generator) + (0.5 if "variance" in name else -0.5))
    return network.eval()


@pytest.mark.parametrize("shape", [(32, 32, 3), (9, 13, 1)])
@pytest.mark.parametrize("method", ["none", "batch_norm"])
@pytest.mark.parametrize("depth", [20, 32])
def test_resnet_equals_plain_pytorch(depth, method, shape):
    network = with_lively_statistics(model(f"resnet{depth}", method, shape).double())
    x = images(shape).double()
    wanted = plain_resnet(network.state_dict(), x, depth)
    torch.testing.assert_close(network(x), wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["vgg11", "vgg16"])
def test_vgg_equals_plain_pytorch(name):
    stages = {"vgg11": (1, 1, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3)}[name]
    layers, channels = [], 3
    for convolutions, filters in zip(stages, (64, 128, 256, 512, 512), strict=True):
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters, eps=1e-3), nn.ReLU()]
            channels = filters
        layers.append(nn.MaxPool2d(2, 2))
    theirs = nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10)).double().eval()
    ours = with_lively_statistics(model(name, "batch_norm").double())
    values = [value for part, value in theirs.state_dict().items() if not part.endswith("num_batches_tracked")]
    for value, own in zip(values, ours.state_dict().values(), strict=True):
        value.copy_(own)  # both: weight, bias, gamma, beta, mean, variance
    x = images((32, 32, 3)).double()
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", registry.BUILT_IN)
@pytest.mark.slow
def test_methods_share_the_initial_bits_of_every_layer_they_share(name):
    baseline = model(name, shape=(8, 8, 1)).state_dict()
    assert not torch.equal(baseline["conv1.weight"], model(name, shape=(8, 8, 1), seed=1).state_dict()["conv1.weight"])
    for method in ("batch_norm", "dropout", "batch_norm+dropout"):
        other = model(name, method, (8, 8, 1)).state_dict()
        assert {part for part in baseline if part.endswith("weight")} <= other.keys()
        assert all(torch.equal(baseline[part], other[part]) for part in baseline.keys() & other.keys())


@pytest.mark.parametrize(
    ("name", "norms", "pools"),
    [("notebook_cnn", 7, 3), ("resnet20", 19, 3), ("resnet56", 55, 3), ("vgg11", 8, 5), ("vgg16", 13, 5)],
)
def test_sites_and_what_methods_put_there(name, norms, pools):
    network = model(name, "batch_norm+dropout", (16, 16, 3))
    kinds = [site.kind for site in network.sites]
    assert (kinds.count("norm"), kinds.count("pool"), kinds.count("classifier")) == (norms, pools, 1)
    inserted = [part.rpartition(".")[2] for part, _ in network.named_modules() if "." in part]
    assert (inserted.count("batch_norm"), inserted.count("dropout")) == (norms, pools)
    assert len({site.name for site in network.sites}) == len(network.sites)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["none", "dropout", "batch_norm", "batch_norm+dropout"])
@pytest.mark.parametrize("name", ["resnet20", "resnet56", "vgg11", "vgg16"])
def test_the_signal_keeps_its_scale_at_the_start(name, method):
    """Without normalization too: logits neither vanish nor explode in the deepest of them."""
    network = model(name, method)
    network.train().at(1, 1)
    smooth = F.interpolate(images((4, 4, 3), 32), scale_factor=8, mode="bilinear")  # as photographs are
    with torch.no_grad():
        assert 0.2 < network(smooth).std() < 5


def test_batch_norm_undoes_the_scale_of_a_blocks_last_convolution():
    """So that starting smaller, for networks without normalization, changes nothing with it."""
    network = model("resnet20", "batch_norm")
    x = images((32, 32, 3), 16)
    network.train().at(1, 1)
    with torch.no_grad():
        small = network(x)
        for block in range(1, 10):
            network.get_submodule(f"block{block}.conv{2 * block + 1}").weight.mul_(3)
        torch.testing.assert_close(network(x), small, rtol=0.1, atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "method"), list(itertools.product(["resnet20", "vgg11"], ["none", "batch_norm"])))
def test_a_few_steps_lower_the_loss(name, method):
    from overfitlab.training.optimizer import KerasAdam

    network = model(name, method, (8, 8, 3), classes=4)
    network.train()
    optimizer = KerasAdam(network)
    x, y = images((8, 8, 3), 32), torch.arange(32) % 4
    losses = []
    for step in range(1, 21):
        network.at(1, step)
        loss = F.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step(1e-3)
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
