"""Which tensor of what a network returns are the logits."""

import collections
from dataclasses import dataclass

import pytest
import torch
from refusals import refused
from torch import nn
from torch.nn import functional as F

from overfitlab.errors import UsageError
from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.models.outputs import LogitsOf, logits_in
from overfitlab.randomness import Key

SHAPE, CLASSES = (8, 8, 1), 4
LOGITS, OTHER = torch.randn(2, 4), torch.randn(2, 7)


@dataclass
class ModelOutput:
    loss: object
    logits: torch.Tensor


@dataclass
class Plain:
    loss: object
    scores: torch.Tensor


@pytest.mark.parametrize(
    "output",
    [
        LOGITS,
        (LOGITS,),
        [OTHER, LOGITS],
        (LOGITS, None, [OTHER]),
        {"out": LOGITS, "aux": OTHER},
        {"logits": LOGITS, "aux": LOGITS + 1},
        collections.OrderedDict(features=OTHER, head=LOGITS),
        collections.namedtuple("Outputs", "logits aux")(LOGITS, LOGITS + 1),
        ModelOutput(None, LOGITS),
        Plain(None, LOGITS),
    ],
)
def test_the_obvious_tensor_is_taken(output):
    assert logits_in(output, CLASSES) is LOGITS
    assert LogitsOf("net", CLASSES)(nn.Identity(), (), output) is LOGITS


@pytest.mark.parametrize("output", [None, "text", 3, (), {}, object()])
def test_what_has_no_tensors_is_left_to_who_asked(output):
    assert LogitsOf("net", CLASSES)(nn.Identity(), (), output) is output


@pytest.mark.parametrize("output", [(LOGITS, LOGITS), {"a": LOGITS, "b": LOGITS}])
def test_two_that_could_be_meant_are_refused(output):
    with refused(UsageError, "network_returns_several", count=2, shape="[2, 4]"):
        LogitsOf("net", CLASSES)(nn.Identity(), (), output)


def test_tensors_of_another_shape_are_named():
    with refused(UsageError, "network_returns_no_logits", shapes="[2, 7], [2, 7]", type="tuple"):
        LogitsOf("net", CLASSES)(nn.Identity(), (), (OTHER, OTHER))


class Net(nn.Module):
    """A network whose output is made of its logits by `last`."""

    last = staticmethod(lambda logits, training: logits)

    def __init__(self, num_classes):
        super().__init__()
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x):
        return type(self).last(self.fc(x.flatten(1)), self.training)


def with_last(function):
    return type("Net", (Net,), {"last": staticmethod(function)})


def build(network):
    return registry.build(network, SHAPE, CLASSES, methods.parse("none"), Key(0))


@pytest.mark.parametrize(
    ("last", "code"),
    [
        (lambda logits, training: logits.softmax(1), "network_returns_probabilities"),
        (lambda logits, training: logits.sigmoid(), "network_returns_sigmoids"),
        (lambda logits, training: None, "network_returns_nothing"),
        (lambda logits, training: "a text", "network_returns_no_tensor"),
        (lambda logits, training: (logits, logits), "network_returns_several"),
        (lambda logits, training: [logits[:, :2]], "network_returns_no_logits"),
        (lambda logits, training: (logits, logits) if training else logits, "network_returns_several"),
    ],
)
def test_what_is_no_logits_is_refused(last, code):
    with refused(UsageError, code):
        build(with_last(last))


@pytest.mark.parametrize(
    "last",
    [
        lambda logits, training: F.log_softmax(logits, 1),
        lambda logits, training: logits * 0 + 0.5,  # a last layer that starts with zeros
        lambda logits, training: (logits + 1).relu(),
        lambda logits, training: {"logits": logits, "aux": logits} if training else logits,
        lambda logits, training: (logits, None),
    ],
)
def test_what_is_logits_is_taken(last):
    model = build(with_last(last)).eval()
    assert model(torch.zeros(3, 1, 8, 8)).shape == (3, CLASSES)


def test_log_probabilities_are_logits_that_say_the_same():
    plain = build(Net).eval()
    logarithms = build(with_last(lambda logits, training: F.log_softmax(logits, 1))).eval()
    logarithms.load_state_dict(plain.state_dict())
    x, y = torch.randn(5, 1, 8, 8), torch.arange(5) % CLASSES
    torch.testing.assert_close(F.cross_entropy(logarithms(x), y), F.cross_entropy(plain(x), y))
    torch.testing.assert_close(logarithms(x).softmax(1), plain(x).softmax(1))
