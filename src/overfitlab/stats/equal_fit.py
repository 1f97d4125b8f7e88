"""The gap at equal fit: how large the gap was when both methods fitted the training images equally well."""

from collections.abc import Sequence
from itertools import pairwise

from overfitlab.results.history import EpochRow


def gap_at(rows: Sequence[EpochRow], fit: float) -> float | None:
    """Return training minus validation accuracy where the clean training accuracy first reaches `fit`.

    Linear between epochs. None where it never does, or is there from the first epoch on.
    """
    for before, after in pairwise(rows):
        if before.train_acc is None or after.train_acc is None:
            return None
        if before.train_acc <= fit <= after.train_acc and after.train_acc > before.train_acc:
            share = (fit - before.train_acc) / (after.train_acc - before.train_acc)
            return fit - (before.val_acc + share * (after.val_acc - before.val_acc))
    return None


def difference_at_equal_fit(rows: Sequence[EpochRow], others: Sequence[EpochRow]) -> float | None:
    """Return the gap of `rows` less that of `others` at the best fit that both reach.

    None where there is no fit that both pass on their way.
    """
    best = [max((row.train_acc for row in each if row.train_acc is not None), default=None) for each in (rows, others)]
    if best[0] is None or best[1] is None:
        return None
    fit = min(best[0], best[1])
    one, other = gap_at(rows, fit), gap_at(others, fit)
    return None if one is None or other is None else one - other
