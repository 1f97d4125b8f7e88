"""What the pilot trains: every strength that a method declares, and the candidates for the protocol `quick`."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from overfitlab.config import PILOT_SEEDS, QUICK, Protocol, RunConfig, canonical_json
from overfitlab.methods import registry

RESULTS = Path(__file__).resolve().parent.parent / "runs" / "pilot"
CANDIDATE_METHODS = ("none", "dropout", "batch_norm")
CANDIDATES = (  # what `quick` was chosen from
    QUICK,
    replace(QUICK, schedule="constant"),
    replace(QUICK, training_images=2500, epochs=15),
    replace(QUICK, training_images=5000, epochs=15),
)
CANDIDATE_SEEDS = 2
ANCHORED = {"augment": {"shift": 0.1, "rotate": 0.0, "zoom": 0.0}}  # while one of them varies; so defaults may change
REFERENCES = ("none", "batch_norm", "layer_norm")  # methods without a strength


@dataclass(frozen=True)
class Job:
    """One training of the pilot."""

    data: str
    protocol: Protocol
    method: str
    seed: int

    @property
    def path(self) -> Path:
        """Where its result lies."""
        text = canonical_json(
            {"data": self.data, "method": self.method, "seed": self.seed, "protocol": as_plain(self.protocol)}
        )
        return RESULTS / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def as_plain(protocol: Protocol) -> dict[str, Any]:
    """Return the protocol as plain JSON values."""
    values: dict[str, Any] = RunConfig(protocol, "none", "").as_dict()["protocol"]
    return values


def declared() -> Iterator[tuple[str, str, tuple[float, ...]]]:
    """Yield method, hyperparameter and the values to try, for all that declare some."""
    for name in registry.names():
        for entry in fields(registry.method_class(name)):
            if entry.metadata["search"]:
                yield name, entry.name, entry.metadata["search"]


@cache  # a page asks for each of them hundreds of times
def spec(method: str, parameter: str, value: float) -> str:
    """Return the method with that strength, all else at its default or where `ANCHORED` puts it."""
    return registry.make(method, **{**ANCHORED.get(method, {}), parameter: value}).spec


def jobs(seeds: int) -> list[Job]:
    """Return what there is to train: first everything with one seed, then with the next."""
    methods = [registry.parse(name).spec for name in REFERENCES]
    methods += [spec(name, parameter, value) for name, parameter, values in declared() for value in values]
    methods = list(dict.fromkeys(methods))
    three = [registry.parse(name).spec for name in CANDIDATE_METHODS]
    found = []
    for number, seed in enumerate(PILOT_SEEDS[:seeds], start=1):
        found += [Job("cifar10", _unobserved(QUICK), method, seed) for method in methods]
        found += [Job("digits", _unobserved(QUICK), method, seed) for method in three]
        if number <= CANDIDATE_SEEDS:
            found += [Job("cifar10", _unobserved(other), method, seed) for other in CANDIDATES for method in three]
    return list(dict.fromkeys(found))


def _unobserved(protocol: Protocol) -> Protocol:
    """Return it without measuring training images after every epoch: they are measured at the end, all of them."""
    return replace(protocol, clean_metrics=False)
