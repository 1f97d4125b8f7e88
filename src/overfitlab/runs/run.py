"""A finished (or interrupted) run, read from its folder."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.records import history
from overfitlab.records.lookup import by_name_or_id
from overfitlab.records.run_folder import FINISHED, HISTORY, INTERRUPTED, RECORD, RUNNING, RunFolder
from overfitlab.records.study_folder import RUNS
from overfitlab.results.gap import gaps
from overfitlab.results.history import EpochRow, columns
from overfitlab.results.onset import onset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = ("loss", "acc", "balanced_acc")
NEAR_CHANCE = 1.5  # times the accuracy of guessing
SLIGHT_RISE = 1.1  # times the lowest validation loss: less than that is no more than noise from epoch to epoch


@dataclass(frozen=True, repr=False)
class Run:
    """One training: `folder` is where it lies, `record` the content of its `run.json`."""

    folder: Path
    record: dict[str, Any]
    rows: list[EpochRow]

    @property
    def history(self) -> dict[str, list[float]]:
        """Lists over the epochs, as Keras's `History.history`: seconds, loss, acc, val_loss, val_acc.

        Under a protocol with clean metrics also train_loss and train_acc, on training images in evaluation mode.
        """
        return {name: [getattr(row, name) for row in self.rows] for name in columns(self.rows)[1:]}

    @property
    def measured(self) -> dict[str, dict[str, dict[str, float]]]:
        """Loss, acc and balanced_acc of whole parts: `measured["end"]["test"]["acc"]`.

        "end" stands for the weights that the method hands over, and "onset", under a protocol with clean metrics, for
        those of the epoch with the lowest validation loss; the parts are "training", "validation", "test", or
        validation alone.
        """
        found: dict[str, dict[str, dict[str, float]]] = self.record.get("result", {}).get("measured", {})
        return found

    @property
    def handed_over(self) -> int:
        """The epoch whose weights were handed over: the last one, unless the method goes back to another."""
        epoch: int | None = self.record.get("result", {}).get("handed_over")
        return len(self.rows) if epoch is None else epoch

    @property
    def stopped_early(self) -> bool:
        """Whether the method ended the training before the last epoch of the protocol."""
        return bool(self.record["status"] == FINISHED) and len(self.rows) < self._planned_epochs

    @property
    def onset(self) -> int | None:
        """The epoch with the lowest validation loss; what comes after it is overfitting."""
        lowest = onset(self.rows)
        return None if lowest is None else lowest.epoch

    def figure(self) -> "Figure":
        """Return the learning curves as a matplotlib figure, which a Jupyter notebook displays by itself."""
        from overfitlab.report.figures import learning_curves

        return learning_curves(self.rows, title=self.title)

    @property
    def title(self) -> str:
        """What was trained, in a few words."""
        config = self.record["config"]
        return f"{self.record['method']} on {config['data']}, seed {config['seed']}"

    @property
    def _planned_epochs(self) -> int:
        """As many as the protocol has; as many as there are where a record does not say."""
        epochs: int = self.record["config"]["protocol"].get("epochs", len(self.rows))
        return epochs

    def summary(self) -> str:
        """Return what the curves show, in one sentence, and in another one whose weights were handed over."""
        return " ".join(filter(None, (self._shown_by_curves(), self._ending())))

    def _ending(self) -> str:
        if self.stopped_early:
            return (
                f"{self.record['method']} stopped the training after epoch {len(self.rows)} of "
                f"{self._planned_epochs}; the weights are those of epoch {self.handed_over}."
            )
        if self.handed_over != len(self.rows):
            return f"The weights are those of epoch {self.handed_over}."
        return ""

    def _shown_by_curves(self) -> str:
        lowest = onset(self.rows)
        if lowest is None:
            return "No epoch has a finite validation loss."
        last = self.rows[-1]
        loss, acc, prefix = last.loss, last.acc, ""
        if last.train_loss is not None and last.train_acc is not None:
            loss, acc, prefix = last.train_loss, last.train_acc, "train_"
        best = f"Lowest val_loss {lowest.val_loss:.4f} in epoch {lowest.epoch} (val_acc {lowest.val_acc:.4f})"
        end = (
            f"by epoch {last.epoch} val_loss is {last.val_loss:.4f} ({prefix}loss {loss:.4f}) "
            f"and val_acc {last.val_acc:.4f} ({prefix}acc {acc:.4f})"
        )
        if last.epoch == lowest.epoch:
            return f"{best}, the last one: no overfitting seen yet."
        chance = NEAR_CHANCE / len(self.record["data"]["classes"])
        if lowest.val_acc < chance and last.val_acc < chance:
            return f"{best}, still near chance: too early to speak of overfitting; {end}.{self._warming_up()}"
        if loss >= last.val_loss:
            return f"{best}; {end}: training is no better than validation, so no overfitting seen."
        if last.val_loss < SLIGHT_RISE * lowest.val_loss:
            return f"{best}; {end}: val_loss has risen by less than a tenth since, which may be noise."
        return f"{best}: the onset of overfitting; {end}."

    def _warming_up(self) -> str:
        """Return why a network that learns can evaluate at chance level, where that is the likely reason."""
        config = self.record["config"]
        if "batch_norm" not in config["method"] or config["protocol"].get("batch_norm_warm_up"):
            return ""
        return (
            " In the first few hundred steps the moving averages of batch normalization still remember where they "
            "began, as in Keras; more epochs, or --protocol clean, change that."
        )

    def table(self) -> str:
        """Return `measured` as a table, with the generalization gaps; empty where training images were not measured."""
        lines = []
        for moment, parts in self.measured.items():
            same_weights = moment == "onset" and self.onset == self.handed_over
            if "training" not in parts or same_weights:
                continue
            epoch = self.onset if moment == "onset" else self.handed_over
            lines.append(_row(f"{moment} (epoch {epoch})", "loss", "acc", "balanced acc", "images"))
            for part, found in parts.items():
                numbers = (f"{found[name]:.4f}" if found[name] is not None else "-" for name in MEASURES)
                lines.append(_row(f"  {part}", *numbers, f"{found['images']:,}"))
            both = [parts[part] for part in ("training", "validation") if part in parts]
            if len(both) == 2 and not any(found[name] is None for found in both for name in MEASURES):
                gap = gaps(*both)
                lines.append(_row("  gap", *(f"{gap[name]:+.4f}" for name in MEASURES), ""))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Run {self.title}: {self.record['status']}, {len(self.rows)} epochs, in {self.folder}>"


def _row(name: str, *cells: str) -> str:
    return (f"{name:20}" + "".join(f"{cell:>14}" for cell in cells)).rstrip()


def load_run(folder: str | Path) -> Run:
    """Return the run in `folder`; raises `OverfitlabError` where there is none, or it is damaged."""
    run_folder = RunFolder(Path(folder))
    record = run_folder.record()
    if record["status"] in (RUNNING, INTERRUPTED) and not (run_folder / HISTORY).exists():
        raise OverfitlabError(f"{folder} has no finished epoch yet; repeat the command that began it")
    return Run(run_folder.path, record, history.read_csv(run_folder / HISTORY, record["files"].get(HISTORY)))


def find_run(text: str | Path, runs: Path = Path("runs")) -> Run:
    """Return the run that `text` names: a folder, the name of a folder below `runs`, or the beginning of a run's id.

    Raises `UsageError` where there is no such run, or more than one, and `OverfitlabError` where it is damaged.
    """
    given = Path(text)
    with contextlib.suppress(RuntimeError):  # ~somebody who does not exist: then it is a name
        given = given.expanduser()
    try:
        folders = [folder for folder in (given, runs / given) if folder.is_dir()]
        is_file = given.is_file()
    except (OSError, ValueError) as error:  # no folder can have that name, or it may not be looked at
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{str(text)!r} cannot be looked at ({reason}); name a run's folder") from None
    if folders:
        return load_run(folders[0])
    if is_file:
        raise UsageError(f"{given} is a file; name the run's folder")
    # single ones, and those of studies
    records = sorted([*runs.glob(f"*/{RECORD}"), *runs.glob(f"*/{RUNS}/*/{RECORD}")])
    there = {record.parent.name: record.parent for record in records}
    hint = "name a run's folder, or a folder or an id below runs/"
    return load_run(by_name_or_id(str(text), there, lambda folder: RunFolder(folder).record(), ("run", "runs"), hint))
