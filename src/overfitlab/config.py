"""What was asked for: frozen, validated, and with one canonical JSON form that gives a run its identity."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from overfitlab.errors import UsageError, unknown_name

PRECISIONS = ("auto", "bfloat16", "float32", "float64")
LARGEST_SEED = 2**63 - 1


def _whole(what: str, value: Any, low: int, high: int | None = None) -> None:
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= low
    if not fits or (high is not None and value > high):
        bound = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise UsageError(f"{what} must be a whole number {bound}, not {value!r}")


@dataclass(frozen=True)
class Protocol:
    """Everything that is held fixed while methods are compared.

    Raises `UsageError` for a value that cannot be trained with.
    """

    name: str
    epochs: int
    batch_size: int  # images a step; the last, partial batch of an epoch is kept
    learning_rate: float  # of Adam
    validation_fraction: float  # of the training images
    split_seed: int  # scikit-learn's random_state: the same split for every seed of a run

    def __post_init__(self) -> None:
        _whole("epochs", self.epochs, low=1)
        _whole("batch size", self.batch_size, low=1)
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not math.isfinite(rate) or rate <= 0:
            raise UsageError(f"learning rate must be a finite number above 0, not {rate!r}")
        object.__setattr__(self, "learning_rate", float(rate))  # 1 and 1.0 are one configuration


NOTEBOOK = Protocol(
    name="notebook", epochs=30, batch_size=32, learning_rate=1e-4, validation_fraction=0.3, split_seed=777
)
PROTOCOLS = {protocol.name: protocol for protocol in (NOTEBOOK,)}


def protocol_named(name: str, **changes: int | float | None) -> Protocol:
    """Return the protocol with that name, with the values in `changes` that are not None put in place."""
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    given: dict[str, Any] = {field: value for field, value in changes.items() if value is not None}
    return replace(PROTOCOLS[name], **given)


@dataclass(frozen=True)
class RunConfig:
    """One training as it was asked for: protocol x method x seed, and how to compute it."""

    protocol: Protocol
    method: str  # canonical, with every hyperparameter: "batch_norm:momentum=0.99,epsilon=0.001"
    data: str
    seed: int = 0
    precision: str = "auto"
    threads: int | None = None  # None: one a core

    def __post_init__(self) -> None:
        _whole("seed", self.seed, low=0, high=LARGEST_SEED)
        if self.precision not in PRECISIONS:
            raise unknown_name("precision", self.precision, PRECISIONS)
        if self.threads is not None:
            _whole("threads", self.threads, low=1, high=1024)

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return asdict(self)

    def run_id(self, data_hash: str) -> str:
        """Return the identity of this run on data of that content hash: 12 hexadecimal digits."""
        text = canonical_json({"config": self.as_dict(), "data": data_hash})
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def canonical_json(value: Any) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
