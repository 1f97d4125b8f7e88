"""A verdict on runs that somebody else trained: from tables and logs of any origin."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overfitlab.arguments import margins as margins_from
from overfitlab.arguments import until_decided as until_from
from overfitlab.config import (
    LARGEST_ALPHA,
    LARGEST_MARGIN,
    LEAST_ALPHA,
    LONGEST_ROUNDS,
    SHORTEST_ROUNDS,
)
from overfitlab.errors import DataError, UsageError
from overfitlab.files import user_path
from overfitlab.interop.cells import Cell, Row, of_value
from overfitlab.interop.evidence import JudgedEvidence
from overfitlab.interop.judging import Asked, Judged
from overfitlab.interop.judging import judge as judge_logs
from overfitlab.interop.logged import Logged, checked
from overfitlab.interop.reading import from_rows, read_sources
from overfitlab.interop.tables import unique
from overfitlab.stats.design import Until
from overfitlab.study.evidence import document
from overfitlab.values import number, shown, whole
from overfitlab.words.languages import spoken

if TYPE_CHECKING:
    import pandas

FRAME = "a data frame"


class Judgment:
    """What runs of others say; `evidence` is the verdict with all numbers behind it."""

    def __init__(self, judged: Judged) -> None:
        self.evidence: JudgedEvidence = judged.evidence
        self._runs = judged.runs

    def verdict(self) -> "pandas.DataFrame":
        """Return a row for each contrast, with the columns of `contrasts.csv` (docs/report.md)."""
        from overfitlab.api.frames import verdict_frame

        return verdict_frame(self.evidence)

    def report(self, out: str | Path, language: str | None = None) -> Path:
        """Write the report into the folder `out`, as that of a study, and return the path of its page.

        In English and Korean, unless `language` names one.

        Raises `UsageError` where the language is unknown or the folder holds other files, `OSError` where the disk
        refuses.
        """
        from overfitlab.api.judged_report import write_judged

        return write_judged(self.evidence, self._runs, user_path(out), language)

    def document(self) -> dict[str, Any]:
        """Return the content of `verdict.json`: plain JSON values."""
        return document(self.evidence)

    def text(self, width: int | None = None) -> str:
        """Return what a screen of so many columns shows; None leaves sentences whole."""
        from overfitlab.report.judged_text import judged_whole

        return judged_whole(self.evidence, spoken(), width)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Judgment of {', '.join(each.label for each in self.evidence.methods)}>"

    def _repr_markdown_(self) -> str:
        """Return what a Jupyter notebook shows of it: the answer, and the table of contrasts."""
        from overfitlab.report.markdown import escaped, table
        from overfitlab.report.study_sentences import headline
        from overfitlab.report.study_tables import contrast_table

        say = spoken()
        return f"{escaped(headline(self.evidence, say))}\n\n{table(contrast_table(self.evidence, say))}"


def judge(
    data: Any,
    *,
    baseline: str | None = None,
    contrasts: Sequence[str] = (),
    metric: str | None = None,
    when: str | None = None,
    images: Any = None,
    until_decided: int | str | None = None,
    equivalence: Any = None,
    alpha: float = 0.05,
    columns: Mapping[str, str] | Sequence[str] = (),
    command: str = "",
    name: str = "",
) -> Judgment:
    """Say of runs of any origin which method helps, and how sure that is: the verdict of a study.

    Args:
        data: a data frame or a list of dictionaries, a row a run or a row an epoch, with columns such as `method`,
            `seed`, `epoch`, `val_acc`, `test_acc`; or the path of a log, or a folder of logs, or a list of paths.
        baseline: the method that the others are compared with; None for one called `none` or `baseline`.
        contrasts: further pairs, `"A:B"`.
        metric: what is judged: `accuracy`, `f1`, `loss`, or a column; `"val_auc:higher"` says which way is better.
        when: `"end"` or `"best"`: the epoch that counts; None for the end.
        images: how many images the metric was measured on, or a pair with those of the validation set in the gap;
            None to find out from the numbers.
        until_decided: the planned maximum of seeds, 6 to 100, or `"none"`, where runs are read again as they arrive.
        equivalence: differences that do not matter, of metric and gap, as in `compare`.
        alpha: level of the tests.
        columns: what columns are that are not recognized: `{"method": "arch", "seed": "rs"}`.
        command: what the report says that it was made by.
        name: of the report.

    Returns:
        The judgment; `str()` of it is what the command prints.

    Raises:
        UsageError: it has to be said what is meant.
        DataError: the runs cannot support a verdict, or a log cannot be read.
    """
    asked = asked_of(
        baseline=baseline, contrasts=contrasts, metric=metric, when=when, images=images, until_decided=until_decided,
        equivalence=equivalence, alpha=alpha, columns=columns, command=command, name=name,
    )  # fmt: skip
    return Judgment(judge_logs(logs_of(data), asked))


def asked_of(
    *,
    baseline: str | None = None,
    contrasts: Sequence[str] = (),
    metric: str | None = None,
    when: str | None = None,
    images: Any = None,
    until_decided: int | str | None = None,
    equivalence: Any = None,
    alpha: float = 0.05,
    columns: Mapping[str, str] | Sequence[str] = (),
    command: str = "",
    name: str = "",
) -> Asked:
    """Return the arguments of `judge` as it needs them; raises `UsageError` for a wrong one."""
    given = [f"{role}={column}" for role, column in columns.items()] if isinstance(columns, Mapping) else [*columns]
    return Asked(
        baseline=baseline, contrasts=tuple(contrasts), metric=metric, when=when, images=_images(images),
        until=_until(until_decided), margins=_margins(equivalence), alpha=_level(alpha), columns=tuple(given),
        command=command, name=name,
    )  # fmt: skip


def logs_of(data: Any) -> list[Logged]:
    """Return the logs that were named, or handed in as a data frame or rows; raises as `judge` does."""
    if isinstance(data, str | os.PathLike):
        return read_sources([os.fspath(data)])
    if isinstance(data, Sequence) and data and all(isinstance(each, str | os.PathLike) for each in data):
        return read_sources([os.fspath(each) for each in data])
    rows = _rows(data)
    if not rows:
        raise DataError("frame_without_rows", "there are no rows to judge")
    names = unique([str(name) for name in dict.fromkeys(key for row in rows for key in row)])
    content = json.dumps(rows, default=str, sort_keys=True)
    logs = from_rows(FRAME, hashlib.sha256(content.encode("utf-8", "replace")).hexdigest(), names, rows)
    return [checked(log) for log in logs]


def _rows(data: Any) -> list[Row]:
    if hasattr(data, "to_dicts"):  # polars
        records = data.to_dicts()
    elif hasattr(data, "to_dict") and hasattr(data, "columns"):
        named = data.reset_index() if any(getattr(data.index, "names", [None])) else data
        records = named.to_dict("records")
    elif isinstance(data, Mapping):
        columns = {name: [*values] for name, values in data.items() if isinstance(values, Iterable)}
        lengths = {len(values) for values in columns.values()}
        records = (
            [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
            if len(lengths) == 1
            else []
        )
    elif isinstance(data, Sequence) and all(isinstance(each, Mapping) for each in data):
        records = [dict(each) for each in data]
    else:
        raise UsageError("nothing_to_judge", "judge takes a data frame, a list of dictionaries, or paths of logs, not "
                         "{value}", value=shown(data))  # fmt: skip
    return [{str(name): _cell(value) for name, value in record.items()} for record in records]


def _cell(value: object) -> Cell:
    found = number(value)
    if found is not None:
        return found
    return of_value(value if isinstance(value, bool | str) or value is None else str(value))


def _images(given: Any) -> tuple[int, ...]:
    if given is None:
        return ()
    words = given.split(",") if isinstance(given, str) else given if isinstance(given, Sequence) else [given]
    found = [int(word) if isinstance(word, str) and word.strip().isdecimal() else whole(word) for word in words]
    if not 1 <= len(found) <= 2 or any(each is None or not 1 <= each <= 10**9 for each in found):
        raise UsageError(
            "no_number_of_images",
            "--images takes the number of images that the metric was measured on, and after a comma that of "
            "validation images: 10000 or 10000,5000; not {value}",
            value=shown(given),
        )  # fmt: skip
    return tuple(each for each in found if each is not None)


def _until(given: int | str | None) -> Until | None:
    if given is None:
        return None
    maximum = until_from(given)
    if maximum == "none":
        return Until(None)
    if not SHORTEST_ROUNDS <= maximum <= LONGEST_ROUNDS:
        raise UsageError(
            "no_maximum_in_range", "--until-decided takes {low} to {high} seeds, or none, not {value}",
            low=SHORTEST_ROUNDS, high=LONGEST_ROUNDS, value=maximum,
        )  # fmt: skip
    return Until(maximum)


def _margins(given: Any) -> tuple[float, float] | None:
    if given is None:
        return None
    found = margins_from(given)
    if not all(0 <= margin <= LARGEST_MARGIN for margin in found):
        raise UsageError("no_margin_in_range", "--equivalence takes sizes from 0 to {most}, not {value}",
                         most=LARGEST_MARGIN, value=shown(given))  # fmt: skip
    return found


def _level(given: float) -> float:
    found = number(given)
    if found is None or not LEAST_ALPHA <= found <= LARGEST_ALPHA:
        raise UsageError("no_level", "--alpha must be from {least} to {most}, not {alpha}",
                         least=LEAST_ALPHA, most=LARGEST_ALPHA, alpha=shown(given))  # fmt: skip
    return found
