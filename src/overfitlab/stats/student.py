"""Student's t and chi squared: what `scipy.stats` says of them, from the functions that it calls itself.

To import `scipy.stats` takes longer than a verdict, and every command and each worker of a study would wait for it.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]


def below(t: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the probability that Student's t with so many degrees of freedom is at most `t`; NaN for none."""
    return np.asarray(special.stdtr(freedom, t))


def above(t: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the probability that it is above `t`, exact in the far tail too."""
    return below(-np.asarray(t), freedom)


def quantile(probability: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the value that it does not exceed with that probability, above 0 and at most 1."""
    return np.asarray(special.stdtrit(freedom, probability))


def chi_squared_quantile(probability: ArrayLike, freedom: ArrayLike) -> Floats:
    """Return the value that chi squared with so many degrees of freedom does not exceed with that probability."""
    return np.asarray(2 * special.gammaincinv(np.asarray(freedom) / 2, probability))
