"""The contract of a regularization method.

A method is a frozen dataclass. Its fields are its hyperparameters, its docstring is its card, and it overrides only
the hooks that it needs: `network`, `layer`, `batch`, `penalty`, `weight_decay`, `tracker`, `stop`. Each hook does
nothing until it is overridden. `overfitlab.testing` checks what every method has to keep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from overfitlab.methods.tracking import Tracker
from overfitlab.randomness import Key
from overfitlab.results.history import EpochRow
from overfitlab.spelling import Spelled, hyperparameter

__all__ = ["Method", "NetworkSpec", "RandomLayer", "Site", "SiteKind", "hyperparameter"]

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


class Method(Spelled):
    """What every method has; each hook does nothing until a method overrides it.

    The loss is always the cross-entropy of the logits with `batch`'s label probabilities, plus all penalties.
    """

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
        """Return the factor d of a decoupled decay: theta -= learning rate * d * theta, before each step."""
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
