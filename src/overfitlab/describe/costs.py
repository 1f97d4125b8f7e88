"""What a step costs under each method, as `make bench` measured it: the file `methods/costs.json`."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from overfitlab.errors import DamagedError
from overfitlab.words.language import ENGLISH, Language

NETWORK = "notebook_cnn, batch 32"  # what the benchmark trains


@dataclass(frozen=True)
class Cost:
    """What a training step takes under one method at its defaults, beside one under `none`."""

    step_ms: float | None  # the median over the rounds
    ratio: tuple[float, float, float] | None  # to `none` in the same round: median, lowest, highest; none has no ratio
    n: int  # rounds
    precision: str
    threads: int
    machine: str
    date: str  # YYYY-MM-DD

    def text(self, say: Language = ENGLISH) -> str:
        """Return one sentence for people, without a full stop."""
        setting = say(
            "n = {n} rounds; {network}, {precision}, {threads} threads; {machine}", n=self.n, network=say(NETWORK),
            precision=self.precision, threads=self.threads, machine=self.machine,
        )  # fmt: skip
        if self.ratio is not None:
            median, low, high = self.ratio
            return say("a step takes {median:.2f} times that of none ({low:.2f} to {high:.2f}, {setting})",
                       median=median, low=low, high=high, setting=setting)  # fmt: skip
        if self.step_ms is not None:
            return say("a step takes {milliseconds:.1f} ms ({setting})",
                       milliseconds=self.step_ms, setting=setting)  # fmt: skip
        return say("not measured")

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "step_ms": self.step_ms,
            "ratio": list(self.ratio) if self.ratio else None,
            "n": self.n,
            "network": NETWORK,
            "precision": self.precision,
            "threads": self.threads,
            "machine": self.machine,
            "date": self.date,
        }


def measured(path: Path | None = None) -> dict[str, Cost]:
    """Return the costs by the name of the method; nothing where there is no such file.

    `path` is a file like the package's own, which it stands for. Raises `DamagedError` where the file is damaged.
    """
    return _own() if path is None else _read(path.read_bytes(), str(path)) if path.exists() else {}


@cache
def _own() -> dict[str, Cost]:
    file = resources.files("overfitlab") / "methods" / "costs.json"
    return _read(file.read_bytes(), str(file)) if file.is_file() else {}


def _read(content: bytes, name: str) -> dict[str, Cost]:
    try:
        said = json.loads(content)
        common: dict[str, Any] = {
            "n": int(said["n"]),
            "precision": str(said["precision"]),
            "threads": int(said["threads"]),
            "machine": str(said["machine"]),
            "date": str(said["date"]),
        }
        ratios = {method: (float(a), float(b), float(c)) for method, (a, b, c) in said["ratio"].items()}
        steps = {method: float(value) for method, value in said["step_ms"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DamagedError(
            "no_table_of_costs", "{path} is not a table of costs ({reason}); make bench writes it again",
            path=name, reason=repr(error),
        ) from error  # fmt: skip
    return {method: Cost(steps.get(method), ratios.get(method), **common) for method in sorted(steps | ratios)}
