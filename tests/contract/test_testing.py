"""The checks of the contract can fail: methods that break one rule each, and the check that notices."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from overfitlab import testing
from overfitlab.methods import registry
from overfitlab.methods.base import Method, NetworkSpec, RandomLayer, hyperparameter
from overfitlab.methods.tracking import Tracker


@dataclass(frozen=True)
class Card(Method):
    """Something, without an equation"""


@dataclass(frozen=True)
class Text(Method):
    name = "text"
    strength: float = hyperparameter(0.5, low=0.0)

    def hyperparameters(self):
        return {"strength": 1.0 + np.random.default_rng().random()}


@dataclass(frozen=True)
class Off(Method):
    off = {"strength": 0.0}  # noqa: RUF012
    strength: float = hyperparameter(0.5, low=0.0)

    def penalty(self, kernels):
        return sum(kernel.square().sum() for kernel in kernels.values())


@dataclass(frozen=True)
class InitialBits(Method):
    sites = ("norm",)

    def network(self, spec):
        return NetworkSpec(width=spec.width)

    def layer(self, site, key):
        return nn.Identity()

    def tracker(self, model):
        with torch.no_grad():
            next(model.parameters()).add_(1)


@dataclass(frozen=True)
class SameSeed(Method):
    def batch(self, x, y, rng):
        return x + np.random.default_rng().random(), y


@dataclass(frozen=True)
class GlobalGenerators(Method):
    def batch(self, x, y, rng):
        return x + torch.rand(1), y


class OfTheBatch(nn.Module):
    def forward(self, x):
        return x - x.mean(0)


@dataclass(frozen=True)
class Evaluation(Method):
    sites = ("classifier",)

    def layer(self, site, key):
        return OfTheBatch() if site.kind == "classifier" else None


@dataclass(frozen=True)
class Sites(Method):
    sites = ("pool",)

    def layer(self, site, key):
        return nn.Identity()


@dataclass(frozen=True)
class Layers(Method):
    sites = ("pool",)

    def layer(self, site, key):
        return nn.Flatten() if site.kind == "pool" else None


@dataclass(frozen=True)
class Batches(Method):
    def batch(self, x, y, rng):
        return x, y * 1.1


@dataclass(frozen=True)
class Penalty(Method):
    def weight_decay(self, name, parameter):
        return 0.1


class Forgetful(Tracker):
    """An average that begins anew when it is resumed."""

    def __init__(self, model):
        self.model, self.average = model, None

    def after_step(self):
        now = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.average = now if self.average is None else {n: (v + self.average[n]) / 2 for n, v in now.items()}

    def evaluation_model(self):
        import copy

        other = copy.deepcopy(self.model)
        other.load_state_dict(self.average or self.model.state_dict())
        return other

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


@dataclass(frozen=True)
class Resume(Method):
    def tracker(self, model):
        return Forgetful(model)


ASKED = []


@dataclass(frozen=True)
class Stop(Method):
    def stop(self, history):
        ASKED.append(len(history))
        return len(ASKED) % 2 == 0


class Disturbing(Forgetful):
    def after_step(self):
        super().after_step()
        with torch.no_grad():
            next(self.model.parameters()).mul_(1.1)


@dataclass(frozen=True)
class Tracks(Method):
    def tracker(self, model):
        return Disturbing(model)


COUNT = []


@dataclass(frozen=True)
class SingleDraws(Method):
    sites = ("pool",)

    def layer(self, site, key):
        COUNT.append(site)
        return Noise(key / len(COUNT)) if site.kind == "pool" else None


class Noise(RandomLayer):
    def forward(self, x):
        return x


BREAKING = {
    "card": Card, "text": Text, "off": Off, "initial_bits": InitialBits, "same_seed": SameSeed,
    "global_generators": GlobalGenerators, "evaluation": Evaluation, "sites": Sites, "layers": Layers,
    "batches": Batches, "penalty": Penalty, "resume": Resume, "stop": Stop, "tracker": Tracks,
    "single_draws": SingleDraws,
}  # fmt: skip


@pytest.fixture
def registered(monkeypatch):
    """Let the registry know a class by the name of the check that it breaks."""

    def register(name, kind):
        kind.name = name
        monkeypatch.setattr(registry, "names", lambda: ["none", "dropout", "spatial_dropout", name])
        original = registry.method_class
        monkeypatch.setattr(registry, "method_class", lambda text: kind if text == name else original(text))

    return register


def test_every_check_has_a_method_that_breaks_it():
    assert list(BREAKING) == [testing.check_name(check) for check in testing.CHECKS]


@pytest.mark.parametrize("check", testing.CHECKS, ids=testing.check_name)
def test_a_check_notices_its_breach(check, registered):
    name = testing.check_name(check)
    registered(name, BREAKING[name])
    with pytest.raises(AssertionError):
        check(name)


def test_a_pair_that_depends_on_the_order_is_noticed(registered, monkeypatch):
    """Two transforms that do not commute, sorted by nothing."""
    from overfitlab.methods import composition

    monkeypatch.setattr(composition, "sorted", lambda methods, key: list(methods), raising=False)
    with pytest.raises(AssertionError, match="is not"):
        testing.check_pair("augment", "random_erasing")
