"""The contract of a regularization method.

A method is a frozen dataclass. Its fields are its hyperparameters, its docstring is its card, and it overrides only
the hooks that it needs. The network asks it at every site what to put there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

import numpy as np
from torch import nn

from overfitlab.errors import UsageError
from overfitlab.randomness import Key

SiteKind = Literal["norm", "pool", "classifier"]


@dataclass(frozen=True)
class Site:
    """A place in a network where a method may insert a layer.

    `norm` comes after a convolution or dense layer and before its activation, `pool` after a pooling layer, and
    `classifier` right before the last dense layer.
    """

    kind: SiteKind
    name: str  # unique within the network, for example "norm3"
    channels: int
    ndim: int  # of the tensor there: 4 for [B, C, H, W], 2 for [B, C]
    warm_up: bool = False  # moving statistics start from the first batch, not from a mean of 0 and a variance of 1


def hyperparameter(
    default: float, *, low: float, high: float = math.inf, search: tuple[float, float] | None = None
) -> Any:
    """Declare a hyperparameter: its default, the closed range of what is allowed, and the range worth searching."""
    return field(default=default, metadata={"low": low, "high": high, "search": search})


class Method:
    """What every method has; each hook does nothing until a method overrides it."""

    name: ClassVar[str]
    stage: ClassVar[int] = 0  # order in a composition, so that a+b equals b+a
    off: ClassVar[dict[str, float] | None] = None  # settings that mean "no effect", where there are any
    exclusive: ClassVar[str | None] = None  # of the methods that share such a word, a composition takes one
    # where `layer` inserts something: it is asked at the sites of the first of these kinds that the network has, and a
    # network that has none of them is refused
    sites: ClassVar[tuple[SiteKind, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.layer is not Method.layer and not cls.sites:
            raise TypeError(f"{cls.__name__} has a layer, so it must name its sites, for example sites = ('norm',)")

    def __post_init__(self) -> None:
        for parameter, value in self.hyperparameters().items():
            self._check(parameter, value)

    def layer(self, site: Site, key: Key) -> nn.Module | None:
        """Return a new layer for `site`, or None; a random layer draws from `key` alone (see `RandomLayer`)."""
        return None

    @property
    def parts(self) -> "tuple[Method, ...]":
        """The single methods that this one is made of: itself, or those of a composition in the order they apply."""
        return (self,)

    def hyperparameters(self) -> dict[str, float]:
        """Return names and values of all hyperparameters, in the order in which they are declared."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}  # type: ignore[arg-type]

    @property
    def spec(self) -> str:
        """The text that makes this method again, with every hyperparameter: `dropout:rate=0.2`."""
        return self._written(self.hyperparameters())

    @property
    def label(self) -> str:
        """The text for people: `spec` without the hyperparameters that have their default."""
        defaults = {entry.name: entry.default for entry in fields(self)}  # type: ignore[arg-type]
        given = self.hyperparameters().items()
        return self._written({name: value for name, value in given if value != defaults[name]})

    def _written(self, values: dict[str, float]) -> str:
        settings = ",".join(f"{name}={value!r}" for name, value in values.items())
        return f"{self.name}:{settings}" if settings else self.name

    def _check(self, parameter: str, value: Any) -> None:
        declared = next(entry for entry in fields(self) if entry.name == parameter)  # type: ignore[arg-type]
        low, high = declared.metadata["low"], declared.metadata["high"]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not low <= value <= high:
            bound = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
            raise UsageError(f"{self.name}: {parameter} must be a number {bound}, not {value!r}")
        object.__setattr__(self, parameter, float(value))  # 0 and 0.0 are one setting


class Composition(Method):
    """Several methods at once, in the order of their stages however they were given.

    Raises `UsageError` where two of them are the same, or exclude each other.
    """

    def __init__(self, methods: Sequence[Method]) -> None:
        self._parts = tuple(sorted(methods, key=lambda method: (method.stage, method.name)))
        taken: dict[str, str] = {}
        for method in self._parts:
            for word in filter(None, (method.name, method.exclusive)):
                if word in taken:
                    reason = "it is given twice" if word == method.name else f"only one {word} fits"
                    raise UsageError(f"{taken[word]}+{method.name}: {reason}; leave one of them out")
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


class RandomLayer(nn.Module):
    """A layer that draws random numbers while it trains, a function of its key, the epoch and the step alone."""

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key
        self._moment: tuple[int, int] | None = None

    def at(self, epoch: int, step: int) -> None:
        """Say which step comes next; must be called before every training step."""
        self._moment = (epoch, step)

    def generator(self) -> np.random.Generator:
        """Return this step's generator."""
        if self._moment is None:
            raise RuntimeError(f"{type(self).__name__} needs at(epoch, step) before a training step")
        epoch, step = self._moment
        return (self._key / epoch / step).generator()
