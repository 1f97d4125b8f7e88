"""Networks as people have them: what they need and return is found out by trying."""

import copy
import warnings

import pytest
import torch
from refusals import refused
from torch import nn
from torch.nn import functional

import overfitlab
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.models.handed import taken
from overfitlab.randomness import Key
from overfitlab.words.languages import language_named

TUTORIAL = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):  # of PyTorch's tutorial on classifying CIFAR-10
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = FLATTENED
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x


net = Net()
"""
FLATTENED = ("torch.flatten(x, 1)", "x.view(-1, 16 * 5 * 5)", "x.view(x.size(0), -1)", "x.flatten(start_dim=1)")
BLOCKS = """
from torch import nn

class Block(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x):
        return self.conv(x).relu()

class Net(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.features = nn.Sequential(Block(in_channels, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(4, num_classes)

    def forward(self, x):
        return self.fc(self.features(x))
"""
FACTORIES = """
from torch import nn

class ResNet(nn.Module):
    def __init__(self, layers, num_classes=1000):
        super().__init__()
        self.body = nn.Sequential(*(nn.LazyConv2d(4, 3, padding=1) for _ in range(layers)))
        self.fc = nn.Linear(4, num_classes)

    def forward(self, x):
        return self.fc(self.body(x).mean((2, 3)))

def resnet9(**kwargs):
    return ResNet(1, **kwargs)

def train_resnet(**kwargs):
    raise SystemExit("it trained")

def delete_everything(model=None):
    raise SystemExit("it deleted")
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write `net.py` into the working folder, and return its name."""
    monkeypatch.chdir(tmp_path)

    def written(text):
        (tmp_path / "net.py").write_text(text)
        return "net.py"

    return written


def build(network, shape=(8, 8, 1), classes=4, method="none", seed=0):
    return registry.build(network, shape, classes, methods.parse(method), Key(seed))


@pytest.mark.parametrize("flattened", FLATTENED)
def test_the_network_of_pytorchs_tutorial_is_taken_as_it_is(write, flattened):
    name = write(TUTORIAL.replace("FLATTENED", flattened))
    model = build(name, (32, 32, 3), 10)
    assert (model.name, model.made_by) == ("net.py:Net", "Net()")
    assert model.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize("flattened", FLATTENED)
@pytest.mark.parametrize(
    ("shape", "code", "values"),
    [
        ((28, 28, 3), "network_takes_another_size", {"takes": "32x32x3", "has": "28x28x3", "size": "32"}),
        ((64, 64, 3), "network_takes_another_size", {"size": "32"}),
        ((32, 48, 3), "network_takes_another_size", {"size": "32"}),
        ((32, 32, 1), "network_takes_other_channels", {"wanted": 3, "channels": 1}),
        ((8, 8, 1), "network_takes_another_shape", {"takes": "32x32x3", "channels": 1, "wanted": 3}),
    ],
)
def test_images_that_it_does_not_take_are_answered_with_those_that_it_does(write, flattened, shape, code, values):
    name = write(TUTORIAL.replace("FLATTENED", flattened))
    with refused(UsageError, code, model="net.py:Net", **values) as caught:
        build(name, shape, 10)
    assert "\n" not in str(caught.value)
    for language in ("en", "ko"):
        said = language_named(language).error(caught.value)
        assert ("--image-size 32" in said) == (code != "network_takes_other_channels")


def test_another_number_of_classes_is_said(write):
    with refused(UsageError, "network_returns_another_shape", shape="[2, 10]", classes=4):
        build(write(TUTORIAL.replace("FLATTENED", FLATTENED[0])), (32, 32, 3), 4)


def test_a_helper_beside_the_network_is_not_it(write):
    model = build(write(BLOCKS))
    assert (model.name, model.made_by) == ("net.py:Net", "Net(1, 4)")
    with refused(UsageError, "network_returns_another_shape", model="net.py:Block"):
        build("net.py:Block")


def test_a_factory_is_found_and_no_other_function_is_called(write):
    model = build(write(FACTORIES))
    assert (model.name, model.made_by) == ("net.py:resnet9", "resnet9(num_classes=4)")
    with refused(UsageError, "network_needs_more", names="layers"):
        build("net.py:ResNet")


def test_two_networks_are_listed_with_what_to_type(write):
    name = write(BLOCKS + "\nclass Other(Net):\n    pass\n")
    with refused(UsageError, "several_networks", names="Net, Other") as caught:
        build(name)
    assert "--model net.py:Net, --model net.py:Other" in str(caught.value)
    assert build("net.py:Other").name == "net.py:Other"


def test_a_file_without_a_network_says_why_each_try_failed(write):
    name = write(
        BLOCKS.replace("nn.Linear(4, num_classes)", "nn.Linear(5, num_classes)") + "\ndef model(hidden): ...\n"
    )
    with refused(UsageError, "no_network_in_file", shape="8x8x1", classes=4) as caught:
        build(name)
    text = str(caught.value)
    assert "Block: net.py:Block: its network returns shape [2, 4, 8, 8]" in text
    assert "4개에 맞는 신경망이 없습니다: Block" in language_named("ko").error(caught.value)
    assert "Net: net.py, line 19: RuntimeError: mat1 and mat2" in text
    assert "model: net.py:model needs hidden" in text
    with refused(UsageError, "file_without_networks", file="net.py"):
        build(write("def main(): ...\n\ndef helper(x): ...\n"))


def test_how_each_way_to_call_it_failed_is_said(write):
    broken = BLOCKS.replace("return self.fc(", "return 1 / 0 + self.fc(")
    name = write(broken.replace("in_channels, num_classes)", "in_channels=3, num_classes=10)", 1).replace(
        "self, in_channels, num_classes", "self, in_channels=3, num_classes=10"
    ))  # fmt: skip
    with refused(UsageError, "no_way_to_make_it", model="net.py:Net") as caught:
        build(f"{name}:Net")
    for call in ("Net(in_channels=1, num_classes=4)", "Net(num_classes=4)", "Net()"):
        assert f"{call}: net.py, line" in str(caught.value)


def test_the_network_that_a_file_makes_is_the_same_under_every_seed(write):
    name = write("import torch\nfrom torch import nn\nmine = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))\n")
    first, second = (build(name, seed=seed).state_dict() for seed in (0, 1))
    assert all(torch.equal(first[entry], second[entry]) for entry in first)
    handed = taken(name).settled((8, 8, 1), 4)
    assert (handed.spec, handed.start) == ("net.py:mine", taken("net.py:mine").settled((8, 8, 1), 4).start)
    assert len(handed.start) == 64


@pytest.mark.parametrize("name", ["net", "Net"])
def test_the_class_and_its_network_both_have_names(write, name):
    spec = f"{write(TUTORIAL.replace('FLATTENED', FLATTENED[0]))}:{name}"
    weights = [build(spec, (32, 32, 3), 10, seed=seed).state_dict()["network.conv1.weight"] for seed in (0, 1)]
    assert torch.equal(*weights) == (name == "net")


class Net(nn.Module):
    """A network of a notebook's."""

    def __init__(self, in_channels, num_classes, hidden=8):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.LazyLinear(hidden), nn.ReLU())
        self.fc = nn.Linear(hidden, num_classes)

    def forward(self, x):
        return self.fc(self.body(x))


def made(classes):
    return Net(1, classes, hidden=5)


@pytest.mark.parametrize(
    ("network", "name", "made_by"),
    [
        (Net, "python:Net", "Net(1, 4)"),
        (made, "python:made", "made(4)"),
        (lambda: Net(1, 4), "python:<lambda>", "<lambda>()"),
        (lambda build, classes: (build.flatten(), build.dense(classes), None)[-1], "python:<lambda>", ""),
    ],
)
def test_classes_and_functions_are_called_anew_for_each_seed(network, name, made_by):
    first, again, other = (build(network, seed=seed) for seed in (0, 0, 1))
    assert (first.name, first.made_by) == (name, made_by)
    assert first.eval()(torch.zeros(3, 1, 8, 8)).shape == (3, 4)
    states = [model.state_dict() for model in (first, again, other)]
    assert all(torch.equal(states[0][entry], states[1][entry]) for entry in states[0])
    assert not all(torch.equal(states[0][entry], states[2][entry]) for entry in states[0])
    assert taken(network).start is None


def test_an_object_is_copied_and_its_weights_are_the_start():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    before = copy.deepcopy(network.state_dict())
    models = [build(network, seed=seed) for seed in (0, 1)]
    for model in models:
        assert model.get_submodule("network") is not network
        assert all(torch.equal(model.state_dict()[f"network.{name}"], value) for name, value in before.items())
    with torch.no_grad():
        models[0].get_parameter("network.1.weight").zero_()
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())
    assert not network._forward_hooks


def test_a_function_that_returns_one_object_again_and_again_is_not_trained_twice():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    first = build(lambda: network)
    with torch.no_grad():
        first.get_parameter("network.1.weight").zero_()
    assert bool(build(lambda: network).get_parameter("network.1.weight").any())


def test_an_object_that_cannot_be_copied_is_said():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    network.file = open("text", "w")  # noqa: SIM115, PTH123 - no copy of it can be made
    with network.file, refused(UsageError, "network_has_no_copy", model="python:Sequential"):
        build(network)


@pytest.mark.parametrize("model", [3, None, 1.5, [nn.Linear(1, 1)], {"a": 1}, torch.zeros(3)])
def test_what_is_no_network_is_a_usage_error(model):
    with refused(UsageError, "no_model"):
        taken(model)


@pytest.mark.parametrize("name", ["net.pt", "net.PTH", "a/b.safetensors", "model.bin"])
def test_weights_are_no_network(name):
    with refused(UsageError, "model_is_weights", file=name):
        taken(name)


def test_the_name_of_a_network_in_python_alone_is_none():
    with refused(UsageError, "model_was_handed_over_in_python", name="Net"):
        taken("python:Net")


def test_a_refusal_of_the_method_is_that_and_no_failed_try():
    with refused(UsageError, "network_cannot_be_changed", method="smaller_network"):
        build(Net, method="smaller_network")


def test_what_fails_within_a_network_of_python_is_one_line():
    def broken(num_classes):
        raise KeyError("no\nsuch thing")

    with refused(OverfitlabError, "own_code_failed", type="KeyError", match=r"test_making\.py, line \d+: KeyError"):
        build(broken)


@pytest.mark.parametrize("value", [torch.zeros(2, dtype=torch.complex64), torch.zeros(2, 2, dtype=torch.complex128)])
def test_an_object_whose_state_cannot_be_saved_is_refused(value):
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    network.register_buffer("odd", value)
    with refused(UsageError, "network_cannot_be_saved", entry="network.odd"):
        build(network)


class Plain(nn.Module):
    """A small network whose features a subclass may treat as people do."""

    def __init__(self, num_classes=4):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 36, num_classes)

    def features(self, x):
        return self.norm(self.conv(x)).relu().flatten(1)

    def forward(self, x):
        return self.fc(self.features(x))


