"""Every random draw is a pure function of (seed, stream, epoch, step).

A `Key` names a draw by its path, for example `Key(3) / "order" / 7`: seed 3, stream "order", epoch 7. The path is
hashed to 128 bits that key NumPy's counter-based Philox generator (Salmon et al., 2011, "Parallel random numbers:
as easy as 1, 2, 3"). Nothing has to be saved to resume a run, and no draw shifts another: a method that draws
more numbers leaves the batch order and the initial weights as they were.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Key:
    """The name of a random draw: a seed and the path below it."""

    seed: int
    path: tuple[str | int, ...] = ()

    def __truediv__(self, part: str | int) -> "Key":
        """Return the key one step further down: `key / "order" / epoch`."""
        return Key(self.seed, (*self.path, part))

    def generator(self) -> np.random.Generator:
        """Return a fresh generator that belongs to this key alone; equal keys give equal draws."""
        # repr keeps 1 and "1", and ("a", "b") and ("a/b",), apart
        name = repr((self.seed, *self.path)).encode()
        words = np.frombuffer(hashlib.blake2b(name, digest_size=16).digest(), dtype="<u8")
        return np.random.Generator(np.random.Philox(key=words))


STREAMS = {  # stream: the word of `--vary` that it goes with
    "split": "split",
    "clean_subset": "split",
    "init": "init",
    "order": "order",
    "method": "order",
    "network": "order",  # what a network that is not ours draws while it trains
}
FIXED_SEED = 0  # of the streams that do not vary


@dataclass(frozen=True)
class RunKey(Key):
    """The key of a run, whose streams depend on its seed only where they are to vary.

    `run_key / "init"` has the run's seed where `varies` contains "init", and a seed that all runs share otherwise. The
    masks of dropout and the like, the stream "method", go with the order of the images.
    """

    varies: frozenset[str] = frozenset(STREAMS.values())

    def __truediv__(self, part: str | int) -> Key:
        """Return the key of a stream; raises `KeyError` for a stream that nobody knows."""
        return Key(self.seed if STREAMS[str(part)] in self.varies else FIXED_SEED) / part


def run_key(seed: int, vary: Collection[str]) -> RunKey:
    """Return the key of the run with that seed, of whose streams those in `vary` vary."""
    return RunKey(seed, varies=frozenset(vary))
