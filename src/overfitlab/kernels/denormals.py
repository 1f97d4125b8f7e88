"""Denormal numbers: too small for float32's normal range, and computed tens of times more slowly than others.

A penalty on weights (l1, l2) shrinks those that nothing needs without end. On CIFAR-10 most weights of a network with
l2 were denormal after six epochs, and an epoch took twenty times as long. While a run trains, they count as zero.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from overfitlab.kernels import library

DENORMAL = 1e-39  # in float32


@contextmanager
def flushed(threads: int) -> Iterator[None]:
    """Take denormal numbers for zero inside this context, in this thread and those with which PyTorch computes.

    Without compiled kernels the threads that PyTorch has already started keep computing them.
    """
    before = _switch(on=True, threads=threads)
    try:
        yield
    finally:
        _switch(on=before, threads=threads)


def _switch(*, on: bool, threads: int) -> bool:
    """Switch it on or off, and return how it was."""
    functions = library.loaded()
    if functions is None:
        before = bool(torch.tensor(DENORMAL) * 1 == 0)
        torch.set_flush_denormal(on)
        return before
    library.shares_pool()
    return bool(functions.overfitlab_flush_denormals(on, threads))
