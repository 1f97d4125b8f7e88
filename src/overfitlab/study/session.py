"""One session of a study: plan it, or take its plan up again, train what is left, and read the verdict."""

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overfitlab import machine
from overfitlab.config import Protocol, StudyConfig, fitted
from overfitlab.data import loading
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.duplicates import near_duplicates
from overfitlab.data.prepare.material import material
from overfitlab.data.prepare.splits import available_for_training
from overfitlab.errors import OverfitlabError
from overfitlab.machine import available_memory_mb
from overfitlab.records.index import Index
from overfitlab.records.run_folder import DIVERGED, DUPLICATES, PROBABILITIES
from overfitlab.records.run_folder import FINISHED as RUN_FINISHED
from overfitlab.records.study_folder import FINISHED, FORMAT, INTERRUPTED, LOG, RUNNING, VERDICT, StudyFolder
from overfitlab.report.data_figures import duplicate_pairs
from overfitlab.report.figures import rendered
from overfitlab.runs import recording as records
from overfitlab.stats.verdict import UNDECIDED
from overfitlab.study.budget import fit
from overfitlab.study.cost import Cost, Parts, reduced, whole_study
from overfitlab.study.judging import Verdict
from overfitlab.study.listener import Listener
from overfitlab.study.plan import StudyPlan, looks_for, typical_deviation
from overfitlab.study.runner import Runner, measured, run_name
from overfitlab.study.study import Study, check, studies
from overfitlab.study.workers import Workers

MEMORY_SHARE = 0.7  # of what is free; runs take up to a third more than the few steps of a probe


