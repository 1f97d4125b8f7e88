"""The onset of overfitting."""

import math

from overfitlab.results.history import EpochRow


def onset(rows: list[EpochRow]) -> EpochRow | None:
    """Return the epoch with the lowest validation loss, the first of equals; what comes after it is overfitting.

    None where no epoch has a finite validation loss.
    """
    finite = [row for row in rows if math.isfinite(row.val_loss)]
    return min(finite, key=lambda row: row.val_loss, default=None)
