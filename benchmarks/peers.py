"""The contenders: ours, and what we are compared with."""

import os

from processes import Setup

OURS = "overfitlab"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}


def ours(precision: str = "auto") -> Setup:
    """Return our own training."""
    return Setup(OURS if precision == "auto" else f"{OURS}, {precision}", "ours.py", (precision,))


def pytorch(precision: str, *, compiled: bool = False, malloc: bool = False) -> Setup:
    """Return the network in plain PyTorch, from the environment that ours runs in."""
    name = f"PyTorch, {precision}" + (", compiled" if compiled else "") + (", malloc" if malloc else "")
    flags = ("--compile",) * compiled + ("--malloc",) * malloc
    return Setup(name, "plain_torch.py", (precision, *flags))


def keras(python: str, precision: str, *, backend: str = "tensorflow", jit: bool = False) -> Setup:
    """Return the notebook's own code, from the environment of the peers."""
    on = {"tensorflow": "", "torch": " on PyTorch", "jax": " on JAX"}[backend]
    return Setup(
        f"Keras{on}, {precision}" + (", jit_compile" if jit else ""),
        "stock_keras.py",
        (precision, *("--jit",) * jit),
        python,
        QUIET | {"KERAS_BACKEND": backend},
    )


def keras_setups(python: str) -> list[Setup]:
    """Return all ways to run the notebook's code; the first one is the stock Keras of the notebook."""
    return [
        keras(python, "float32"),
        keras(python, "mixed_bfloat16"),
        keras(python, "float32", jit=True),
        keras(python, "mixed_bfloat16", jit=True),
        keras(python, "float32", backend="jax"),
        keras(python, "mixed_bfloat16", backend="jax"),
        keras(python, "float32", backend="torch"),
        keras(python, "mixed_bfloat16", backend="torch"),
    ]


def cores() -> list[int | None]:
    """Return the cores that this process may run on; no core in particular where the system cannot bind to one."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return [None] * (os.cpu_count() or 1)
