"""A study that is half done, made of a finished one."""

import shutil
from pathlib import Path

from overfitlab.records.study_folder import StudyFolder


def half_done(folder: Path) -> None:
    """Let a finished study be one that was interrupted in its last two runs, one of which is at its second epoch."""
    study = StudyFolder(folder)
    (folder / "verdict.json").unlink()
    shutil.rmtree(folder / "report", ignore_errors=True)
    *_, current, last = study.runs()
    shutil.rmtree(last.path)
    record = current.record()
    record.status, record.result, record.files = "running", None, {}
    current.write_record(record)
    lines = (current / "history.csv").read_text().splitlines(keepends=True)
    (current / "history.csv").unlink()
    (current / "epochs.csv").write_text("".join(lines[:3]) + lines[3][:10])  # a line that is being written
    of_study = study.record()
    of_study.status = "interrupted"
    study.write_record(of_study)
