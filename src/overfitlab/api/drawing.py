"""The figures beside a run or a study: its curves, and the images that are nearly the same."""

from collections.abc import Sequence
from pathlib import Path

from overfitlab.api.runs import Run
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.duplicates import near_duplicates
from overfitlab.data.prepare.splits import Split
from overfitlab.data.prepare.twins import NearDuplicates
from overfitlab.files import write_atomically
from overfitlab.records.data_record import DataRecord
from overfitlab.records.run_folder import DUPLICATES, FIGURES


def draw_curves(run: Run, *, again: bool = True) -> None:
    """Draw the learning curves into the run's folder; unless `again`, only where they are missing."""
    from overfitlab.report.figures import rendered  # takes half a second, which is spent once something is to be drawn

    if not again and all((run.folder / name).is_file() for name in FIGURES):
        return
    figure = run.figure()
    for name in FIGURES:
        write_atomically(run.folder / name, rendered(figure, Path(name).suffix.removeprefix(".")))


def draw_duplicates(
    folder: Path, data: DataRecord, dataset: Dataset, split: Split, found: Sequence[NearDuplicates]
) -> None:
    """Draw the near-duplicates of the record into that folder, where there are any and they are not drawn yet.

    They are looked for again where they were not `found` just now.
    """
    if not any(part.found for part in data.near_duplicates.values()) or (folder / DUPLICATES).exists():
        return
    from overfitlab.report.data_figures import duplicate_pairs
    from overfitlab.report.figures import rendered

    pairs = found or near_duplicates(dataset, split)
    write_atomically(folder / DUPLICATES, rendered(duplicate_pairs(dataset, pairs), "png"))
