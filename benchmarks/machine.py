"""What the figures were measured on, in words."""

import datetime
from typing import Any

import torch

from overfitlab.machine import environment

PROBES = {  # from the least to the most
    "AVX2": "_is_avx2_supported",
    "AVX-512": "_is_avx512_supported",
    "AVX-512-bf16": "_is_avx512_bf16_supported",
    "AMX": "_is_amx_tile_supported",
}


def machine() -> dict[str, Any]:
    """Return processor, cores, instructions and versions as plain JSON values."""
    facts = environment()
    has = {name: bool(getattr(torch.cpu, probe, lambda: False)()) for name, probe in PROBES.items()}
    return {name: facts[name] for name in ("processor", "cores", "system", "python", "torch")} | {"instructions": has}


def instructions(facts: dict[str, Any]) -> str:
    """Return which instructions there are and which are missing: `AVX2 and AVX-512, but not AMX`."""
    present = [name for name, there in facts["instructions"].items() if there]
    absent = [name for name, there in facts["instructions"].items() if not there]
    if not present:
        return f"without {_listed(absent, 'or')}"
    return f"with {_listed(present, 'and')}" + (f", without {_listed(absent, 'or')}" if absent else "")


def _listed(names: list[str], last: str) -> str:
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)


def machine_sentence(facts: dict[str, Any], date: str) -> str:
    """Return what stands below every table."""
    return (
        f"{facts['processor']}, {facts['cores']} cores, {instructions(facts)}; {facts['system']}; "
        f"PyTorch {facts['torch']}; {date}."
    )


def today() -> str:
    """Return the date, as YYYY-MM-DD."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()
