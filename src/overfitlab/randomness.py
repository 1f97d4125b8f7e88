"""Every random draw is a pure function of (seed, stream, epoch, step).

A `Key` names a draw by its path, for example `Key(3) / "order" / 7`: seed 3, stream "order", epoch 7. The path is
hashed to 128 bits that key NumPy's counter-based Philox generator (Salmon et al., 2011, "Parallel random numbers:
as easy as 1, 2, 3"). Nothing has to be saved to resume a run, and no draw shifts another: a method that draws
more numbers leaves the batch order and the initial weights as they were.
"""

import hashlib
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
