"""One session of a study: plan it, or take its plan up again, train what is left, and read the verdict."""

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from overfitlab import machine
from overfitlab.config import Protocol, StudyConfig, fitted
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.duplicates import near_duplicates
from overfitlab.data.prepare.identical import identical
from overfitlab.data.prepare.material import material
from overfitlab.data.prepare.splits import available_for_training
from overfitlab.data.prepare.twins import NearDuplicates
from overfitlab.display import display_name
from overfitlab.errors import CancelledError, OverfitlabError
from overfitlab.events import Listener, MemoryIsLittle, StudyPlanned, StudyStopping, Task
from overfitlab.models.handed import Handed
from overfitlab.models.shipping import Shipment, shipped
from overfitlab.reasons import Reason, reason
from overfitlab.records.run_folder import PROBABILITIES
from overfitlab.records.run_record import DIVERGED, Producer
from overfitlab.records.run_record import FINISHED as RUN_FINISHED
from overfitlab.records.study_folder import LOG, VERDICT, StudyFolder
from overfitlab.records.study_record import (
    FINISHED,
    FORMAT,
    INTERRUPTED,
    RUNNING,
    Cost,
    PartSizes,
    Sitting,
    StudyPlan,
    StudyRecord,
)
from overfitlab.runs import recording
from overfitlab.stats.findings import UNDECIDED
from overfitlab.stats.verdict import Verdict
from overfitlab.study.budget import fit
from overfitlab.study.cost import reduced, whole_study
from overfitlab.study.evidence import document
from overfitlab.study.execute.local import LocalProcesses
from overfitlab.study.execute.messages import Setup
from overfitlab.study.outcomes import outcomes
from overfitlab.study.plan import looks_for, typical_deviations
from overfitlab.study.runner import Runner, measured, run_name
from overfitlab.study.study import Study, studies
from overfitlab.study.wanted import Wanted, wanted_in
from overfitlab.words.languages import spoken

MEMORY_SHARE = 0.7  # of what is free; runs take up to a third more than the few steps of a probe


@dataclass(frozen=True)
class Images:
    """The images of a study, and what its workers need to load the same."""

    dataset: Dataset
    data_dir: Path | None = None  # that the user named
    image_size: tuple[int, int] | None = None
    weights: str | None = None  # a file, to begin with
    network: Handed | None = None  # that all runs train, where it is there already

    def setup(self, network: Shipment | None = None) -> Setup:
        """Return what a worker is told first."""
        return Setup(
            source=self.dataset.source,
            name=self.dataset.name,
            data_dir=str(self.data_dir.absolute()) if self.data_dir else None,
            image_size=self.image_size,
            content_hash=self.dataset.content_hash,
            weights=self.weights,
            groups=self.dataset.groups.source if self.dataset.groups else None,
            groups_hash=self.dataset.groups.sha256 if self.dataset.groups else None,
            network=network,
        )