class DropsAlways(Plain):
    """It forgot `training=self.training`."""

    def features(self, x):
        return functional.dropout(super().features(x))


class Detached(Plain):
    """No gradient comes through."""

    def forward(self, x):
        return super().forward(x).detach()


class WithoutGradients(Plain):
    """The same by a decorator."""

    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


@pytest.mark.parametrize("network", [Detached, WithoutGradients])
def test_a_network_that_no_gradient_reaches_is_refused(network):
    with refused(UsageError, "network_hides_its_gradients"):
        build(network)


def test_a_network_that_draws_in_evaluation_says_so():
    assert [note.code for note in build(DropsAlways).notes] == ["network_brings", "network_draws_in_evaluation"]
    assert [note.code for note in build(Plain).notes] == ["network_brings"]


def lazy(num_classes):
    return nn.Sequential(
        nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(num_classes)
    )  # fmt: skip


def test_lazy_layers_of_every_kind_get_their_shapes():
    model = build(lazy)
    assert model.network[1].running_mean.shape == (4,)
    assert model.brings == {"batch_norm": 1}


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("method", ["none", "dropout"])
def test_a_compiled_network_is_trained_without_it_and_keeps_its_names(within, method):
    def compiled(num_classes):
        network = Plain(num_classes)
        if not within:
            return torch.compile(network, backend="eager")
        network.conv = torch.compile(network.conv, backend="eager")
        return network

    model = build(compiled, method=method)
    assert [note.code for note in model.notes] == ["network_brings", "network_was_compiled"]
    assert model.own_tensors().keys() == Plain().state_dict().keys()
    assert {site.kind for site in model.sites} == {"norm", "classifier"}


