"""A study, read from its folder."""

import contextlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from overfitlab.config import StudyConfig
from overfitlab.display import display_name
from overfitlab.errors import UsageError
from overfitlab.files import text_of, user_path
from overfitlab.models.handed import Handed
from overfitlab.records.lookup import by_name_or_id
from overfitlab.records.run_folder import PROBABILITIES, StoredRun
from overfitlab.records.run_folder import RECORD as RUN_RECORD
from overfitlab.records.study_folder import RECORD, StudyFolder
from overfitlab.records.study_record import StudyPlan, StudyRecord
from overfitlab.results.outcome import Outcome
from overfitlab.stats.design import Design
from overfitlab.stats.verdict import Verdict, compute_verdict
from overfitlab.study.evidence import Evidence
from overfitlab.study.gathering import gathered
from overfitlab.study.outcomes import outcomes
from overfitlab.study.plan import asked


@dataclass(frozen=True, repr=False)
class Study:
    """Methods over paired seeds: `folder` is where they lie, `record` what `study.json` says, `stored` its runs."""

    folder: Path
    record: StudyRecord
    stored: list[StoredRun]
    handed: Handed | None = None  # its network, where this process was given it

    @property
    def config(self) -> StudyConfig:
        """What was asked for."""
        return self.record.config

    @property
    def plan(self) -> StudyPlan:
        """What that led to."""
        return self.record.plan

    @property
    def status(self) -> str:
        """`"running"`, `"interrupted"` or `"finished"`; one that was killed still says that it runs."""
        return self.record.status

    @property
    def labels(self) -> dict[str, str]:
        """What each method is called, for people; the baseline first."""
        return self.record.labels

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """The runs that have ended; raises `DamagedError` where a file of one is damaged."""
        return outcomes(StudyFolder(self.folder), self.stored, self.config.metric)

    @cached_property
    def design(self) -> Design:
        """What is compared with what at the look that the runs belong to: the last one that has been begun."""
        found = asked(self.config, self.plan, self.record.look, self.labels)
        return replace(
            found,
            name=display_name(self.folder.absolute().name),
            test_classes=self._class_images("test", self.plan.parts.test),
            validation_classes=self._class_images("validation", self.plan.parts.validation),
        )

    def _class_images(self, part: str, images: int) -> list[int] | None:
        """Return about how many images of a part each class has; a budget can have made the part smaller."""
        counts = self.record.data.class_images.get(part, [])
        total = sum(counts)
        return [max(1, count * images // total) if count else 0 for count in counts] if total else None

    @cached_property
    def _verdict(self) -> Verdict:
        return compute_verdict(self.outcomes, self.design, given_up=self.record.given_up)

    def judged(self) -> Verdict:
        """Return what the runs say, provisionally while some are missing.

        For each contrast: does the method generalize better, and does it overfit less; docs/statistics.md says how.
        Raises `DamagedError` where a file of a run is damaged.
        """
        return self._verdict

    def evidence(self) -> Evidence:
        """Return the verdict with all numbers behind it: what a report is made from.

        Raises `DamagedError` where a file of a run is damaged.
        """
        ended = [each for each in self.outcomes if each.seed in self.design.seeds]
        checksums = {run.name: run.record.files.get(PROBABILITIES, "") for run in self.stored}
        return gathered(StudyFolder(self.folder), self.record, self.judged(), ended, checksums)

    def __repr__(self) -> str:
        return f"<Study of {', '.join(self.labels.values())}: {self.status}, {len(self.stored)} runs, in {self.folder}>"


def load_study(folder: str | Path) -> Study:
    """Return the study in `folder`, finished or not; `~` is one's home.

    Raises `OverfitlabError` where there is no study, `DamagedError` where it is damaged.
    """
    path = user_path(folder, "study")
    study = StudyFolder(path)
    return Study(path, study.record(), study.stored())


def find_study(text: str | Path, runs: Path = Path("runs")) -> Study:
    """Return the study that `text` names: a folder, the name of one below `runs`, or the beginning of a study's id.

    Raises `UsageError` where there is no such study, or more than one, and `DamagedError` where it is damaged.
    """
    given, runs = Path(text_of("study", text)), Path(text_of("runs", runs))
    with contextlib.suppress(RuntimeError):  # ~somebody who does not exist: then it is a name
        given = given.expanduser()
    run = None
    for folder in (given, runs / given):
        with contextlib.suppress(OSError, ValueError):  # no folder can have that name
            if (folder / RECORD).is_file():
                return load_study(folder)
            run = run or (folder if (folder / RUN_RECORD).is_file() else None)
    if run is not None:
        raise UsageError(
            "run_is_no_study", "{run} is a run, not a study; overfitlab evaluate shows how good it is", run=run
        )
    hint = "overfitlab list shows what there is"
    kinds = ("study", "studies")
    return load_study(
        by_name_or_id(str(text), studies(runs), lambda folder: StudyFolder(folder).record().id, kinds, hint)
    )


def studies(runs: Path = Path("runs")) -> dict[str, Path]:
    """Return the folders of all studies below `runs`, by name."""
    return {path.parent.name: path.parent for path in sorted(runs.glob(f"*/{RECORD}"))}
