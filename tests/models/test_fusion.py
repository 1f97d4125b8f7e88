"""Layers that run together compute what they compute one by one."""

import pytest
import torch
from torch.nn import functional as F

from overfitlab.kernels import library
from overfitlab.methods import registry
from overfitlab.models import fusion
from overfitlab.models.layers import ReLU
from overfitlab.models.network import Builder
from overfitlab.models.notebook_cnn import describe
from overfitlab.models.registry import build
from overfitlab.randomness import Key

SHAPE, CLASSES, BATCH = (13, 16, 3), 4, 6  # an odd edge, and channels enough for the 3x3 kernels
INSTRUCTIONS = library.supported()
TOLERANCE = 2e-4  # of a gradient's norm in float32, ten layers deep
WORSE = 1.5  # times as far from float32 as plain PyTorch's bfloat16 is, at most
METHODS = [*registry.built_in_names(), "batch_norm+dropout", "layer_norm+spatial_dropout+dropout"]


@pytest.fixture(autouse=True)
def as_before():
    yield
    library.use(library.OFF)


def network(method, shape=SHAPE):
    builder = Builder(shape, registry.parse(method), Key(0), name="notebook_cnn", classes=CLASSES)
    describe(builder, CLASSES)
    return builder.network()


def step(model, kernels, precision):
    """Return logits, gradients and buffers of one step."""
    library.use(kernels)
    x = torch.randn(BATCH, SHAPE[2], *SHAPE[:2], generator=torch.Generator().manual_seed(0))
    x = x.contiguous(memory_format=torch.channels_last)
    model.train().at(1, 1)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        logits = model(x)
    F.cross_entropy(logits.float(), torch.arange(BATCH) % CLASSES).backward()
    gradients = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
    return {
        "logits": logits.detach().float(),
        **gradients,
        **{name: value.clone() for name, value in model.named_buffers()},
    }


def compare(found, expected, tolerance):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        off, size = (found[name].double() - value.double()).norm(), value.double().norm()
        # beside a gradient that is next to nothing, rounding is everything: then it counts by the size of a number
        assert off <= tolerance * (size + 1e-3 * value.numel() ** 0.5), (name, float(off / (size + 1e-30)))


@pytest.mark.skipif(not INSTRUCTIONS, reason="no kernels were compiled")
@pytest.mark.parametrize("method", METHODS)
def test_a_step_agrees_with_the_reference(method):
    expected = step(network(method), library.OFF, "float32")
    compare(step(network(method), INSTRUCTIONS[0], "float32"), expected, TOLERANCE)


@pytest.mark.slow
@pytest.mark.skipif(not INSTRUCTIONS, reason="no kernels were compiled")
@pytest.mark.parametrize("method", METHODS)
def test_a_step_in_bfloat16_is_as_near_to_float32_as_plain_pytorchs(method):
    exact = step(network(method), library.OFF, "float32")
    theirs = step(network(method), library.OFF, "bfloat16")
    ours = step(network(method), INSTRUCTIONS[0], "bfloat16")
    for name, value in exact.items():
        off, allowed = (ours[name] - value).norm(), WORSE * (theirs[name] - value).norm()
        assert off <= allowed + 1e-2 * (value.norm() + 1e-3 * value.numel() ** 0.5), name


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_together_or_one_by_one_is_the_same(method, monkeypatch):
    together = step(network(method), library.OFF, "float32")
    monkeypatch.setattr(fusion, "_row_at", lambda layers, position: None)
    compare(together, step(network(method), library.OFF, "float32"), TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["none", "batch_norm", "group_norm", "layer_norm", "batch_norm+dropout"])
@pytest.mark.parametrize("name", ["notebook_cnn", "resnet20", "vgg11"])
def test_evaluation_agrees_with_the_reference(name, method):
    model = build(
        name, (32, 32, 3), CLASSES, registry.parse(method if name == "notebook_cnn" else method.split("+")[0]), Key(0)
    )
    x = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    model.train().at(1, 1)
    with torch.no_grad():
        model(x)  # moving statistics that are not those of the start
    model.eval()
    library.use(library.OFF)
    expected = model(x).detach()  # with gradients each layer runs alone
    for kernels in (library.OFF, *INSTRUCTIONS):
        library.use(kernels)
        with torch.inference_mode():
            torch.testing.assert_close(model(x).clone(), expected, atol=1e-3, rtol=1e-3)


def rows(model):
    """Return the names of the layers that run together."""
    names, layers, position, found = [name for name, _ in model.named_children()], tuple(model), 0, []
    while position < len(layers):
        row = fusion._row_at(layers, position)
        length = 1 if row is None else row.length
        found.append(names[position : position + length])
        position += length
    return found


def test_what_runs_together():
    assert rows(network("batch_norm+dropout"))[:3] == [
        ["conv1", "norm1", "relu1"], ["conv2", "norm2", "relu2", "max_pool1", "pool1"], ["conv3", "norm3", "relu3"],
    ]  # fmt: skip
    assert rows(network("none"))[1] == ["conv2", "relu2", "max_pool1"]
    assert rows(network("none"))[-2:] == [["dense1", "relu7"], ["dense2"]]
    # two random layers at a site: the site runs by itself
    assert rows(network("dropout+spatial_dropout"))[1:3] == [["conv2", "relu2", "max_pool1"], ["pool1"]]


def test_a_layer_with_a_hook_runs_alone():
    model, seen = network("batch_norm"), []
    model.get_submodule("relu1").register_forward_hook(lambda *_: seen.append("relu1"))
    model.get_submodule("norm2").batch_norm.register_forward_hook(lambda *_: seen.append("norm2"))
    step(model, library.OFF, "float32")
    assert seen == ["relu1", "norm2"]
    assert rows(model)[:2] == [["conv1", "norm1"], ["relu1"]]


class Leaky(ReLU):
    """An activation with a forward pass of its own."""

    def forward(self, x):
        return F.leaky_relu(x)


def test_a_layer_with_a_forward_pass_of_its_own_runs_alone():
    model = network("batch_norm")
    model.relu1 = Leaky()
    model.get_submodule("norm2").batch_norm.forward = lambda x: x
    assert rows(model)[:4] == [["conv1", "norm1"], ["relu1"], ["conv2"], ["norm2"]]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_hooks_on_every_module_see_every_layer():
    seen, model = [], network("none")
    hook = torch.nn.modules.module.register_module_full_backward_hook(lambda layer, *_: seen.append(layer))
    try:
        step(model, INSTRUCTIONS[0] if INSTRUCTIONS else library.OFF, "float32")
    finally:
        hook.remove()
    assert {type(layer).__name__ for layer in seen} >= {"Conv2D", "ReLU", "MaxPool2D", "Dense"}
