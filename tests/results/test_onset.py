"""The onset is the epoch of the lowest validation loss."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from overfitlab.results.history import EpochRow
from overfitlab.results.onset import onset


def rows(losses):
    return [EpochRow(n, 1.0, 0.0, 0.0, loss, 0.0) for n, loss in enumerate(losses, start=1)]


@given(st.lists(st.floats(0, 10), min_size=1))
def test_it_is_numpys_argmin(losses):
    assert onset(rows(losses)).epoch == 1 + int(np.argmin(losses))


def test_losses_that_are_no_numbers_are_passed_over():
    assert onset(rows([math.nan, math.inf, 3.0, 2.0, math.nan])).epoch == 4
    assert onset(rows([math.nan])) is None
    assert onset([]) is None
