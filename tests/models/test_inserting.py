"""What a method inserts runs behind the calls that were found, and nowhere else; the rest is the user's own program."""

import copy
import itertools

import pytest
import torch
from own_networks import CLASSES, NETWORKS, Small, Tutorial, adopted
from refusals import refused
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from overfitlab.errors import OverfitlabError
from overfitlab.kernels import library
from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.models.foreign import adopt
from overfitlab.models.model import Order
from overfitlab.randomness import Key
from overfitlab.training.optimizer import KerasAdam

SHAPE = (16, 16, 3)
STEPS = 6


class PlainNotebook(nn.Module):
    """The notebook's network as one would write it in PyTorch, with a pooling that is used three times."""

    def __init__(self):
        super().__init__()
        filters = (3, 32, 32, 64, 64, 128, 128)
        pairs = itertools.pairwise(filters)
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairs)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.hidden = nn.Linear(2 * 2 * 128, 256)
        self.out = nn.Linear(256, CLASSES)

    def forward(self, x):
        for number, conv in enumerate(self.convs):
            x = F.relu(conv(x))
            if number % 2:
                x = self.pool(x)
        x = F.relu(self.hidden(x.permute(0, 2, 3, 1).flatten(1)))
        return self.out(x)


class FunctionalNotebook(PlainNotebook):
    """The same with functions alone."""

    def forward(self, x):
        for number, conv in enumerate(self.convs):
            x = torch.relu(F.conv2d(x, conv.weight, conv.bias, padding=1))
            if number % 2:
                x = F.max_pool2d(x, 2, ceil_mode=True)
        x = x.permute(0, 2, 3, 1).reshape(len(x), -1)
        return F.linear(F.linear(x, self.hidden.weight, self.hidden.bias).relu(), self.out.weight, self.out.bias)


def order(method, shape=SHAPE):
    return Order("own", shape, CLASSES, methods.parse(method), Key(5), warm_up=True)


def twins(kind, method):
    """Return our notebook_cnn and somebody's copy of it under the method, with the same initial weights."""
    ours = registry.build("notebook_cnn", SHAPE, CLASSES, methods.parse(method), Key(5), warm_up=True)
    theirs = adopt(kind, lambda error: error, order(method))
    layers = [*(f"convs.{number}" for number in range(6)), "hidden", "out"]
    names = [*(f"conv{number}" for number in range(1, 7)), "dense1", "dense2"]
    with torch.no_grad():
        for their, our in zip(layers, names, strict=True):
            for part in ("weight", "bias"):
                theirs.network.get_parameter(f"{their}.{part}").copy_(ours.get_parameter(f"{our}.{part}"))
    return ours.double(), theirs.double(), dict(zip(layers, names, strict=True))


def trained(model, steps=STEPS):
    optimizer = KerasAdam(model)
    generator = torch.Generator().manual_seed(1)
    losses = []
    model.train()
    for step in range(1, steps + 1):
        x = torch.randn(8, 3, 16, 16, generator=generator, dtype=torch.float64)
        labels = torch.randint(CLASSES, (8,), generator=generator)
        model.at(1, step)
        loss = F.cross_entropy(model(x.contiguous(memory_format=torch.channels_last)), labels)
        loss.backward()
        optimizer.step(1e-3)
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("kind", [PlainNotebook, FunctionalNotebook])
@pytest.mark.parametrize(
    "method",
    ["none", "dropout:rate=0.4", "spatial_dropout", "layer_norm", "group_norm", "batch_norm", "batch_norm+dropout"],
)
@pytest.mark.slow
def test_a_plain_copy_of_the_notebooks_network_trains_as_ours(kind, method):
    """Ours is built from layers that ask the method; theirs is a program that was looked at: same sites, same draws."""
    before = library.best()
    library.use(library.OFF)
    try:
        ours, theirs, names = twins(kind, method)
        found = [(site.name, site.channels, site.ndim) for site in theirs.sites]
        asked = [(site.name, site.channels, site.ndim) for site in ours.sites]
        assert found == (asked[:-1] if kind is FunctionalNotebook else asked)  # a function is no last dense layer
        ours_losses, theirs_losses = trained(ours), trained(theirs)
        torch.testing.assert_close(theirs_losses, ours_losses, rtol=1e-9, atol=1e-9)
        for their, our in names.items():
            for part in ("weight", "bias"):
                one, other = theirs.network.get_parameter(f"{their}.{part}"), ours.get_parameter(f"{our}.{part}")
                torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)
        x = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        with torch.no_grad():
            torch.testing.assert_close(theirs.eval()(x), ours.eval()(x), rtol=1e-6, atol=1e-7)
    finally:
        library.use(before)


def masks(model, x):
    """Return the share of zeros that each inserted layer makes in a training step."""
    found = {}
    hooks = [
        layer.register_forward_hook(
            lambda _l, _i, output, name=name: found.update({name: (output == 0).double().mean()})
        )
        for name, layer in model.inserted.items()
    ]
    model.train().at(1, 1)
    model(x)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("name", ["Tutorial", "Functions", "Methods"])
def test_a_pooling_that_is_used_twice_is_two_sites_with_masks_of_their_own(name):
    found = masks(adopted(name, "dropout:rate=0.9"), torch.randn(16, 3, 32, 32))
    assert found.keys() == {"pool1", "pool2"}
    assert all(share > 0.85 for share in found.values())


