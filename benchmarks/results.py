"""What the benchmark found, part by part, as docs/performance.json keeps it for the table of bars and the figure."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "performance.json"


def read_results() -> dict[str, Any]:
    """Return what there is, by the name of the part."""
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return found


def keep_result(name: str, data: dict[str, Any]) -> None:
    """Put what a part found in the place of what it found before."""
    results = dict(sorted((read_results() | {name: data}).items()))
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def of_one_machine(results: dict[str, Any]) -> dict[str, Any]:
    """Return the parts that were measured on the machine of the training steps: no ratio is of two machines."""
    kept = ("processor", "cores", "instructions")
    machine = results.get("training", {}).get("machine", {})
    return {
        name: part
        for name, part in results.items()
        if all(part["machine"].get(key) == machine.get(key) for key in kept)
    }


def times(results: dict[str, Any], part: str, contender: str, what: str = "train") -> list[float] | None:
    """Return the milliseconds of each round; None where they are missing."""
    found: dict[str, Any] = results.get(part, {}).get("contenders", {}).get(contender, {})
    values: list[float] | None = found.get("milliseconds", {}).get(what)
    return values
