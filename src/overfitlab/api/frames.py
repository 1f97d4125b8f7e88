"""A study as data frames of pandas."""

from collections.abc import Mapping, Sequence

import pandas

from overfitlab.stats.verdict import Verdict
from overfitlab.study import contrasts

WHOLE = ("seed", "epoch", "onset", "best_epoch", "epochs", "parameters", "peak_memory_mb")
YES_OR_NO = ("stopped_early",)
INDEX = ["method", "against"]


def verdict_frame(verdict: Verdict) -> pandas.DataFrame:
    """Return a row for each contrast, with the columns of `contrasts.csv`."""
    found = pandas.DataFrame(contrasts.contrast_rows(verdict), columns=list(contrasts.CONTRAST_COLUMNS))
    texts = (*INDEX, *contrasts.TEXTS)
    kinds = {
        name: "Int64" if name in contrasts.WHOLE else "float64" for name in found.columns if name not in texts
    }  # also where none of them is known
    return found.astype(kinds).set_index(INDEX)


def frame(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> pandas.DataFrame:
    """Return rows as a data frame; whole numbers stay whole where some are not known."""
    kinds = {name: "Int64" for name in WHOLE if name in columns} | {
        name: "boolean" for name in YES_OR_NO if name in columns
    }
    return pandas.DataFrame(rows, columns=list(columns)).astype(kinds)