@pytest.mark.parametrize("method", ["batch_norm", "layer_norm", "group_norm", "dropout", "spatial_dropout"])
@pytest.mark.parametrize("precision", [torch.float32, torch.float64, torch.bfloat16])
def test_what_is_inserted_keeps_the_memory_that_view_needs_in_every_precision(method, precision):
    model = adopted("Functions", method).train()
    model.at(1, 1)
    x = torch.randn(4, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
        logits = model.double()(x.double()) if precision is torch.float64 else model(x)
    assert logits.dtype == precision
    logits.float().square().sum().backward()
    assert all(value.grad.isfinite().all() for value in model.parameters() if value.grad is not None)
    with torch.inference_mode():
        assert model.eval()(x.to(next(model.parameters()).dtype)).shape == (4, CLASSES)


def test_the_users_own_program_runs():
    """Python in `forward` counts its calls, which a traced graph would not."""
    calls = []

    class Counting(Small):
        def forward(self, x):
            calls.append(self.training)
            return super().forward(x)

    model = adopted(Counting, "dropout+batch_norm")
    calls.clear()
    model.train().at(1, 1)
    model(torch.randn(4, 3, 8, 8))
    model.eval()(torch.randn(4, 3, 8, 8))
    assert calls == [True, False]


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"Convolutional"}))
def test_without_what_is_inserted_the_network_computes_what_it_always_did(name):
    torch.manual_seed(1)
    network = NETWORKS[name]()
    height, width, channels = network.shape
    x = torch.randn(3, channels, height, width)
    wanted = network.eval()(x)
    model = adopted(lambda: network, "dropout", shape=network.shape)
    assert torch.equal(model.eval()(x), wanted)
    assert all(not part.startswith("inserted") for part in network.state_dict())
    NETWORKS[name]().load_state_dict(model.network.state_dict())


class Turning(Small):
    """It goes another way once it is told to."""

    turned = ""

    def __init__(self):
        super().__init__()
        self.again, self.other = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        x = self.again(F.relu(self.conv(x)))
        if self.turned == "twice":
            x = self.again(x)
        if self.turned == "other":
            x = self.other(x)
        x = F.relu(x) if self.turned == "less" else F.max_pool2d(F.max_pool2d(F.relu(x), 2), 1)
        if self.turned == "wide":
            x = F.max_pool2d(torch.cat([x, x], 1), 1)[:, :4]
        return self.fc(x[:, :, :3, :3].flatten(1))


@pytest.mark.parametrize(
    ("turned", "method", "layer"),
    [
        ("twice", "batch_norm", "again"), ("other", "batch_norm", "other"), ("less", "dropout", "max_pool2d"),
        ("wide", "dropout", "max_pool2d"),
    ],
)  # fmt: skip
def test_a_pass_that_calls_otherwise_ends_in_an_error_and_not_in_another_place(turned, method, layer):
    model = adopted(Turning, method).train()
    model.at(1, 1)
    model(torch.randn(4, 3, 8, 8))
    model.network.turned = turned
    with refused(OverfitlabError, "network_calls_otherwise", layer=layer):
        model(torch.randn(4, 3, 8, 8))
    model.network.turned = ""
    model(torch.randn(4, 3, 8, 8))


def test_a_call_that_returns_another_shape_is_refused():
    model = adopted("Tutorial", "dropout").train()
    model.at(1, 1)
    model.network.conv2 = nn.Conv2d(6, 15, 5)
    with refused(OverfitlabError, "call_returns_another_shape", layer="pool", number=2, channels=16):
        model(torch.randn(4, 3, 32, 32))


@pytest.mark.parametrize("name", ["Tutorial", "Functions"])
def test_a_copied_model_runs_its_own_inserted_layers(name):
    model = adopted(name, "batch_norm+dropout:rate=0.9")
    twin = copy.deepcopy(model)
    x = torch.randn(4, 3, 32, 32)
    twin.train().at(1, 1)
    twin(x)
    assert not model.inserted["norm1"].batch_norm.moving_mean.any()
    assert twin.inserted["norm1"].batch_norm.moving_mean.any()
    model.train().at(1, 2)
    assert twin.inserted["pool1"].dropout._moment == (1, 1)
    torch.manual_seed(0)
    assert not torch.equal(model(x), twin(x))


class Checkpointing(Small):
    def forward(self, x):
        x = checkpoint(lambda y: F.relu(self.conv(y)), x, use_reentrant=False)
        return self.fc(self.pool(x).flatten(1))


def test_a_pass_that_is_computed_again_for_the_gradient_has_the_same_layers():
    torch.manual_seed(1)
    state = Small().state_dict()
    found = []
    for kind in (Small, Checkpointing):
        model = adopted(kind, "layer_norm")
        model.network.load_state_dict(state)
        model.train().at(1, 1)
        x = torch.linspace(-1, 1, 4 * 192).reshape(4, 3, 8, 8).requires_grad_()
        model(x).square().sum().backward()
        found.append(model.network.conv.weight.grad)
    torch.testing.assert_close(found[0], found[1])


def test_files_of_before_have_what_was_inserted_in_another_place():
    class Old(Tutorial):
        def forward(self, x):
            if x.mean() > 9:
                return self.fc3(x)
            return super().forward(x)

    model = adopted(Old, "dropout", shape=(32, 32, 3))
    assert list(model.inserted) == ["classifier"]
    model.inserted["classifier"].add_module("own", nn.Linear(84, 84))  # as another package's method could insert
    state = model.state_dict()
    older = {name.replace("inserted.classifier.", "classifier."): value for name, value in state.items()}
    assert older.keys() != state.keys()
    model.load_state_dict(older, strict=True)


def test_biases_in_front_of_an_inserted_batch_norm_keep_their_value():
    model = adopted("Tutorial", "batch_norm")
    fixed = {name for name, value in model.network.named_parameters() if not value.requires_grad}
    assert fixed == {"conv1.bias", "conv2.bias", "fc1.bias", "fc2.bias"}
    assert all(value.requires_grad for value in adopted("Tutorial", "layer_norm").network.parameters())
