"""A run as the public API gives it: the values of its folder, and how they look and read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from overfitlab.files import user_path
from overfitlab.models.handed import Handed, Model
from overfitlab.records.study_folder import REPORT
from overfitlab.report.run_text import run_summary, run_table
from overfitlab.runs import run as room
from overfitlab.words.languages import spoken

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

    from overfitlab.inference.prediction import Predictions
    from overfitlab.inference.preprocess import Preprocess


class Run(room.Run):
    """One training: `folder` is where it lies, `record` what its `run.json` says, `rows` its epochs."""

    @property
    def measured(self) -> dict[str, dict[str, dict[str, float]]]:
        """Loss, acc and balanced_acc of whole parts: `measured["end"]["test"]["acc"]`.

        "end" stands for the final weights of the method, and "onset", under a protocol with clean metrics, for
        those of the epoch with the lowest validation loss; the parts are "training", "validation", "test", or
        validation alone. A loss that is not finite is None.
        """
        found: dict[str, dict[str, dict[str, float]]] = msgspec.to_builtins(self.record.measured)
        return found

    def predict(self, images: Any, **options: Any) -> "Predictions":
        """Return the class probabilities of images: `overfitlab.predict` of this run, with its `options`."""
        from overfitlab.api.predicting import predict

        return predict(self, images, **options)

    def figure(self) -> "Figure":
        """Return the learning curves as a matplotlib figure, which a Jupyter notebook displays by itself."""
        from overfitlab.report.run_figure import learning_curves

        return learning_curves(self.rows, title=self.title)

    def summary(self) -> str:
        """Return what the curves show, in one sentence, and in another one which weights were kept."""
        return run_summary(self, spoken())

    def table(self) -> str:
        """Return `measured` as a table, with the generalization gaps; empty where training images were not measured."""
        return run_table(self, spoken())

    def report(self, out: str | Path | None = None, language: str | None = None) -> Path:
        """Write the report of this run: a page to read and pass on, Markdown, figures, and every number behind them.

        Args:
            out: the folder; None for `report` in the run's folder.
            language: `"en"` or `"ko"`; None for both. Each has files of its own: `report.html`, `report.ko.html`.

        Returns:
            The path of its page; of two, that of the language that is spoken here.

        Raises:
            UsageError: the language is unknown, or the folder holds other files.
            DamagedError: a file of the run is damaged.
            OSError: the disk refuses.
        """
        from overfitlab.api.run_reporting import write_run_report

        return write_run_report(self, self.folder / REPORT if out is None else user_path(out), language)

    def model(self, network: Model | None = None) -> "nn.Module":
        """Return the trained network in evaluation mode, with what the method inserted: it predicts as `predict` does.

        It takes standardized images, float32 [B, C, H, W], which `preprocess` makes, and returns logits [B, K]. To go
        on training, load `weights.safetensors` into your own network instead: here each step has to be told
        (`model.at(epoch, step)`), since all that is random is drawn by it.

        Args:
            network: the user's own, for a run that was trained with one and read from its folder: a run's folder may
                come from anybody, and to build a network is to run a program. None where `train` returned this run.

        Raises:
            UsageError: a network of the user's own and no `network`.
            DamagedError: the run's files are missing or damaged.
            OverfitlabError: it has not finished, or the user's own network is another one by now.
        """
        from overfitlab.inference.trained import trained_network

        return trained_network(self, network)

    @property
    def preprocess(self) -> "Preprocess":
        """What makes of a picture, an array or a tensor the images that `model` takes: size, mean and deviation."""
        from overfitlab.inference.preprocess import preprocess_of

        return preprocess_of(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it: what its curves say, and the curves."""
        from overfitlab.notebook.shown import run_html

        return run_html(self, spoken())

    def document(self) -> dict[str, Any]:
        """Return folder and record as plain JSON values."""
        values: dict[str, Any] = msgspec.to_builtins(self.record)
        return {"folder": str(self.folder), **values}


def shown(run: room.Run, handed: Handed | None = None) -> Run:
    """Return a run with all that can be done with it; `handed` is its network, where this process was given it."""
    return Run(run.folder, run.record, run.rows, handed or run.handed)


def load_run(folder: str | Path) -> Run:
    """Return the run in `folder`.

    Raises `OverfitlabError` where there is none, or none of its epochs has finished, and `DamagedError`.
    """
    return shown(room.load_run(folder))


def find_run(text: str | Path, runs: Path = Path("runs")) -> Run:
    """Return the run that `text` names: a folder, the name of a folder below `runs`, or the beginning of a run's id.

    Raises `UsageError` where there is no such run, or more than one, and `DamagedError` where it is damaged.
    """
    return shown(room.find_run(text, runs))