def test_a_traced_network_is_taken_as_it_is():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, and people have it
        traced = torch.jit.trace(Plain().eval(), torch.zeros(2, 1, 8, 8))
    assert [note.code for note in build(traced).notes] == ["network_is_compiled"]


@pytest.mark.parametrize("way", ["script", "trace"])
def test_torchscript_trains(way, tmp_path):
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.jit.script(network) if way == "script" else torch.jit.trace(network, torch.zeros(2, 1, 8, 8))
    run = overfitlab.train(
        "none",
        "digits",
        model=made,
        protocol="quick",
        epochs=3,
        training_images=100,
        out=tmp_path / "run",
        verbose=False,
    )
    assert run.history["loss"][-1] < run.history["loss"][0]


def test_a_layer_that_fits_no_size_is_not_sent_to_look_for_one():
    class Wrong(nn.Module):
        def __init__(self, num_classes):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 8, 3), nn.Linear(9, num_classes)

        def forward(self, x):
            return self.fc(self.conv(x).mean((2, 3)))

    with refused(OverfitlabError, "network_takes_another_size_perhaps", match="none of the usual sizes"):
        build(Wrong)


class DrawsItself(Plain):
    """What it draws is no dropout that could be taken out."""

    def features(self, x):
        found = super().features(x)
        return found + torch.randn_like(found)


@pytest.mark.parametrize(("network", "draws"), [(DropsAlways, False), (DrawsItself, True)])
def test_a_bare_network_is_asked_without_its_dropout(network, draws):
    model = registry.build(network, (8, 8, 1), 4, methods.parse("none"), Key(0), bare=True)
    assert ("network_draws_in_evaluation" in [note.code for note in model.notes]) == draws
