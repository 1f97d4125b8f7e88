"""The contract of a regularization method.

A method is a frozen dataclass. Its fields are its hyperparameters, its docstring is its card, and it overrides only
the hooks that it needs: `network`, `layer`, `batch`, `penalty`, `weight_decay`, `tracker`, `stop`. Each hook does
nothing until it is overridden. `overfitlab.testing` checks what every method has to keep.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from overfitlab.errors import UsageError
from overfitlab.methods.tracking import Tracker
from overfitlab.randomness import Key
from overfitlab.results.history import EpochRow

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
    taken: str | None = None  # at a norm site: the layer of the network's own that normalizes there


@dataclass(frozen=True)
class NetworkSpec:
    """What a method may change of a network before it is built."""

    width: float = 1.0  # factor on the filters of every convolution and the units of every hidden dense layer


def hyperparameter(
    default: float, *, low: float, high: float = math.inf, search: Sequence[float] = (), whole: bool = False
) -> Any:
    """Declare a hyperparameter of a method, as a field of its dataclass.

    Args:
        default: its value where none is given.
        low: the least value that is allowed, and `high` the greatest.
        high: see `low`.
        search: values worth trying, ascending; the pilot behind the defaults tries them (`make pilot`).
        whole: whether it must be a whole number.
    """
    return field(default=default, metadata={"low": low, "high": high, "search": tuple(search), "whole": whole})


class Method:
    """What every method has; each hook does nothing until a method overrides it.

    The loss is always the cross-entropy of the logits with `batch`'s label probabilities, plus all penalties.
    """

    name: ClassVar[str]
    stage: ClassVar[int] = 0  # order in a composition, lowest first and by name among equals, so that a+b equals b+a
    off: ClassVar[dict[str, float] | None] = None  # settings that mean "no effect", where there are any
    exclusive: ClassVar[str | None] = None  # of the methods that share such a word, a composition takes one
    # where `layer` inserts something: it is asked at the sites of the first of these kinds that the network has, and a
    # network that has none of them is refused
    sites: ClassVar[tuple[SiteKind, ...]] = ()
    restores_onset: ClassVar[bool] = False  # whether it hands over the weights of the onset, not those of the end
    keeps_own: ClassVar[bool] = False  # whether a network keeps the regularization that it brings, under `--bare` too

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.layer is not Method.layer and not cls.sites:
            raise TypeError(f"{cls.__name__} has a layer, so it must name its sites, for example sites = ('norm',)")

    def __post_init__(self) -> None:
        for parameter, value in self.hyperparameters().items():
            self._check(parameter, value)

    def network(self, spec: NetworkSpec) -> NetworkSpec:
        """Return the network to build instead of `spec`; networks that are not described by a `Builder` are fixed."""
        return spec

    def layer(self, site: Site, key: Key) -> nn.Module | None:
        """Return a new layer for `site`, or None; a random layer draws from `key` alone (see `RandomLayer`)."""
        return None

    def batch(self, x: Tensor, y: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return what to train on instead of a batch; never called in evaluation.

        Args:
            x: standardized images [B, C, H, W] in channels-last memory, 0 being the mean colour; may be overwritten.
            y: probabilities of the labels [B, K], each row with the sum 1; may be overwritten.
            rng: the step's own generator, the only source of random numbers.
        """
        return x, y

    def penalty(self, kernels: Mapping[str, Tensor]) -> Tensor | None:
        """Return a scalar to add to the loss of every step, or None.

        `kernels` are the trained parameters of two or more dimensions, by name. In overfitlab's own networks these are
        the kernels of convolutions and dense layers, no biases and no scales of normalizations.
        """
        return None

    def weight_decay(self, name: str, parameter: Tensor) -> float:
        """Return the factor d of a decoupled decay: theta -= learning rate * d * theta, before each step of Adam."""
        return 0.0

    def tracker(self, model: nn.Module) -> Tracker | None:
        """Return who follows the weights of `model` through the training, or None."""
        return None

    def stop(self, history: Sequence[EpochRow]) -> bool:
        """Return whether training ends after these epochs; a function of the history alone."""
        return False

    def __add__(self, other: "Method") -> "Method":
        """Compose two methods: `Dropout(0.3) + BatchNorm()`; raises `UsageError` where they do not go together."""
        from overfitlab.methods.composition import composed

        if not isinstance(other, Method):
            return NotImplemented
        return composed((self, other))

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
        low, high, whole = (declared.metadata[entry] for entry in ("low", "high", "whole"))
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or not low <= value <= high or (whole and value != int(value)):
            raise _out_of_range(whole, high, method=self.name, parameter=parameter, low=low, value=repr(value))
        object.__setattr__(self, parameter, int(value) if whole else float(value))  # 0 and 0.0 are one setting


def _out_of_range(whole: bool, high: float, **values: object) -> UsageError:
    if whole and high == math.inf:
        return UsageError(
            "hyperparameter_not_whole_from",
            "{method}: {parameter} must be a whole number of at least {low:g}, not {value}",
            **values,
        )
    if whole:
        return UsageError(
            "hyperparameter_not_whole_between",
            "{method}: {parameter} must be a whole number from {low:g} to {high:g}, not {value}",
            high=high, **values,
        )  # fmt: skip
    if high == math.inf:
        return UsageError(
            "hyperparameter_not_from", "{method}: {parameter} must be a number of at least {low:g}, not {value}",
            **values,
        )  # fmt: skip
    return UsageError(
        "hyperparameter_not_between", "{method}: {parameter} must be a number from {low:g} to {high:g}, not {value}",
        high=high, **values,
    )  # fmt: skip


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
