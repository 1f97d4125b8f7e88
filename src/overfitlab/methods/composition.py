"""Several methods at once."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor, nn

from overfitlab.errors import UsageError
from overfitlab.methods.base import Method, NetworkSpec, Site
from overfitlab.methods.tracking import Tracker
from overfitlab.randomness import Key
from overfitlab.results.history import EpochRow


class Composition(Method):
    """Several methods at once, in the order of their stages however they were given.

    Networks chain, penalties and decays add, stops are or-ed. What draws random numbers, `layer` and `batch`, is asked
    of each of its `parts`, with a key of its own: so a method draws the same alone and composed.

    Raises `UsageError` where two of them are the same, or exclude each other.
    """

    sites = ("norm", "pool", "classifier")  # of one or another of its parts

    def __init__(self, methods: Sequence[Method]) -> None:
        self._parts = tuple(sorted(methods, key=lambda method: (method.stage, method.name)))
        taken: dict[str, str] = {}
        for method in self._parts:
            tracks = "tracker of weights" if type(method).tracker is not Method.tracker else None
            for word in filter(None, (method.name, method.exclusive, tracks)):
                if word in taken and word == method.name:
                    raise UsageError(
                        "method_given_twice", "{first}+{second}: the same method twice; leave one of them out",
                        first=taken[word], second=method.name,
                    )  # fmt: skip
                if word in taken:
                    raise UsageError(
                        "methods_exclude_each_other", "{first}+{second}: only one {what} is possible; leave one of "
                                                      "them out",
                        first=taken[word], second=method.name, what=word,
                    )  # fmt: skip
                taken[word] = method.name

    @property
    def parts(self) -> tuple[Method, ...]:
        """Its methods, in the order in which they apply."""
        return self._parts

    def hyperparameters(self) -> dict[str, float]:
        """Return names and values of all hyperparameters, each as `method.name`."""
        return {
            f"{method.name}.{name}": value for method in self._parts for name, value in method.hyperparameters().items()
        }

    @property
    def spec(self) -> str:
        """The text that makes this composition again: the specs of its methods, joined by `+`."""
        return "+".join(method.spec for method in self._parts)

    @property
    def label(self) -> str:
        """The labels of its methods, joined by `+`."""
        return "+".join(method.label for method in self._parts)

    def network(self, spec: NetworkSpec) -> NetworkSpec:
        """Return what its methods make of `spec`, one after the other."""
        for method in self._parts:
            spec = method.network(spec)
        return spec

    def layer(self, site: Site, key: Key) -> nn.Module | None:
        """Raise `TypeError`: each of `parts` has a key of its own."""
        raise TypeError("ask each of the composition's parts for its layer")

    def batch(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Raise `TypeError`: each of `parts` has a generator of its own."""
        raise TypeError("ask each of the composition's parts for its batch")

    def penalty(self, kernels: Mapping[str, Tensor]) -> Tensor | None:
        """Return the sum of the penalties, None where there is none."""
        penalties = [found for method in self._parts if (found := method.penalty(kernels)) is not None]
        return None if not penalties else sum(penalties[1:], penalties[0])

    def weight_decay(self, name: str, parameter: Tensor) -> float:
        """Return the sum of the decays."""
        return sum(method.weight_decay(name, parameter) for method in self._parts)

    def tracker(self, model: nn.Module) -> Tracker | None:
        """Return the tracker of the one method that has one; more than one exclude each other."""
        return next((found for method in self._parts if (found := method.tracker(model)) is not None), None)

    def stop(self, history: Sequence[EpochRow]) -> bool:
        """Return whether any of its methods stops."""
        return any(method.stop(history) for method in self._parts)


def composed(methods: Sequence[Method]) -> Method:
    """Return the methods as one: `none` adds nothing to others, and a single one is itself.

    Raises `UsageError` where they do not go together.
    """
    parts = [part for method in methods for part in method.parts]
    effective = [part for part in parts if part.name != "none"] or parts[:1]
    return effective[0] if len(effective) == 1 else Composition(effective)
