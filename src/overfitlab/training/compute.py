"""How to compute: threads, precision, and an allocator that keeps its memory."""

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.kernels import library
from overfitlab.machine import usable_cores

AVAILABLE: dict[str, Callable[[], bool]] = {  # the devices that can compute
    "cpu": lambda: True,
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
}
DTYPES = {"bfloat16": torch.float32, "float32": torch.float32, "float64": torch.float64}
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # mallopt(3)


@dataclass(frozen=True)
class Compute:
    """How one run computes; what changes here can change its bits, so a run records it and keeps it.

    `bfloat16` means weights, sums and statistics in float32 with convolutions and matrix products in bfloat16.
    """

    precision: str
    threads: int
    device: str = "cpu"
    kernels: str = library.OFF  # the instructions of the compiled kernels (`library.INSTRUCTIONS`), or plain PyTorch

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of weights and inputs."""
        return DTYPES[self.precision]

    def autocast(self) -> torch.autocast:
        """Return the context in which forward passes run."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bfloat16")


def resolve(precision: str, threads: int | None, device: str = "cpu") -> Compute:
    """Return what `auto` and None mean on this machine.

    bfloat16 where the processor has instructions for it (AMX or AVX-512-bf16), with which a step is faster
    (docs/performance.md); without them it would be emulated. Other devices than the CPU take float32 and plain PyTorch.
    Raises `UsageError` for a device that is not here, or does not know the precision.
    """
    if not AVAILABLE[device]():
        raise UsageError(
            "no_such_device", "PyTorch finds no {device} device here; leave --device out (overfitlab doctor)",
            device=device,
        )  # fmt: skip
    if device == "mps" and precision == "float64":
        raise UsageError("mps_without_float64", "an mps device does not support float64; choose another --precision")
    if device != "cpu":
        return Compute("float32" if precision == "auto" else precision, threads or usable_cores(), device)
    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16_instructions() else "float32"
    return Compute(precision=precision, threads=threads or usable_cores(), kernels=library.best())


def prepare(compute: Compute) -> None:
    """Set this process up for training: threads, kernels, and memory that is kept between steps.

    Raises `OverfitlabError` where the kernels that a run was begun with are not there, as they decide about its bits.
    """
    if not library.use(compute.kernels):
        raise OverfitlabError(
            "kernels_of_the_run_missing",
            "this run was started with compiled kernels for {instructions}, which are missing here; continue where "
            "it was started, or train again with another --out (overfitlab doctor)",
            instructions=library.INSTRUCTIONS.get(compute.kernels, compute.kernels),
        )
    torch.set_num_threads(compute.threads)
    _keep_freed_memory()


def _has_bfloat16_instructions() -> bool:
    probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)


def _keep_freed_memory() -> None:
    """Raise glibc's thresholds, so that the 2 MB tensors of a step are not given back and faulted in page by page.

    What that is worth depends on the machine: docs/performance.md. Other C libraries are left alone.
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none
        return
    mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the largest value that glibc takes
    mallopt(M_TRIM_THRESHOLD, 512 * 2**20)
