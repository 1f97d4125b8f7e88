"""The user's own networks: found, run, and blamed in one line that names file and line."""

import random
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused

from overfitlab.errors import OverfitlabError
from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.randomness import Key

ROOT = Path(__file__).resolve().parent.parent.parent
SHAPE, CLASSES = (12, 10, 3), 4


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file of a user's into the working folder, and return its name."""
    monkeypatch.chdir(tmp_path)

    def written(text, name="net.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        return name

    return written


def build(spec, method="none", shape=SHAPE, seed=0):
    return registry.build(spec, shape, CLASSES, methods.parse(method), Key(seed))


def logits(model, count=3):
    height, width, channels = model.image_shape
    with torch.inference_mode():
        return model.eval()(torch.ones(count, channels, height, width))


DESCRIBED = """
def net(build, classes):
    build.conv(8)
    build.norm_site()
    build.relu()
    build.max_pool()
    build.pool_site()
    build.flatten()
    build.classifier_site()
    build.dense(classes)
"""
PLAIN = """
from torch import nn

class Net(nn.Module):
    def __init__(self, image_shape, classes):
        super().__init__()
        self.conv = nn.Conv2d(image_shape[2], 6, 3)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(6, classes)

    def forward(self, x):
        x = self.conv(x).relu()
        x = x.amax((2, 3))
        return self.fc(self.drop(x))

def net(image_shape, classes):
    return Net(image_shape, classes)
"""


@pytest.mark.parametrize("method", ["none", "batch_norm", "dropout", "batch_norm+dropout"])
def test_a_described_network_takes_every_method(write, method):
    model = build(f"{write(DESCRIBED)}:net", method)
    assert logits(model).shape == (3, CLASSES)
    assert [site.kind for site in model.sites] == ["norm", "pool", "classifier"]
    assert [name for name, _ in model.named_modules() if name.endswith(("batch_norm", "dropout"))] == [
        place for part, place in (("batch_norm", "norm1.batch_norm"), ("dropout", "pool1.dropout")) if part in method
    ]


def test_described_networks_share_initial_bits_with_ours(write):
    model = build(f"{write(DESCRIBED)}:net")
    assert torch.equal(
        model.state_dict()["conv1.weight"][:, :, 0, 0],
        build("net.py:net", "batch_norm").state_dict()["conv1.weight"][:, :, 0, 0],
    )


@pytest.mark.parametrize("function", ["net", "Net"])
def test_a_plain_module_has_places_behind_its_calls_and_before_its_last_dense_layer(write, function):
    name = write(PLAIN)
    model = build(f"{name}:{function}", "dropout")
    assert logits(model).shape == (3, CLASSES)
    found = [(site.kind, site.channels, site.ndim) for site in model.sites]
    assert found == [("norm", 6, 4), ("pool", 6, 2), ("classifier", 6, 2)]
    assert model.last_dense == "network.fc"
    assert torch.equal(logits(model), logits(build(f"{name}:{function}")))


def test_the_working_folder_can_be_imported_from(write):
    write(DESCRIBED, "mine/__init__.py")
    write(PLAIN, "mine/nets.py")
    write("def double(number): return 2 * number\n", "helper_of_mine.py")
    write("from helper_of_mine import double\nfrom .nets import net as inner\nnet = inner\n", "mine/more.py")
    assert build("mine:net").name == "mine:net"
    assert logits(build("mine.nets:net")).shape == (3, CLASSES)
    assert logits(build("mine.more:net")).shape == (3, CLASSES)


def test_a_file_can_import_its_neighbours(write, tmp_path):
    write("WIDTH = 5\n", "far/neighbour_of_mine.py")
    write(DESCRIBED.replace("build.conv(8)", "import neighbour_of_mine as n; build.conv(n.WIDTH)"), "far/net.py")
    assert build("far/net.py:net").get_submodule("conv1").weight.shape[0] == 5
    assert build(f"{tmp_path}/far/net.py:net").name == f"{tmp_path}/far/net.py:net"


@pytest.mark.parametrize("spec", ["edited_net.py:net", "edited_net:net"])
def test_an_edited_file_is_run_as_it_is_now(write, spec):
    write(DESCRIBED, "edited_net.py")
    assert build(spec).get_submodule("conv1").weight.shape[0] == 8
    write(DESCRIBED.replace("conv(8)", "conv(9)"), "edited_net.py")
    assert build(spec).get_submodule("conv1").weight.shape[0] == 9


def test_what_it_prints_stays_off_standard_output(write, capsys):
    name = write("print('imported')\n" + DESCRIBED.replace("    build.relu()", "    print('called'); build.relu()"))
    build(f"{name}:net")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.split() == ["imported", "called"]


def test_initial_weights_follow_the_seed_and_leave_global_generators_alone(write):
    noisy = PLAIN.replace(
        "    return Net(", "    import random, numpy; random.random(); numpy.random.rand()\n    return Net("
    )
    spec = f"{write(noisy)}:net"
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state()
    first = build(spec).state_dict()
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.random.get_rng_state(), before[2])
    torch.manual_seed(99)
    again, under_dropout = build(spec).state_dict(), build(spec, "dropout").state_dict()
    other = build(spec, seed=1).state_dict()
    for name in first:
        assert torch.equal(first[name], again[name])
        assert torch.equal(first[name], under_dropout[name])
        assert not torch.equal(first[name], other[name])


