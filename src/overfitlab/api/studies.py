"""A study as the public API gives it: the values of its folder, and how they look and read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from overfitlab.api.runs import Run
from overfitlab.errors import OverfitlabError
from overfitlab.files import user_path
from overfitlab.models.handed import Handed
from overfitlab.records.study_folder import REPORT, StudyFolder
from overfitlab.study import study as room
from overfitlab.study.ahead import undecided
from overfitlab.study.rows import HISTORY_COLUMNS, RUN_COLUMNS, history_rows, run_rows
from overfitlab.values import check_one_of
from overfitlab.words.languages import spoken

if TYPE_CHECKING:
    import pandas

    from overfitlab.report.figures import DisplayedFigure


class Study(room.Study):
    """Methods over paired seeds: `folder` is where they lie, `record` what `study.json` says."""

    @property
    def runs(self) -> list[Run]:
        """All runs that have begun, by the names of their folders."""
        folder = StudyFolder(self.folder)
        return [Run(folder.run(run.name).path, run.record, run.rows, self.handed) for run in self.stored]

    def verdict(self) -> "pandas.DataFrame":
        """Return what the study says, a row for each contrast; while runs are missing, without words and p.

        The index is method and against; the columns are those of `contrasts.csv` (docs/report.md explains each). On
        two axes, `metric` (of the test images) and `gap`, they are `_difference` (method minus against, in points, of
        a loss in nats), `_low` and `_high` (interval at 1 - `level`), `_verdict` (helps, equivalent, harms,
        undecided), `_margin`,
        `_p_raw`, `_p_adjusted` and so on (from 0 to 1); besides them `n`, `metric_low_other_images` and
        `metric_high_other_images`, `gap_at_equal_fit` (points), `time_ratio` and others. docs/statistics.md says how
        all this is found.

        Raises `DamagedError` where a file of a run is damaged.
        """
        from overfitlab.api.frames import verdict_frame

        return verdict_frame(self.judged())

    def results(self) -> "pandas.DataFrame":
        """Return a row for each run that has ended: the columns of `runs.csv` (docs/report.md).

        Accuracies and gaps are fractions from 0 to 1, losses nats.
        """
        from overfitlab.api.frames import frame

        return frame(run_rows(self.outcomes, self.labels, self.record.failures), RUN_COLUMNS)

    def history(self) -> "pandas.DataFrame":
        """Return a row for each epoch of each run that has ended: method, seed, epoch, seconds, loss, acc, and so on.

        `loss` and `acc` are what a progress bar shows; `train_` and `val_` are clean and in evaluation mode, nats and
        fractions from 0 to 1.
        """
        from overfitlab.api.frames import frame

        return frame(history_rows(self.outcomes, self.labels), HISTORY_COLUMNS)

    def figure(self, name: str = "paired_differences", language: str = "en") -> "DisplayedFigure":
        """Return a figure, which a Jupyter notebook displays by itself; `savefig` writes it for a paper.

        Args:
            name: `paired_differences`, `learning_curves`, `gap_curves`, `equal_fit`, `noise`, `cost_and_benefit`,
                `calibration`, `confusion` or `disputed`, as in docs/report.md.
            language: `"en"` or `"ko"`.

        Raises:
            UsageError: there is no such figure or language.
            DamagedError: a run is damaged.
            OverfitlabError: the study has nothing to show in that figure.
        """
        from overfitlab.api import reporting
        from overfitlab.words.languages import language_named

        say = language_named(language)
        check_one_of("figure", name, reporting.FIGURE_NAMES)
        evidence = self.evidence()
        pictures = reporting.disputed_pictures(self, evidence) if name == reporting.DISPUTED else {}
        figure = reporting.figure_of(name, evidence, pictures, say)
        if figure is None:
            raise OverfitlabError(
                "figure_shows_nothing", "the study {study} has nothing to show in the figure {figure}",
                study=self.folder, figure=name
            )  # fmt: skip
        return figure

    def report(self, out: str | Path | None = None, language: str | None = None) -> Path:
        """Write the report: a page to read and pass on, Markdown, figures, tables, and every number behind them.

        Args:
            out: the folder; None for `report` in the study's folder.
            language: `"en"` or `"ko"`; None for both. Each has files of its own: `report.html`, `report.ko.html`.

        Returns:
            The path of its page; of two, that of the language that is spoken here.

        Raises:
            UsageError: the language is unknown, or the folder holds other files.
            DamagedError: a run is damaged.
            OSError: the disk refuses.
        """
        from overfitlab.api.reporting import write_report

        return write_report(self, self.folder / REPORT if out is None else user_path(out), language)

    def document(self) -> dict[str, Any]:
        """Return folder, verdict, what would decide the rest, and record as plain JSON values."""
        values: dict[str, Any] = msgspec.to_builtins(self.record)
        verdict, ahead = self.judged(), undecided(self.judged(), self.record)
        said = {"verdict": msgspec.to_builtins(verdict), "ahead": msgspec.to_builtins(ahead)}
        return {"folder": str(self.folder), **said, **values}

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it: the answer, the table of contrasts, and all validation losses."""
        from overfitlab.notebook.shown import study_html

        return study_html(self, spoken())

    def _repr_markdown_(self) -> str:
        """Return the same as text, for a notebook that shows no HTML: the answer, and the table of contrasts."""
        from overfitlab.report.markdown import escaped, table
        from overfitlab.report.study_sentences import headline
        from overfitlab.report.study_tables import contrast_table

        verdict, say = self.judged(), spoken()
        answer = escaped(headline(verdict, say))
        return f"{answer}\n\n{table(contrast_table(verdict, say))}" if verdict.contrasts else answer


def shown(study: room.Study, handed: Handed | None = None) -> Study:
    """Return a study with all that can be done with it; `handed` is its network, where this process was given it."""
    return Study(study.folder, study.record, study.stored, handed or study.handed)


def load_study(folder: str | Path) -> Study:
    """Return the study in `folder`, finished or not; `~` is one's home.

    Raises `OverfitlabError` where there is no study, `DamagedError` where it is damaged.
    """
    return shown(room.load_study(folder))


def find_study(text: str | Path, runs: Path = Path("runs")) -> Study:
    """Return the study that `text` names: a folder, the name of one below `runs`, or the beginning of a study's id.

    Raises `UsageError` where there is no such study, or more than one, and `DamagedError` where it is damaged.
    """
    return shown(room.find_study(text, runs))