@dataclass(frozen=True)
class Images:
    """The images of a study, and what its workers need to load the same."""

    dataset: Dataset
    data_dir: Path | None = None  # that the user named
    image_size: tuple[int, int] | None = None
    weights: str | None = None  # a file, to begin with

    def setup(self) -> dict[str, Any]:
        """Return what a worker is told first."""
        return {
            "source": self.dataset.source,
            "name": self.dataset.name,
            "data_dir": str(self.data_dir.absolute()) if self.data_dir else None,
            "image_size": self.image_size,
            "content_hash": self.dataset.content_hash,
            "weights": self.weights,
        }


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
    ) -> None:
        self._folder, self._config, self._images, self._labels = folder, config, images, labels
        self._listener, self._command = listener, command
        self._id = config.study_id(images.dataset.content_hash)
        self._record: dict[str, Any] | None = folder.record() if folder.exists() else None
        if self._record is not None:
            check(self._record)

    @property
    def finished_before(self) -> bool:
        """Whether the study has ended, with nothing that could be tried again."""
        record = self._record
        if (
            record is None
            or record["status"] != FINISHED
            or record["failures"]
            or not (self._folder / VERDICT).exists()
        ):
            return False
        plan = StudyPlan.from_dict(record["plan"])
        wanted = {
            run_name(record["labels"][method], seed, self._run_id(plan, method, seed))
            for method, seed in plan.runs(self._config, 0, plan.looks[record["look"] - 1])
        }
        whole = {
            folder.path.name
            for folder in self._folder.runs()
            if folder.record()["status"] in (RUN_FINISHED, DIVERGED)
            and (folder.record()["status"] == DIVERGED or (folder / PROBABILITIES).exists())
        }
        return wanted <= whole

    def _run_id(self, plan: StudyPlan, method: str, seed: int) -> str:
        return self._config.run(plan.protocol, method, seed, plan.threads).run_id(self._data_hash)

    def train(self, free_cores: int, jobs: int | None) -> tuple[Study, Verdict]:
        """Train what is left of the study with `jobs` runs at once, or as many as cores are free; return its verdict.

        Raises `UsageError` where the budget is too little, `OverfitlabError` where a method does not go with the
        network or the disk refuses. An interruption, noted with how to go on, keeps what was trained.
        """
        threads = self._threads()
        at_once = min(jobs or max(1, free_cores // threads), self._most_runs())
        try:
            with Workers(self._images.setup(), threads, self._folder / LOG) as workers:
                if self._record is None:
                    self._record = self._planned(workers, threads, at_once)
                plan = StudyPlan.from_dict(self._record["plan"])
                if fitting(plan, at_once) < at_once:
                    at_once = fitting(plan, at_once)
                    self._listener.little_memory(plan.memory_mb(1) or 0, available_memory_mb() or 0, at_once)
                self._record["status"] = RUNNING
                self._record["sessions"].append({"started": records.now(), "jobs": at_once})
                self._folder.write_record(self._record)
                self._listener.planned(self._config, plan, self._record, at_once)
                try:
                    study, verdict = self._look_by_look(self._record, plan, workers, at_once)
                except KeyboardInterrupt:
                    self._listener.stopping()
                    raise
        except BaseException as error:
            self._listener.close()
            self._interrupted(error)
            raise
        self._listener.close()
        self._record["status"] = FINISHED
        self._record["sessions"][-1]["finished"] = records.now()
        text = json.dumps(verdict.as_dict(), indent=2, allow_nan=False)
        self._folder.write(VERDICT, f"{text}\n".encode())
        self._folder.write_record(self._record)
        return study, verdict

    def _interrupted(self, error: BaseException) -> None:
        """Note in the record that the study is not done, or leave no trace of one that was never planned."""
        with contextlib.suppress(OSError):  # what went wrong matters more
            if self._record is None:
                (self._folder / LOG).unlink(missing_ok=True)
            else:
                self._folder.write_record(self._record | {"status": INTERRUPTED})
        if isinstance(error, KeyboardInterrupt):
            kept = f"what was trained is kept in {self._folder.path}, and " if self._record else ""
            error.add_note(f"stopped; {kept}the same command goes on")

    def _threads(self) -> int:
        """Return the threads of each run: a study keeps them, because they can change bits."""
        if self._config.threads is not None:
            return self._config.threads
        if self._record is not None:
            return StudyPlan.from_dict(self._record["plan"]).threads
        return machine.plan(self._most_runs()).threads

    def _most_runs(self) -> int:
        return len(self._config.methods) * looks_for(self._config, typical_deviation(self._config.data))[-1]

    def _planned(self, workers: Workers, threads: int, at_once: int) -> dict[str, Any]:
        """Measure a few steps of each method, fit the plan to the budget, and return the study's first record."""
        config, dataset = self._config, self._images.dataset
        available = available_for_training(dataset, config.protocol)
        settings = fitted(config.protocol, dataset.source, available, config.given)
        first = material(dataset, settings, config.first_seed)
        for _ in range(at_once):
            workers.add()
        runs = [
            (method, self._labels[method], config.run(settings, method, config.first_seed, threads).as_dict())
            for method in config.methods
        ]
        costs = measured(workers, runs, self._folder, self._listener)
        found = near_duplicates(dataset, first.split) if loading.is_own(dataset) else []
        where = self._images.data_dir
        data = records.data_record(first, str(where.absolute()) if where else None, found)
        deviation = typical_deviation(config.data)
        looks = looks_for(config, deviation)
        parts = Parts(data["training"], data["validation"], data["test"])
        unfitted = StudyPlan(settings, looks, threads, parts, (), costs, deviation)
        settings, gave_up = self._within_budget(settings, parts, costs, looks[-1], fitting(unfitted, at_once))
        plan = StudyPlan(settings, looks, threads, reduced(settings, parts), gave_up, costs, deviation)
        if any(part.pairs for part in found):
            self._folder.write(DUPLICATES, rendered(duplicate_pairs(dataset, found), "png"))
        return {
            "format": FORMAT,
            "id": self._id,
            "status": RUNNING,
            "config": config.as_dict(),
            "plan": plan.as_dict(),
            "look": 1,
            "labels": dict(self._labels),
            "data": data,
            "image_size": self._images.image_size,
            "weights": self._images.weights,
            "environment": records.here(),
            "command": self._command,
            "sessions": [],
            "failures": {},
            "notes": self._seen_before(looks[-1]),
        }

    def _within_budget(
        self, settings: Protocol, parts: Parts, costs: Mapping[str, Cost], seeds: int, at_once: int
    ) -> tuple[Protocol, tuple[str, ...]]:
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
        )
        return found.protocol, found.gave_up

    def _seen_before(self, seeds: int) -> list[str]:
        """Return a warning for each study of the same question, some of whose seeds are used again here."""
        free_to_differ = ("looks", "first_seed", "budget")
        mine = {key: value for key, value in self._config.as_dict().items() if key not in free_to_differ}
        first, found = self._config.first_seed, []
        for name, path in studies(self._folder.path.parent).items():
            with contextlib.suppress(OverfitlabError, KeyError, TypeError):
                other = StudyFolder(path).record()
                check(other)
                theirs, their_first = other["config"], other["config"]["first_seed"]
                their_end = their_first + other["plan"]["looks"][-1]
                same = mine == {key: theirs.get(key) for key in mine} and other["data"]["sha256"] == self._data_hash
                if other["id"] != self._id and same and first < their_end and their_first < first + seeds:
                    found.append(
                        f"The study {name} asked the same of seeds {their_first} to {their_end - 1}, so some of these "
                        f"were seen before; a new study needs fresh ones (--first-seed {their_end})."
                    )
        return found

    @property
    def _data_hash(self) -> str:
        return self._images.dataset.content_hash

    def _look_by_look(
        self, record: dict[str, Any], plan: StudyPlan, workers: Workers, at_once: int
    ) -> tuple[Study, Verdict]:
        """Train up to each look, until one decides every contrast or the last one is reached."""
        with contextlib.closing(Index(self._folder)) as index:
            runner = Runner(self._folder, record, self._config, plan, workers, index, self._listener)
            while True:
                entries = runner.train(plan.looks[record["look"] - 1], at_once)
                study = Study(self._folder.path, record, entries)
                verdict = study.judged()
                if record["look"] == len(plan.looks) or decided(verdict):
                    return study, verdict
                record["look"] += 1
                self._folder.write_record(record)


def fitting(plan: StudyPlan, jobs: int) -> int:
    """Return how many of so many runs at once fit into the memory that is free, at least one."""
    one, free = plan.memory_mb(1), available_memory_mb()
    if not one or free is None:
        return jobs
    return min(jobs, max(1, math.floor(MEMORY_SHARE * free / one)))


def decided(verdict: Verdict) -> bool:
    """Return whether no contrast is undecided on either axis, so that no further look is needed."""
    return all(UNDECIDED not in (each.accuracy.word, each.gap.word) for each in verdict.contrasts)
