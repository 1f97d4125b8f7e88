"""What this machine can do: matrix products, copies, and the price of asking for them."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

SIDE = 1024  # of the square matrices
CACHED_BYTES, LARGEST_BYTES = 2**19, 2**29
BURST_SECONDS, BURSTS = 0.1, 7  # the best burst counts: a rate is what the machine can do, not what it mostly does


@dataclass(frozen=True)
class Rates:
    """Measured rates at one number of threads."""

    threads: int
    float32: float  # FLOP/s of matrix products
    bfloat16: float
    cached: float  # bytes/s, read and written, of a copy within the cache
    memory: float  # the same, of a copy larger than the cache
    operation: float  # s for an operation on one number
    region: float  # s to share work among the threads

    def as_dict(self) -> dict[str, float]:
        """Return it as plain JSON values."""
        return asdict(self)


def rates(threads: int) -> Rates:
    """Measure them; PyTorch is left with as many threads as it had."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        large = _large_bytes()
        return Rates(
            threads=threads,
            float32=_product_rate(torch.float32),
            bfloat16=_product_rate(torch.bfloat16),
            cached=_copy_rate(CACHED_BYTES),
            memory=_copy_rate(large),
            operation=_seconds(_in_place(1)),
            region=_region(threads),
        )
    finally:
        torch.set_num_threads(before)


def _product_rate(dtype: torch.dtype) -> float:
    a, b = (torch.rand(SIDE, SIDE).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    return 2 * SIDE**3 / _seconds(lambda: torch.mm(a, b, out=out))


def _copy_rate(size: int) -> float:
    source, target = torch.ones(size // 4), torch.ones(size // 4)
    return 2 * size / _seconds(lambda: target.copy_(source))


def _region(threads: int) -> float:
    """Return what it costs beyond the work: PyTorch shares additions among threads from this many numbers on."""
    grain = 32_768
    if threads == 1:
        return 0.0
    alone, shared = _seconds(_in_place(grain)), _seconds(_in_place(grain + threads))
    return max(0.0, shared - alone / min(threads, 2))  # just above the grain there are two pieces


def _in_place(size: int) -> Callable[[], object]:
    numbers = torch.zeros(size)
    return lambda: numbers.add_(1.0)


def _large_bytes() -> int:
    """Return twice the size of the largest cache, within reason."""
    caches = Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")
    sizes = [int(path.read_text().strip().removesuffix("K")) * 1024 for path in caches]
    return min(LARGEST_BYTES, max(2 * max(sizes, default=0), 2**27))


def _seconds(work: Callable[[], object]) -> float:
    """Return the seconds of one call, in the best of some bursts."""
    begun = time.perf_counter()
    work()
    calls = max(1, int(BURST_SECONDS / max(time.perf_counter() - begun, 1e-6)))
    best = float("inf")
    for _ in range(BURSTS):
        begun = time.perf_counter()
        for _ in range(calls):
            work()
        best = min(best, (time.perf_counter() - begun) / calls)
    return best