def test_lazy_layers_get_their_weights_from_the_seed(write):
    lazy = PLAIN.replace("nn.Linear(6, classes)", "nn.LazyLinear(classes)")
    spec = f"{write(lazy)}:net"
    first = build(spec).state_dict()["network.fc.weight"]
    torch.manual_seed(5)
    assert torch.equal(first, build(spec, "dropout").state_dict()["network.fc.weight"])


def module(body, init="self.fc = nn.Linear(3, classes)"):
    return (
        "from torch import nn\nimport torch\nclass Net(nn.Module):\n    def __init__(self, image_shape, classes):\n"
        f"        super().__init__()\n        {init}\n    def forward(self, x):\n        {body}\n"
    )


BROKEN = [
    ("def net(:\n", r"net\.py, line 1: SyntaxError"),
    ("x = 1\nimport no_such_library\n", r"net\.py, line 2: ModuleNotFoundError: No module named 'no_such_library'"),
    ("\n\n1 / 0\n", r"net\.py, line 3: ZeroDivisionError: division by zero"),
    ("raise SystemExit(0)\n", r"net\.py, line 1: SystemExit: 0"),
    ("raise ValueError('a\\nb' * 500)\n", r"net\.py, line 1: ValueError: a b"),
    ("net = 3\n", r"net is a int; name a class of torch\.nn\.Module"),
    ("", "has no network 'net', nor any other class or function"),
    ("def Net(): ...\ndef other(): ...\n", r"has no network 'net', but Net, other; write --model net\.py:NAME"),
    ("def net(): ...\n", r"net returned nothing; it must return a torch\.nn\.Module"),
    ("def net(a, b, c): ...\n", r"net\.py:net needs a, b, c, which cannot be known here; give it a default"),
    ("def net(build, classes): build.dense(3)\n", r"net\.py, line 1: dense needs vectors: flatten the images first"),
    ("def net(build, classes):\n    build.typo()\n", r"net\.py, line 2: AttributeError: .*typo"),
    ("def net(build, classes): build.flatten(); build.dense(3)\n", r"ends with shape \(3,\); end with build.dense"),
    ("def net(build, classes): build.conv(4)\n", r"ends with shape \(12, 10, 4\)"),
    ("def net(build, classes):\n    build.flatten()\n    build.dense(classes)\n    return 7\n", "returned a int"),
    ("def net(image_shape, classes): ...\n", r"net returned nothing; it must return a torch\.nn\.Module"),
    ("def net(image_shape, classes): return [1]\n", "net returned a list"),
    (PLAIN.replace("return Net(image_shape, classes)", "return Net"), "returned the class Net; return an object"),
    (PLAIN.replace("return Net(image_shape, classes)", "return Net(3)"), r"net\.py, line 17: TypeError"),
    (module("raise KeyError(x.shape)").replace("Net", "net"), r"net\.py, line 8: KeyError"),
    (module("return self.fc(x)").replace("Net", "net"), r"net\.py, line 8: RuntimeError: mat1 and mat2"),
    (module("return x").replace("Net", "net"), r"returns shape \[2, 3, 12, 10\] for a batch of 2; it must be \[2, 4\]"),
    (module("return None").replace("Net", "net"), "its network returns nothing; it must return logits"),
    (module("return (x, x)").replace("Net", "net"), "its network returns a tuple"),
    (
        module("return self.fc(x.amax((2, 3)).squeeze())").replace("Net", "net"),
        r"returns shape \[4\] for a batch of 1; it must be \[1, 4\]",
    ),
    (module("return self.fc(x.amax((2, 3))).softmax(1)").replace("Net", "net"), "returns probabilities; leave out"),
    (module("return x.amax((2, 3)) @ torch.ones(3, 4)", "pass").replace("Net", "net"), "no parameters that train"),
    (
        module("return self.fc(x.amax((2, 3)))", "self.fc = nn.Linear(3, classes).requires_grad_(False)").replace(
            "Net", "net"
        ),
        "no parameters that train",
    ),
    (
        module("return self.fc(x.amax((2, 3)))").replace("Net", "net")
        + "    def get_extra_state(self): return {'a': 1}\n    def set_extra_state(self, state): ...\n",
        "'network._extra_state' is not a plain tensor",
    ),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_broken_code_is_one_line(write, text, message):
    spec = f"{write(text)}:net"
    with pytest.raises(OverfitlabError, match=message) as caught:
        build(spec)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_error_in_a_package_or_a_helper_names_that_file(write):
    write("import json\nmissing_name\n", "faulty/__init__.py")
    write(DESCRIBED, "faulty/net.py")
    with refused(OverfitlabError, "own_code_failed", type="NameError", match=r"faulty/__init__\.py, line 2"):
        build("faulty.net:net")
    write("\n\n\n[][1]\n", "helper_with_fault.py")
    write("import helper_with_fault\n" + DESCRIBED)
    with refused(OverfitlabError, "own_code_failed", type="IndexError", match=r"helper_with_fault\.py, line 4"):
        build("net.py:net")


def test_an_interrupt_in_the_users_code_comes_through(write):
    name = write("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        build(f"{name}:net")


@pytest.mark.parametrize(
    ("body", "init"),
    [
        ("return self.fc(self.fc(x.amax((2, 3))).new_ones(len(x), 3))", "self.fc = nn.Linear(3, classes)"),
        ("return self.fc(x.amax((2, 3))) * 2", "self.fc = nn.Linear(3, classes)"),
        ("return self.fc(x).amax((2, 3))", "self.fc = nn.Conv2d(3, classes, 1)"),
        ("return self.fc(x.movedim(1, 3)).amax((1, 2))", "self.fc = nn.Linear(3, classes)"),
    ],
)
def test_where_the_last_dense_layer_is_not_plain_there_is_no_place(write, body, init):
    """Used twice, not last, a convolution, or one for each pixel: nothing is guessed."""
    spec = f"{write(module(body, init))}:Net"
    assert "classifier" not in {site.kind for site in build(spec).sites}


@pytest.mark.parametrize(("function", "method"), [("described", "batch_norm+dropout"), ("Plain", "dropout")])
@pytest.mark.parametrize("shape", [(32, 32, 3), (8, 8, 1)])
def test_the_example_builds(function, method, shape):
    model = build(f"{ROOT}/examples/own_network.py:{function}", method, shape)
    assert logits(model).shape == (3, CLASSES)


def test_the_example_runs_as_a_program(capsys):
    runpy.run_path(str(ROOT / "examples" / "own_network.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert "block1.norm2.batch_norm (BatchNorm)" in out
    assert "inserted.pool1.dropout (Dropout)" in out
