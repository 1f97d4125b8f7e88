"""A study, read from its folder."""

import contextlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overfitlab.config import LARGEST_IMAGE, SMALLEST_IMAGE, Protocol, StudyConfig
from overfitlab.errors import OverfitlabError, UsageError, unknown_name
from overfitlab.files import display_name, user_path
from overfitlab.records import index
from overfitlab.records.index import Entry
from overfitlab.records.lookup import by_name_or_id
from overfitlab.records.run_folder import RECORD as RUN_RECORD
from overfitlab.records.study_folder import RECORD, REPORT, STATUSES, StudyFolder
from overfitlab.runs.run import Run
from overfitlab.study.judging import Verdict, judge, outcomes
from overfitlab.study.plan import StudyPlan, alpha_of_a_look
from overfitlab.study.rows import HISTORY_COLUMNS, RUN_COLUMNS, history_rows, run_rows

if TYPE_CHECKING:
    import pandas

    from overfitlab.report.figures import DisplayedFigure


@dataclass(frozen=True, repr=False)
class Study:
    """Methods over paired seeds: `folder` is where they lie, `record` the content of `study.json`."""

    folder: Path
    record: dict[str, Any]
    entries: list[Entry]

    @cached_property
    def config(self) -> StudyConfig:
        """What was asked for; raises `OverfitlabError` where the record is damaged."""
        return config_from(self.record["config"])

    @cached_property
    def plan(self) -> StudyPlan:
        """What that led to; raises `OverfitlabError` where the record is damaged."""
        return StudyPlan.from_dict(self.record["plan"])

    @property
    def status(self) -> str:
        """`"running"`, `"interrupted"` or `"finished"`; one that was killed still says that it runs."""
        status: str = self.record["status"]
        return status

    @property
    def labels(self) -> dict[str, str]:
        """What each method is called, for people."""
        return {method: display_name(label) for method, label in self.record["labels"].items()}

    @property
    def runs(self) -> list[Run]:
        """All runs that have begun, by the names of their folders."""
        folder = StudyFolder(self.folder)
        return [Run(folder.run(entry.name).path, entry.record, entry.rows) for entry in self.entries]

    @property
    def look(self) -> int:
        """The look that the runs belong to, from 1: the last one that has been begun."""
        look: int = self.record["look"]
        return look

    def verdict(self) -> "pandas.DataFrame":
        """Return what the study says, a row for each contrast; while runs are missing, without words and p.

        The index is method and against. On two axes, `accuracy` (of the test images) and `gap`, the columns are
        `_difference` (method minus against, points), `_low` and `_high` (95 % interval, points), `_p` (adjusted, from
        0 to 1), `_verdict` (helps, equivalent, harms, undecided), `_reason` and `_p_sign_flip`; besides them `n`,
        `accuracy_low_images` and `accuracy_high_images` (the interval with the noise of the test images),
        `gap_at_equal_fit` (points) and `time_ratio`. docs/statistics.md says how all this is found.

        Raises `OverfitlabError` where a file of a run is damaged.
        """
        from overfitlab.study.frames import verdict_frame

        return verdict_frame(self.judged().as_dict())

    def results(self) -> "pandas.DataFrame":
        """Return a row for each run that has ended: the columns of `runs.csv` (docs/report.md).

        Accuracies and gaps are fractions from 0 to 1, losses nats.
        """
        from overfitlab.study.frames import frame

        return frame(run_rows(self.entries, self.labels, self.record["failures"]), RUN_COLUMNS)

    def history(self) -> "pandas.DataFrame":
        """Return a row for each epoch of each run that has ended: method, seed, epoch, seconds, loss, acc, and so on.

        `loss` and `acc` are what a progress bar shows; `train_` and `val_` are clean and in evaluation mode, nats and
        fractions from 0 to 1.
        """
        from overfitlab.study.frames import frame

        return frame(history_rows(self.entries, self.labels), HISTORY_COLUMNS)

    def evidence(self) -> dict[str, Any]:
        """Return the verdict with all numbers behind it, as plain JSON values: what a report is made from.

        Raises `OverfitlabError` where a file of a run is damaged.
        """
        from overfitlab.study.evidence import evidence

        verdict = self.judged()
        last = self.config.first_seed + verdict.seeds
        ended = [each for each in outcomes(self.entries) if self.config.first_seed <= each.seed < last]
        return evidence(StudyFolder(self.folder), self.record, self.config, self.plan, verdict, ended)

    def figure(self, name: str = "paired_differences", language: str = "en") -> "DisplayedFigure":
        """Return a figure, which a Jupyter notebook displays by itself; `savefig` writes it for a paper.

        Args:
            name: `paired_differences`, `learning_curves`, `gap_curves`, `equal_fit`, `noise`, `cost_and_benefit`,
                `calibration`, `confusion` or `disputed`, as in docs/report.md.
            language: `"en"` or `"ko"`.

        Raises:
            UsageError: there is no such figure or language.
            OverfitlabError: a run is damaged, or the study has nothing to show in that figure.
        """
        from overfitlab.study import reporting
        from overfitlab.words.languages import language_named

        say = language_named(language)
        if name not in reporting.FIGURE_NAMES:
            raise unknown_name("figure", name, reporting.FIGURE_NAMES)
        evidence = self.evidence()
        pictures = reporting.disputed_pictures(self, evidence) if name == reporting.DISPUTED else {}
        figure = reporting.figure_of(name, evidence, pictures, say)
        if figure is None:
            raise OverfitlabError(f"the study {self.folder} has nothing to show in the figure {name}")
        return figure

    def report(self, out: str | Path | None = None, language: str = "en") -> Path:
        """Write the report: a page to read and pass on, Markdown, figures, tables, and every number behind them.

        Args:
            out: the folder; None for `report` in the study's folder.
            language: `"en"` or `"ko"`.

        Returns:
            The path of its page, `report.html`.

        Raises:
            UsageError: the language is unknown, or the folder holds other files.
            OverfitlabError: a run is damaged.
            OSError: the disk refuses.
        """
        from overfitlab.study.reporting import write_report

        return write_report(self, self.folder / REPORT if out is None else user_path(out), language)

    def judged(self) -> Verdict:
        """Return what the runs say, provisionally while some are missing.

        For each contrast: does the method generalize better, and does it overfit less; docs/statistics.md says how.
        Raises `OverfitlabError` where a file of a run is damaged.
        """
        return judge(
            StudyFolder(self.folder),
            self.config,
            self.labels,
            self.entries,
            looks=self.plan.looks,
            look=self.look,
            alpha=alpha_of_a_look(self.plan.looks),
            failed=len(self.record["failures"]),
        )

    def _repr_markdown_(self) -> str:
        """Return what a Jupyter notebook shows of it: the answer, and the table of contrasts."""
        from overfitlab.report.markdown import escaped, table
        from overfitlab.report.study_sentences import headline
        from overfitlab.report.study_tables import contrast_table

        verdict = self.judged().as_dict()
        return f"{escaped(headline(verdict))}\n\n{table(contrast_table(verdict))}"

    def __repr__(self) -> str:
        return (
            f"<Study of {', '.join(self.labels.values())}: {self.status}, {len(self.entries)} runs, in {self.folder}>"
        )


