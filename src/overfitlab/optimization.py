"""How weights are moved, as it is asked for: the optimizer, and the schedule of its learning rate.

Both are texts of the same grammar as methods: `sgd:momentum=0.9,nesterov=true`, `cosine:warm_up=5`. This file knows
what they mean as numbers; training/optimizer.py moves weights by them.
"""

import math
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeVar

from overfitlab import spelling
from overfitlab.errors import UsageError, unknown_name
from overfitlab.spelling import Spelled, hyperparameter, switch

LARGEST_MOMENTUM = 0.999999
EXAMPLES = {"nesterov": "momentum=0.9,nesterov=true"}  # of what cannot stand alone


class Asked(Spelled):
    """An optimizer or a schedule."""

    # whether it could be asked for before it had settings: then those at their defaults are left out of its identity
    before: ClassVar[bool] = False

    @property
    def recorded(self) -> str:
        """The text that stands for it in a run's identity, with every setting."""
        return self.label if self.before else self.spec


class Optimizer(Asked):
    """What moves the weights by their gradients."""

    title: ClassVar[str]
    usual_rate: ClassVar[float]  # the default of Keras

    @property
    def decay(self) -> float:
        """Its own weight decay, of all kernels, whatever the method."""
        return float(self.hyperparameters().get("weight_decay", 0.0))


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam as Keras computes it (Kingma and Ba, 2015, arXiv:1412.6980); `epsilon` stands where Keras has it."""

    name, title, usual_rate, before = "adam", "Adam", 1e-3, True
    beta_1: float = hyperparameter(0.9, low=0.0, high=LARGEST_MOMENTUM)
    beta_2: float = hyperparameter(0.999, low=0.0, high=LARGEST_MOMENTUM)
    epsilon: float = hyperparameter(1e-7, low=1e-16, high=1.0)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay of all kernels (Loshchilov and Hutter, 2019, arXiv:1711.05101)."""

    name, title, usual_rate = "adamw", "AdamW", 1e-3
    weight_decay: float = hyperparameter(0.01, low=0.0)
    beta_1: float = hyperparameter(0.9, low=0.0, high=LARGEST_MOMENTUM)
    beta_2: float = hyperparameter(0.999, low=0.0, high=LARGEST_MOMENTUM)
    epsilon: float = hyperparameter(1e-7, low=1e-16, high=1.0)


@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent as PyTorch computes it; `weight_decay` times a kernel is added to its gradient."""

    name, title, usual_rate = "sgd", "SGD", 1e-2
    momentum: float = hyperparameter(0.0, low=0.0, high=LARGEST_MOMENTUM)
    nesterov: bool = switch(default=False)
    weight_decay: float = hyperparameter(0.0, low=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise UsageError(
                "nesterov_without_momentum", "sgd: nesterov needs a momentum: sgd:momentum=0.9,nesterov=true"
            )


class Schedule(Asked):
    """What becomes of the learning rate over the steps."""

    @property
    def warming(self) -> int:
        """The epochs of its warm-up: the rate rises from zero, step by step, to the learning rate."""
        return int(self.hyperparameters().get("warm_up", 0))

    @property
    def least_epochs(self) -> int:
        """The fewest epochs in which it does what it says."""
        return self.warming + 1

    def share(self, step: int, steps: int, epochs: int) -> float:
        """Return what the learning rate is multiplied by at a step, counted from 0 over all `steps` of all `epochs`."""
        rising = self.warming * (steps / epochs)
        if step < rising:
            return step / rising
        return self._after(step - rising, steps - rising, steps / epochs)

    def mean(self, epochs: int) -> float:
        """Return the mean of `share` over all steps, nearly: as if there were very many of them."""
        rising = min(self.warming / epochs, 1.0)
        return 0.5 * rising + (1 - rising) * self._mean_after(max(epochs - self.warming, 1))

    def check(self, epochs: int) -> None:
        """Raise `UsageError` where it does not fit into so many epochs."""
        if epochs < self.least_epochs:
            raise UsageError(
                "warm_up_too_long",
                "{schedule}: its warm-up of {warm_up} epochs leaves none of the {epochs}; use a shorter warm_up, "
                "or more --epochs",
                schedule=self.name, warm_up=self.warming, epochs=epochs,
            )  # fmt: skip

    def _after(self, step: float, steps: float, an_epoch: float) -> float:
        """Return the factor after the warm-up, from which `step` counts."""
        raise NotImplementedError

    def _mean_after(self, epochs: int) -> float:
        raise NotImplementedError


def _warm_up() -> Any:
    return hyperparameter(0, low=0, whole=True)


@dataclass(frozen=True)
class Constant(Schedule):
    """The learning rate as it is."""

    name, before = "constant", True
    warm_up: int = _warm_up()

    def _after(self, step: float, steps: float, an_epoch: float) -> float:
        return 1.0

    def _mean_after(self, epochs: int) -> float:
        return 1.0


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine down to zero (Loshchilov and Hutter, 2017, arXiv:1608.03983), as Keras's `CosineDecay`."""

    name, before = "cosine", True
    warm_up: int = _warm_up()

    def _after(self, step: float, steps: float, an_epoch: float) -> float:
        return 0.5 * (1 + math.cos(math.pi * step / steps))

    def _mean_after(self, epochs: int) -> float:
        return 0.5


