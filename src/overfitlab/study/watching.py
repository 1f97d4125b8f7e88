"""A study whose folder is looked at again and again, at little cost, while another process may train it."""

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from overfitlab.config import Protocol
from overfitlab.errors import OverfitlabError
from overfitlab.files import Stamp, stamp_of
from overfitlab.records.claim import is_held
from overfitlab.records.run_folder import RunFolder, StoredRun, live_rows, stored_run
from overfitlab.records.run_record import DIVERGED
from overfitlab.records.run_record import FINISHED as RUN_FINISHED
from overfitlab.records.study_folder import RECORD, RUNS, StudyFolder
from overfitlab.records.study_record import INTERRUPTED, RUNNING, StudyPlan, StudyRecord
from overfitlab.results.history import EpochRow
from overfitlab.results.onset import onset
from overfitlab.results.outcome import Outcome
from overfitlab.stats.verdict import Verdict
from overfitlab.study.cost import run_seconds, study_seconds
from overfitlab.study.evidence import Evidence
from overfitlab.study.gathering import CURVES, gathered
from overfitlab.study.outcomes import outcomes
from overfitlab.study.study import Study
from overfitlab.study.wanted import wanted_in


@dataclass(frozen=True)
class Glance:
    """One run, as far as it has come; `rows` are its epochs so far."""

    name: str
    method: str
    seed: int
    status: str  # of records.run_record.STATUSES
    rows: list[EpochRow]

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to train."""
        return self.status in (RUN_FINISHED, DIVERGED)

    @cached_property
    def columns(self) -> Mapping[str, tuple[float | None, ...]]:
        """What curves are drawn of, a value an epoch; None where nothing finite is known."""
        of_rows = {name: [getattr(row, name) for row in self.rows] for name in CURVES}
        pairs = zip(of_rows["train_acc"], of_rows["val_acc"], strict=True)
        of_rows["gap"] = [None if train is None else train - val for train, val in pairs]
        return {name: tuple(map(_finite, values)) for name, values in of_rows.items()}

    @cached_property
    def onset(self) -> EpochRow | None:
        """The epoch with the lowest validation loss so far."""
        return onset(self.rows)


@dataclass(frozen=True)
class Progress:
    """How far a study has come."""

    ended: int  # runs
    total: int  # that are wanted, as far as is known
    epochs: int  # that were trained
    all_epochs: int
    seconds_left: float | None  # None where nobody trains

    @property
    def share(self) -> float:
        """What is done, from 0 to 1."""
        return min(1.0, self.epochs / self.all_epochs) if self.all_epochs else 0.0


class Watched:
    """What a study's folder says, read anew only where it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder = StudyFolder(path)
        self._stamp: Stamp = None
        self._folders: tuple[Stamp, list[str]] = None, []
        self._stamps: dict[str, tuple[Stamp, Stamp, Stamp]] = {}
        self._stored: dict[str, StoredRun] = {}
        self._glances: dict[str, Glance] = {}
        self._record: StudyRecord | None = None
        self._held: bool | None = None
        self._looked = 0
        self._outcomes: dict[str, Outcome] = {}
        self._evidence: tuple[object, Evidence] | None = None  # and what it was made of
        self._signature: tuple[int, str] = -1, ""
        self.damaged: dict[str, OverfitlabError] = {}  # runs that cannot be read
        self.version = 0  # which grows whenever something has changed

    @property
    def record(self) -> StudyRecord:
        """The study's record; raises what reading it raises."""
        if self._record is None:
            self._record = self._folder.record()
        return self._record

    @property
    def status(self) -> str:
        """`"running"`, `"interrupted"` or `"finished"`; one that was killed is interrupted."""
        status = self.record.status
        return INTERRUPTED if status == RUNNING and self._held is False else status

    @property
    def glances(self) -> list[Glance]:
        """All runs that have begun and can be read, in planned order."""
        order = {method: place for place, method in enumerate(self.record.config.methods)}
        return sorted(self._glances.values(), key=lambda each: (each.seed, order.get(each.method, len(order))))

    def refresh(self) -> bool:
        """Look at the folder, and return whether anything has changed; raises what reading the study's record raises.

        While nothing changes that takes a few calls of the system for each run that is being trained.
        """
        changed = False
        stamp = stamp_of(self.path / RECORD)
        if stamp != self._stamp or self._record is None:
            self._record, self._stamp, changed = self._folder.record(), stamp, True
        if changed or self._looked % 8 == 0:  # a lock is taken for a moment by who looks at it
            held = is_held(self.path) if self._record.status == RUNNING else None
            changed, self._held = changed or held != self._held, held
        everything = changed or self._looked % 40 == 0
        self._looked += 1
        listed = self._folders[0]
        names = self._names(anew=everything)
        everything |= self._folders[0] != listed  # one has come or gone: perhaps under a name that is known
        for name in self._stamps.keys() - set(names):  # somebody removed it, perhaps to begin anew
            changed |= self._forget(name)
        for name in names:
            known = self._glances.get(name)
            if known is None or not known.ended or everything:
                changed |= self._look_at(name)
        if changed:
            self.version += 1
        return changed

    @property
    def signature(self) -> str:
        """What the state is called that was looked at last: whoever looks at the same files calls it the same."""
        if self._signature[0] != self.version:
            said = repr((self._stamp, self._held, sorted(self._stamps.items())))
            self._signature = self.version, hashlib.sha256(said.encode()).hexdigest()[:16]
        return self._signature[1]

    @property
    def known(self) -> object:
        """What the evidence is made of: it is equal as long as there is nothing new but epochs of unfinished runs."""
        return self._stamp, tuple(sorted(name for name, each in self._glances.items() if each.ended))

    def _names(self, *, anew: bool) -> list[str]:
        """Return the folders of runs, read anew where one has come or gone, or in any case."""
        stamp = stamp_of(self.path / RUNS)
        if anew or stamp != self._folders[0]:
            try:
                with os.scandir(self.path / RUNS) as entries:
                    names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
            except OSError:
                names = []
            self._folders = stamp, names
        return self._folders[1]

    def _look_at(self, name: str) -> bool:
        folder = self._folder.run(name)
        stamps = folder.stamps()
        if stamps == self._stamps.get(name):
            return False
        if stamps[0] is None:
            return self._forget(name)
        before = self._stamps.get(name)
        self._stamps[name] = stamps
        self.damaged.pop(name, None)
        try:
            stored = self._stored.get(name)
            if stored is None or before is None or before[0] != stamps[0]:
                stored = stored_run(folder, live=True)
                self._outcomes.pop(name, None)
            else:
                stored = replace(stored, rows=live_rows(folder))
            record = stored.record.own()
        except OverfitlabError as error:
            self.damaged[name] = error
            self._stored.pop(name, None)
            self._glances.pop(name, None)
            return True
        self._stored[name] = stored
        self._glances[name] = Glance(name, record.config.method, record.config.seed, record.status, stored.rows)
        return True

    def _forget(self, name: str) -> bool:
        """Forget a run that is not there any more, and return whether it was known."""
        known = self._stamps.pop(name, None) is not None
        for kept in (self._stored, self._glances, self._outcomes, self.damaged):
            kept.pop(name, None)
        return known

    def study(self) -> Study:
        """Return the study as it was when it was last looked at."""
        return Study(self.path, self.record, [self._stored[name] for name in sorted(self._stored)])

    def folder_of(self, name: str) -> RunFolder:
        """Return the folder of a run that there is; raises `KeyError` for another name."""
        self._stored[name]
        return self._folder.run(name)

    def stored(self, name: str) -> StoredRun:
        """Return a run; raises `KeyError` where there is none of that name."""
        return self._stored[name]

    def ended(self) -> list[Outcome]:
        """Return the runs that have ended, without what they say of single images."""
        for name, stored in self._stored.items():
            if name not in self._outcomes and self._glances[name].ended:
                [self._outcomes[name]] = outcomes(self._folder, [stored], self.record.config.metric, with_images=False)
        return [self._outcomes[name] for name in sorted(self._outcomes.keys() & self._stored.keys())]

    def evidence(self) -> Evidence:
        """Return what is known while the study runs: all but what the networks say of single images."""
        if self._evidence is not None and self._evidence[0] == self.known:
            return self._evidence[1]
        study, ended = self.study(), self.ended()
        verdict: Verdict = wanted_in(study.design).verdict(ended, self.record.given_up)
        counted = [each for each in ended if each.seed in study.design.seeds]
        before = None if self._evidence is None else self._evidence[1].power
        found = gathered(self._folder, self.record, verdict, counted, {}, with_predictions=False, known_power=before)
        self._evidence = self.known, found
        return found

    def progress(self) -> Progress:
        """Return how far the study has come, and how long the rest takes if it goes on as it went."""
        study, record = self.study(), self.record
        plan, jobs = record.plan, max(1, (record.sessions[-1].jobs or 1) if record.sessions else 1)
        wants = wanted_in(study.design).after(self.ended(), record.given_up, jobs)
        glances = {(each.method, each.seed): each for each in self._glances.values()}
        gone = record.given_up | {(each.method, each.seed) for each in record.failures.values()}
        needed = [run for run in wants.needed if run not in gone]
        ended = {run for run, each in glances.items() if each.ended}
        runs = [*needed, *(ended - {*needed})] if study.design.until else needed
        planned = plan.protocol.epochs
        trained = {run: planned if run in ended else len(glances[run].rows) if run in glances else 0 for run in runs}
        left = None
        if self.status == RUNNING:
            scale = self._slowness(plan)
            rest = [scale * run_seconds(plan.costs[run[0]], plan.protocol, plan.parts) * (1 - trained[run] / planned)
                    for run in runs if run not in ended]  # fmt: skip
            left = study_seconds(rest, jobs)
        return Progress(len(ended & {*runs}), len(runs), sum(trained.values()), planned * len(runs), left)

    def _slowness(self, plan: StudyPlan) -> float:
        """Return by what factor epochs take longer than was planned."""
        took = planned = 0.0
        for each in self._glances.values():
            seconds = _epoch_seconds(plan.protocol, plan, each.method)
            took += sum(row.seconds for row in each.rows)
            planned += seconds * len(each.rows)
        return took / planned if took and planned else 1.0


def _epoch_seconds(protocol: Protocol, plan: StudyPlan, method: str) -> float:
    cost = plan.costs[method]
    steps = -(-plan.parts.training // protocol.batch_size)
    return steps * cost.step_seconds + plan.parts.validation * cost.image_seconds


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