class Session:
    """Work on a study whose folder this process has claimed."""

    def __init__(
        self,
        folder: StudyFolder,
        config: StudyConfig,
        images: Images,
        labels: Mapping[str, str],
        listener: Listener,
        command: str,
        *,
        give_up: bool = False,
        notes: Sequence[Reason] = (),
    ) -> None:
        self._folder, self._config, self._images, self._labels = folder, config, images, labels
        self._notes = notes  # what a reader has to know of the network
        self._listener, self._command, self._give_up = listener, command, give_up
        self.duplicates: list[NearDuplicates] = []  # across the parts, where they were looked for in this session
        self.study_id = config.study_id(images.dataset.content_hash)
        self._record: StudyRecord | None = folder.record() if folder.exists() else None

    @property
    def finished_before(self) -> bool:
        """Whether the study has ended, with nothing that could be tried again."""
        record = self._record
        if record is None or record.status != FINISHED or not (self._folder / VERDICT).exists():
            return False
        if any(not failure.given_up for failure in record.failures.values()):
            return False
        whole = [
            stored
            for stored in self._folder.stored()
            if stored.record.status == DIVERGED
            or (stored.record.status == RUN_FINISHED and (self._folder.run(stored.name) / PROBABILITIES).exists())
        ]
        ended = {run.name for run in whole} | record.failures.keys()
        found = outcomes(self._folder, whole, with_images=False)
        needed = wanted_by(Study(self._folder.path, record, whole)).after(found, record.given_up, 0).needed
        return all(
            run_name(record.labels[method], seed, self._run_id(record.plan, method, seed)) in ended
            for method, seed in needed
        )

    def _run_id(self, plan: StudyPlan, method: str, seed: int) -> str:
        return self._config.run(plan.protocol, method, seed, plan.threads).run_id(self._data_hash)

    def train(self, free_cores: int, jobs: int | None) -> Study:
        """Train what is left of the study with `jobs` runs at once, or as many as cores are free; return it.

        Raises `UsageError` where the budget is too little, `OverfitlabError` where a method does not go with the
        network or the disk refuses, `CancelledError` where the listener asks for the end. An interruption, noted with
        how to go on, keeps what was trained.
        """
        settings = self._settings()  # what cannot be trained is refused before anything is begun
        threads = self._threads()
        at_once = min(jobs or max(1, free_cores // threads), self._most_runs())
        try:
            with (
                shipped(self._images.network) as shipment,
                LocalProcesses[Task](self._images.setup(shipment), at_once, threads, self._folder / LOG) as executor,
            ):
                if self._record is None:
                    self._record = self._planned(executor, settings, threads)
                record = self._record
                fits = fitting(record.plan, at_once)
                if fits < at_once:
                    at_once = fits
                    executor.limit(at_once)
                    free = machine.available_memory_mb() or 0
                    self._listener.on(MemoryIsLittle(record.plan.memory_mb(1) or 0, free, at_once))
                if self._give_up:
                    record.failures = {
                        name: msgspec.structs.replace(failure, given_up=True)
                        for name, failure in record.failures.items()
                    }
                record.status = RUNNING
                record.sessions.append(Sitting(recording.now(), at_once))
                self._folder.write_record(record)
                self._listener.on(StudyPlanned(record, at_once))
                runner = Runner(self._folder, record, executor, self._listener)
                try:
                    self._train_all(record, runner)
                except (KeyboardInterrupt, CancelledError):
                    self._listener.on(StudyStopping())
                    raise
        except BaseException as error:
            self._interrupted(error)
            raise
        runner.discard_unwanted()
        study = Study(self._folder.path, record, self._folder.stored())
        record.status = FINISHED
        record.sessions[-1].finished = recording.now()
        text = json.dumps(document(study.judged()), indent=2, allow_nan=False)
        self._folder.write(VERDICT, f"{text}\n".encode())
        self._folder.write_record(record)
        return study

    def _interrupted(self, error: BaseException) -> None:
        """Note in the record that the study is not done, or leave no trace of one that was never planned."""
        with contextlib.suppress(OSError):  # what went wrong matters more
            if self._record is None:
                (self._folder / LOG).unlink(missing_ok=True)
            else:
                self._record.status = INTERRUPTED
                self._folder.write_record(self._record)
        if isinstance(error, KeyboardInterrupt):
            say = spoken()
            note = say("stopped; run the same command to continue")
            if self._record is not None:
                note = say(
                    "stopped; what was trained is kept in {folder}; run the same command to continue",
                    folder=self._folder.path,
                )
            error.add_note(note)

    def _threads(self) -> int:
        """Return the threads of each run: a study keeps them, because they can change bits."""
        if self._config.threads is not None:
            return self._config.threads
        if self._record is not None:
            return self._record.plan.threads
        return machine.plan(self._most_runs()).threads

    def _most_runs(self) -> int:
        config = self._config
        deviation, _ = typical_deviations(config.data, config.metric)
        return len(config.methods) * looks_for(config, deviation)[-1]

    def _settings(self) -> Protocol:
        """Return the protocol on these images, before it is fitted to a budget."""
        dataset = self._images.dataset
        available = available_for_training(dataset, self._config.protocol)
        return fitted(self._config.protocol, dataset.source, available, self._config.given)

    def _planned(self, executor: LocalProcesses[Task], settings: Protocol, threads: int) -> StudyRecord:
        """Measure a few steps of each method, fit the plan to the budget, and return the study's first record."""
        config, dataset = self._config, self._images.dataset
        first = material(dataset, settings, config.first_seed)
        runs = [
            (method, self._labels[method], config.run(settings, method, config.first_seed, threads))
            for method in config.methods
        ]
        costs = measured(executor, runs, self._folder, self._listener)
        own = loading.is_own(dataset)
        self.duplicates = near_duplicates(dataset, first.split) if own else []
        same = identical(dataset) if own else None
        where = self._images.data_dir
        data = recording.data_record(first, settings, str(where.absolute()) if where else None, self.duplicates, same)
        deviation, gap_deviation = typical_deviations(config.data, config.metric)
        looks = looks_for(config, deviation)
        parts = PartSizes(data.training, data.validation, data.test)
        unfitted = StudyPlan(settings, looks, threads, parts, (), costs, deviation, gap_deviation)
        at_once = fitting(unfitted, executor.capacity)
        settings, gave_up = self._within_budget(settings, parts, costs, looks[-1], at_once)
        return StudyRecord(
            format=FORMAT,
            id=self.study_id,
            producer=Producer(),
            status=RUNNING,
            config=config,
            plan=msgspec.structs.replace(unfitted, protocol=settings, parts=reduced(settings, parts), gave_up=gave_up),
            look=1,
            labels=dict(self._labels),
            data=data,
            image_size=self._images.image_size,
            weights=self._images.weights,
            environment=recording.here(),
            command=self._command,
            sessions=[],
            failures={},
            notes=[*self._notes, *self._seen_before(looks[-1])],
        )

    def _within_budget(
        self, settings: Protocol, parts: PartSizes, costs: Mapping[str, Cost], seeds: int, at_once: int
    ) -> tuple[Protocol, tuple[Reason, ...]]:
        if self._config.budget is None:
            return settings, ()
        classes = len(self._images.dataset.class_names)
        found = fit(
            settings,
            parts,
            classes,
            self._config.budget,
            lambda protocol: whole_study(costs, protocol, parts, seeds, at_once),
            self._config.given,
            self._command,
        )
        return found.protocol, found.gave_up

    def _seen_before(self, seeds: int) -> list[Reason]:
        """Return a warning for each study of the same question, some of whose seeds are used again here."""
        free_to_differ = ("looks", "first_seed", "budget")

        def asked(config: StudyConfig) -> dict[str, object]:
            return {key: value for key, value in config.as_dict().items() if key not in free_to_differ}

        mine = asked(self._config)
        first, found = self._config.first_seed, []
        for name, path in studies(self._folder.path.parent).items():
            with contextlib.suppress(OverfitlabError):
                other = StudyFolder(path).record()
                their_first = other.config.first_seed
                their_end = their_first + other.plan.seeds
                same = mine == asked(other.config) and other.data.sha256 == self._data_hash
                if other.id != self.study_id and same and first < their_end and their_first < first + seeds:
                    found.append(
                        reason(
                            "seeds_seen_before", study=display_name(name), first=their_first, last=their_end - 1,
                            fresh=their_end
                        )
                    )  # fmt: skip
        return found

    @property
    def _data_hash(self) -> str:
        return self._images.dataset.content_hash

    def _train_all(self, record: StudyRecord, runner: Runner) -> None:
        """Train up to each look, until one decides every contrast or the last one is reached; or round after round."""
        while True:
            runner.train(wanted_by(Study(self._folder.path, record, [])))
            looks = record.plan.looks
            if record.look == len(looks) or decided(Study(self._folder.path, record, self._folder.stored()).judged()):
                return
            record.look += 1
            self._folder.write_record(record)


def wanted_by(study: Study) -> Wanted:
    """Return what says which runs a study wants."""
    return wanted_in(study.design)


def fitting(plan: StudyPlan, jobs: int) -> int:
    """Return how many of so many runs at once fit into the memory that is free, at least one."""
    one, free = plan.memory_mb(1), machine.available_memory_mb()
    if not one or free is None:
        return jobs
    return min(jobs, max(1, math.floor(MEMORY_SHARE * free / one)))


def decided(verdict: Verdict) -> bool:
    """Return whether no contrast is undecided on either axis, so that no further look is needed."""
    return all(UNDECIDED not in (each.metric.verdict, each.gap.verdict) for each in verdict.contrasts)