@dataclass(frozen=True)
class Step(Schedule):
    """Times `factor` after every so many epochs, as PyTorch's `StepLR`; after a warm-up it counts from its end."""

    name = "step"
    every: int = hyperparameter(10, low=1, whole=True)
    factor: float = hyperparameter(0.1, low=1e-6, high=1.0)
    warm_up: int = _warm_up()

    @property
    def least_epochs(self) -> int:
        """The fewest epochs in which the rate falls once."""
        return self.warming + self.every + 1

    def check(self, epochs: int) -> None:
        """Raise `UsageError` where the rate would never fall in so many epochs."""
        if epochs >= self.least_epochs:
            return
        about = {"first": self.least_epochs - 1, "epochs": epochs}
        left = epochs - self.warming
        if self.warming and left < 2:
            raise UsageError(
                "step_never_comes_after_its_warm_up",
                "step: with a warm-up of {warm_up} epochs the learning rate would first fall after {first} epochs, but "
                "there are only {epochs}; use a shorter warm-up, or more --epochs",
                warm_up=self.warming, **about,
            )  # fmt: skip
        if left < 2:
            raise UsageError(
                "step_of_one_epoch",
                "step: with one epoch the learning rate cannot fall; use more --epochs, or another --schedule",
            )
        changed = {name: value for name, value in replace(self, every=max(1, left // 3)).hyperparameters().items()
                   if name == "every" or value != getattr(Step(), name)}  # fmt: skip
        raise UsageError(
            "step_never_comes",
            "step: the learning rate would first fall after {first} epochs, but there are only {epochs}; use for "
            "example {example}, or more --epochs",
            example=f"{self.name}:{spelling.written(changed)}", **about,
        )  # fmt: skip

    def _after(self, step: float, steps: float, an_epoch: float) -> float:
        return float(self.factor ** (step // an_epoch // self.every))

    def _mean_after(self, epochs: int) -> float:
        return math.fsum(self.factor ** (epoch // self.every) for epoch in range(epochs)) / epochs


@dataclass(frozen=True)
class OneCycle(Schedule):
    """One cycle along two cosines, as PyTorch's `OneCycleLR` without a cycle of the momentum.

    It rises from a `div_factor`-th of the learning rate to it over the share `pct_start` of all steps, and falls to a
    `final_div_factor`-th of where it began (Smith and Topin, 2018, arXiv:1708.07120).
    """

    name = "one-cycle"
    pct_start: float = hyperparameter(0.3, low=0.01, high=0.99)
    div_factor: float = hyperparameter(25.0, low=1.0, high=1e6)
    final_div_factor: float = hyperparameter(1e4, low=1.0, high=1e9)

    def _after(self, step: float, steps: float, an_epoch: float) -> float:
        first, last = 1 / self.div_factor, 1 / self.div_factor / self.final_div_factor
        top = self.pct_start * steps - 1
        if step <= top:
            return _along_a_cosine(first, 1.0, step / top if top else 1.0)
        return _along_a_cosine(1.0, last, (step - top) / (steps - 1 - top))

    def _mean_after(self, epochs: int) -> float:
        first = 1 / self.div_factor
        rise, fall = (1 + first) / 2, (1 + first / self.final_div_factor) / 2
        return self.pct_start * rise + (1 - self.pct_start) * fall


def _along_a_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (math.cos(math.pi * share) + 1)


Kind = TypeVar("Kind", bound=Asked)


@dataclass(frozen=True)
class Known(Generic[Kind]):
    """All of one kind, by their names."""

    what: str  # a noun
    kinds: dict[str, type[Kind]]
    others: dict[str, str]  # as other programs call them

    def read(self, text: object) -> Kind:
        """Return what a text asks for; raises `UsageError`, which says how it is written."""
        if not isinstance(text, str):
            raise UsageError(
                "option_is_no_text", "{what} must be a string such as {example!r}, not a {type}",
                what=self.what, example=next(reversed(self.kinds)), type=type(text).__name__,
            )  # fmt: skip
        name, colon, given = text.strip().partition(":")
        kind = self.kinds.get(name)
        try:
            if kind is not None:
                self._refuse_settings_of_others(kind, given)
                return kind(**spelling.settings(name, kind, given) if colon else {})
        except UsageError as error:
            if error.code != "setting_unreadable":
                raise
        raise self._misread(text, name)

    def _refuse_settings_of_others(self, kind: type[Kind], given: str) -> None:
        """Raise `UsageError` for a setting that this kind does not have, and another one has."""
        own = {each.name for each in fields(kind)}  # type: ignore[arg-type]
        for setting in given.split(","):
            parameter = setting.partition("=")[0].strip()
            having = [each for each in self.kinds.values() if parameter in {one.name for one in fields(each)}]  # type: ignore[arg-type]
            if parameter not in own and having:
                other = having[0].name
                setting = EXAMPLES.get(parameter, setting)  # noqa: PLW2901
                raise UsageError(
                    "setting_of_another", "{name} has no {parameter}; {other} has: {right}",
                    name=kind.name, parameter=parameter, other=other, right=f"{other}:{setting.strip()}",
                )  # fmt: skip

    def _misread(self, text: str, name: str) -> UsageError:
        right = spelling.meant(text, self._called)
        if right in self.kinds:
            return unknown_name(self.what, name, self.kinds, meant=right)
        if right is not None and right != text:
            self.read(right)  # a value out of range is said, not advised
            return UsageError(
                "written_otherwise", "cannot read the {kind} {text!r}; write {right}",
                kind=self.what, text=text, right=right,
            )  # fmt: skip
        if name in self.kinds:
            example = next(iter(fields(self.kinds[name]))).name  # type: ignore[arg-type]
            return UsageError(
                "settings_unreadable", "cannot read the {kind} {text!r}; write {name}:{example}=NUMBER",
                kind=self.what, text=text, name=name, example=example,
            )  # fmt: skip
        return unknown_name(self.what, name, self.kinds)

    def _called(self, word: str) -> tuple[str, type[Kind]] | None:
        same = {spelling.same_word(name): name for name in self.kinds}
        name = same.get(spelling.same_word(word)) or self.others.get(spelling.same_word(word))
        return (name, self.kinds[name]) if name else None


OPTIMIZERS = Known[Optimizer](
    "optimizer",
    {kind.name: kind for kind in (Adam, AdamW, Sgd)},
    {"momentum": "sgd", "nesterov": "sgd", "nag": "sgd", "sgdm": "sgd", "gradientdescent": "sgd"},
)
SCHEDULES = Known[Schedule](
    "schedule",
    {kind.name: kind for kind in (Constant, Cosine, Step, OneCycle)},
    {
        "none": "constant", "const": "constant", "fixed": "constant", "off": "constant", "constantlr": "constant",
        "cos": "cosine", "cosinedecay": "cosine", "cosineannealing": "cosine", "cosineannealinglr": "cosine",
        "steplr": "step", "steps": "step", "stepdecay": "step", "multistep": "step", "multisteplr": "step",
        "onecyclelr": "one-cycle", "1cycle": "one-cycle", "cycle": "one-cycle",
    },
)  # fmt: skip


@lru_cache(256)  # every record of a run says it
def _optimizer(text: str) -> Optimizer:
    return OPTIMIZERS.read(text)


@lru_cache(256)
def _schedule(text: str) -> Schedule:
    return SCHEDULES.read(text)


def optimizer(text: str) -> Optimizer:
    """Return the optimizer that a text asks for: `adamw:weight_decay=0.05`; raises `UsageError`."""
    return _optimizer(text) if type(text) is str else OPTIMIZERS.read(text)


def schedule(text: str) -> Schedule:
    """Return the schedule that a text asks for: `step:every=10,factor=0.1`; raises `UsageError`."""
    return _schedule(text) if type(text) is str else SCHEDULES.read(text)
