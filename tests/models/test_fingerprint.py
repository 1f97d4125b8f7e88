"""A network in Python is recognised by its code and all that this refers to, in whatever process."""

import functools
import subprocess
import sys

import pytest
import torch
from torch import nn

from overfitlab.models import fingerprint

CODE = """
import enum
import functools
import numpy as np
import torch
from torch import nn

WIDTH = 8
NAMES = {"relu", "gelu", "tanh", "elu"}
TABLE = np.arange(3.0)

class Kind(enum.Enum):
    LARGE = 1

def helper(x, scale=2.0):
    return x.mean((2, 3)) * scale

class Base(nn.Module):
    def pooled(self, x):
        return helper(x)

class Net(Base):
    def __init__(self, in_channels, num_classes=10):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, WIDTH, 3)
        self.fc = nn.Linear(WIDTH, num_classes)

    def forward(self, x):
        assert "relu" in {"relu", "gelu", "tanh"} and NAMES and Kind.LARGE
        return self.fc(self.pooled(self.conv(x).relu()) * float(TABLE[1]))
"""
CHANGES = [
    ("WIDTH = 8", "WIDTH = 9"),
    ('"elu"}', '"selu"}'),
    ("np.arange(3.0)", "np.arange(4.0)"),
    ("LARGE = 1", "LARGE = 2"),
    ("scale=2.0", "scale=3.0"),
    ("x.mean((2, 3))", "x.amax((2, 3))"),
    ("return helper(x)", "return helper(x) + 1"),
    ("num_classes=10", "num_classes=11"),
    (".relu()) *", ".tanh()) *"),
]
NEUTRAL = [
    ("WIDTH = 8", "# a comment\n\n\nWIDTH = 8"),
    ("import enum\n", "import enum\nimport json\n"),
    ("class Net(Base):", "UNUSED = 3\n\nclass Net(Base):"),
]


def net(code=CODE, name="Net"):
    namespace = {"__name__": "__main__"}
    exec(compile(code, "cell", "exec"), namespace)
    return namespace[name]


def test_the_same_code_is_recognised():
    assert fingerprint.of(net()) == fingerprint.of(net())
    assert len(fingerprint.of(net())) == 64


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_change_of_anything_that_it_uses_is_another_network(before, after):
    assert before in CODE
    assert fingerprint.of(net(CODE.replace(before, after))) != fingerprint.of(net())


@pytest.mark.parametrize(("before", "after"), NEUTRAL)
def test_where_it_stands_and_what_else_is_there_does_not_matter(before, after):
    assert fingerprint.of(net(CODE.replace(before, after))) == fingerprint.of(net())


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1", "77"])
def test_another_process_finds_the_same(seed, tmp_path):
    """Python orders sets of strings by a seed of its own, which is another one in each process."""
    (tmp_path / "script.py").write_text(
        f"{CODE}\nfrom overfitlab.models import fingerprint\nprint(fingerprint.of(Net))\n"
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
    )  # fmt: skip
    assert done.stdout.split() == [fingerprint.of(net())]


def test_closures_defaults_and_partials_count():
    def make(width):
        return lambda classes: nn.Sequential(nn.Flatten(), nn.Linear(width, classes))

    assert fingerprint.of(make(3)) == fingerprint.of(make(3))
    assert fingerprint.of(make(3)) != fingerprint.of(make(4))
    one, same, other = (functools.partial(net(), num_classes=classes) for classes in (3, 3, 4))
    assert fingerprint.of(one) == fingerprint.of(same) != fingerprint.of(other)


def linear(seed=0, bias=True):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(4, 2, bias=bias))


def test_weights_and_settings_of_an_object_count():
    assert fingerprint.of(linear()) == fingerprint.of(linear())
    assert fingerprint.of_weights(linear()) == fingerprint.of_weights(linear())
    assert fingerprint.of(linear(1)) != fingerprint.of(linear())
    assert fingerprint.of_weights(linear(1)) != fingerprint.of_weights(linear())
    changed = linear()
    changed[1].p = 0.4
    assert fingerprint.of(changed) != fingerprint.of(linear())
    assert fingerprint.of_weights(changed) == fingerprint.of_weights(linear())
    assert fingerprint.of(linear().eval()) == fingerprint.of(linear().train()), "training sets the mode anyway"
    assert fingerprint.of_weights(net()) is None


def test_layers_that_are_not_yet_made_have_a_hash():
    assert fingerprint.of(nn.Sequential(nn.LazyLinear(3))) is not None
    assert len(fingerprint.of_weights(nn.Sequential(nn.LazyLinear(3)))) == 64


class Counting:
    """Something that is never twice the same."""

    count = 0

    def __reduce__(self):
        Counting.count += 1
        return (int, (Counting.count,))


@pytest.mark.parametrize("thing", [(number for number in range(3)), Counting(), open])
def test_what_cannot_be_told_apart_has_none(thing, tmp_path):
    held = (tmp_path / "file").open("w") if thing is open else thing
    assert fingerprint.of(lambda classes: held) is None
    if thing is open:
        held.close()