def config_from(values: dict[str, Any]) -> StudyConfig:
    """Return the configuration that a record holds; raises `OverfitlabError` where it is damaged."""
    try:
        looks, size = values["looks"], values["image_size"]
        changed = {
            "protocol": Protocol.from_dict(values["protocol"]),
            "methods": _texts(values["methods"]),
            "contrasts": tuple((method, against) for method, against in map(_texts, values["contrasts"])),
            "looks": looks and tuple(looks),
            "given": _texts(values["given"]),
            "image_size": size and tuple(size),
        }
        return StudyConfig(**(values | changed))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise OverfitlabError(f"the configuration of this study is damaged ({error}); move its folder away") from None


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not values == [str(value) for value in values]:
        raise TypeError("it has no list of texts")
    return tuple(values)


def load_study(folder: str | Path) -> Study:
    """Return the study in `folder`, finished or not; `~` is one's home.

    Raises `OverfitlabError` where there is no study, or it is damaged.
    """
    path = user_path(folder)
    study = StudyFolder(path)
    record = study.record()
    check(record)
    return Study(path, record, index.entries(study))


def check(record: dict[str, Any]) -> None:
    """Raise `OverfitlabError` where a record that is shaped like one cannot be that of a study."""
    config, plan = config_from(record["config"]), StudyPlan.from_dict(record["plan"])
    data = record["data"]
    sound = (
        all(isinstance(record["labels"].get(method), str) for method in config.methods)
        and all(method in plan.costs for method in config.methods)
        and all(method in config.methods for pair in config.contrasts for method in pair)
        and 1 <= record["look"] <= len(plan.looks)
        and all(isinstance(data.get(name), str) for name in ("name", "source", "sha256"))
        and all(isinstance(data.get(name), str | None) for name in ("data_dir", "note"))
        and isinstance(config.model, str)
        and all(
            isinstance(failure, dict) and isinstance(failure.get("reason"), str)
            for failure in record["failures"].values()
        )
        and all(isinstance(note, str) for note in (*record["notes"], *record["plan"]["gave_up"]))
        and record["status"] in STATUSES
        and isinstance(data.get("classes"), list)
        and all(isinstance(name, str) for name in data["classes"])
        and all(isinstance(session, dict) for session in record["sessions"])
        and _is_size(record.get("image_size"))
    )
    if not sound:
        raise OverfitlabError(
            "the record of this study is damaged (its entries do not go together); move its folder away"
        )


def _is_size(found: Any) -> bool:
    """Return whether that is what images can be resized to, or None for the size that they have."""
    return found is None or (
        isinstance(found, list)
        and len(found) == 2
        and all(isinstance(side, int) and SMALLEST_IMAGE <= side <= LARGEST_IMAGE for side in found)
    )


def find_study(text: str | Path, runs: Path = Path("runs")) -> Study:
    """Return the study that `text` names: a folder, the name of one below `runs`, or the beginning of a study's id.

    Raises `UsageError` where there is no such study, or more than one, and `OverfitlabError` where it is damaged.
    """
    given = Path(text)
    with contextlib.suppress(RuntimeError):  # ~somebody who does not exist: then it is a name
        given = given.expanduser()
    run = None
    for folder in (given, runs / given):
        with contextlib.suppress(OSError, ValueError):  # no folder can have that name
            if (folder / RECORD).is_file():
                return load_study(folder)
            run = run or (folder if (folder / RUN_RECORD).is_file() else None)
    if run is not None:
        raise UsageError(f"{run} is a run, not a study; overfitlab evaluate says how good it is")
    hint = "overfitlab list shows what there is"
    kinds = ("study", "studies")
    return load_study(by_name_or_id(str(text), studies(runs), lambda folder: StudyFolder(folder).record(), kinds, hint))


def studies(runs: Path = Path("runs")) -> dict[str, Path]:
    """Return the folders of all studies below `runs`, by name."""
    return {path.parent.name: path.parent for path in sorted(runs.glob(f"*/{RECORD}"))}
