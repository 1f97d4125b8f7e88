"""How well a trained network does on images with labels."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from overfitlab.data.dataset import Dataset, Images, Indices, Labels
from overfitlab.data.prepare.material import material
from overfitlab.display import as_seen, display_name
from overfitlab.errors import DataError, unknown_name
from overfitlab.events import Listener, TaskBegan, TaskEnded
from overfitlab.inference.pictures import FULL, as_channels, scaled
from overfitlab.inference.trained import Trained
from overfitlab.reasons import reason
from overfitlab.results.evaluation import CalibrationBins, ClassNumbers, DataSeen, EvaluationNumbers, Mistaken
from overfitlab.runs.run import Run
from overfitlab.stats.calibration import Calibration, calibration
from overfitlab.stats.classification import Confusion, Scores, cross_entropies, scores, top_confusions

PARTS = ("test", "validation", "training")
EVERYTHING = "all"  # the part of other images than the run's own
CONFUSIONS = 10  # that are listed


@dataclass(frozen=True)
class Evaluated:
    """Which images are evaluated."""

    dataset: Dataset
    rows: Indices  # [N], of the dataset's images
    labels: Labels  # [N], as the run numbers its classes
    part: str
    channels: int  # that the run's network takes; images with others are converted
    brightest: int = FULL  # the value that white (255) becomes

    def pictures(self, places: slice) -> Images:
        """Return the images [n, H, W, C] at those places among the N, as the network takes them.

        Only these are converted, because all of them may be a mapped file that is larger than memory.
        """
        images = as_channels(np.asarray(self.dataset.images[self.rows[places]]), self.channels)
        return scaled(images, self.brightest)


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What came out for N images and K classes."""

    run: Run
    images: Evaluated
    precision: str
    log_probabilities: NDArray[np.float64]  # [N, K], nats
    brightest: int = 255  # the value of a white pixel

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The softmax [N, K], each row sums to one."""
        return np.exp(self.log_probabilities)

    @cached_property
    def losses(self) -> NDArray[np.float64]:
        """The cross-entropy of each image in nats [N]."""
        return cross_entropies(self.log_probabilities, self.images.labels)

    @cached_property
    def scores(self) -> Scores:
        """Accuracy, loss and their relatives, and the confusion matrix."""
        return scores(self.log_probabilities, self.images.labels)

    @cached_property
    def calibration(self) -> Calibration:
        """Accuracy against confidence in 15 bins, and the expected calibration error."""
        return calibration(self.probabilities, self.images.labels)

    @property
    def accuracy(self) -> float:
        """The share of images whose most probable class is the true one, from 0 to 1."""
        return self.scores.accuracy

    @property
    def part(self) -> str:
        """Which images: `"test"`, `"validation"`, `"training"`, or `"all"` of other data."""
        return self.images.part

    @property
    def class_names(self) -> list[str]:
        """The names of the K classes."""
        return list(self.run.own.data.classes)

    @property
    def confusions(self) -> list[Confusion]:
        """The most frequent mistakes, ten at most."""
        return top_confusions(self.scores.confusion, CONFUSIONS)

    @property
    def title(self) -> str:
        """What was evaluated on what, in two lines."""
        dataset, found = self.images.dataset, self.scores
        where = f"all of {dataset.name}" if self.part == EVERYTHING else f"its {self.part} images"
        return f"{self.run.title}\n{where}: n = {found.images:,}, accuracy {found.accuracy:.3f}"

    def image_name(self, place: int) -> str:
        """Return the name of the image at `place` among the N: its file where it has one, else its row."""
        row = int(self.images.rows[place])
        names = self.images.dataset.image_names
        return f"image {row}" if names is None else names[row]

    def numbers(self) -> EvaluationNumbers:
        """Return everything but the images' own probabilities."""
        found, confidence, names = self.scores, self.calibration, self.class_names
        return EvaluationNumbers(
            run=self.run.record.id,
            run_folder=str(self.run.folder),
            method=self.run.record.method,
            data=DataSeen(self.images.dataset.name, self.images.dataset.content_hash),
            part=self.part,
            precision=self.precision,
            images=found.images,
            unreadable=len(self.images.dataset.skipped) if self.part == EVERYTHING else 0,
            correct=found.correct,
            accuracy=found.accuracy,
            accuracy_interval=list(found.accuracy_interval),
            balanced_accuracy=found.balanced_accuracy,
            loss=found.loss,
            brier=found.brier,
            ece=confidence.expected_error,
            mean_confidence=confidence.mean_confidence,
            confusions=[
                Mistaken(names[one.true], names[one.predicted], one.images, one.share) for one in self.confusions
            ],
            classes=[
                ClassNumbers(
                    name, row.images, row.predicted, _number(row.precision), _number(row.recall), _number(row.f1)
                )
                for name, row in zip(names, found.classes, strict=True)
            ],
            confusion=found.confusion.tolist(),
            calibration=CalibrationBins(
                confidence.edges.tolist(),
                confidence.images.tolist(),
                [_number(value) for value in confidence.confidence.tolist()],
                [_number(value) for value in confidence.accuracy.tolist()],
            ),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return `numbers()` as plain JSON values."""
        values: dict[str, Any] = msgspec.to_builtins(self.numbers())
        return values

    def __repr__(self) -> str:
        low, high = self.scores.accuracy_interval
        return f"<Evaluation {' '.join(self.title.split())} ({low:.3f} to {high:.3f})>"


def own_images(run: Run, dataset: Dataset, part: str) -> Evaluated:
    """Return the images of that part of the run, out of the dataset that it was trained on.

    Raises `UsageError` for an unknown part, and `DataError` where the dataset is no longer the same, or has no such
    part.
    """
    if part not in PARTS:
        raise unknown_name("part", part, PARTS)
    record = run.own
    if dataset.content_hash != record.data.sha256:
        raise DataError(
            "images_are_others_now",
            "the images of {data} are no longer those that {folder} was trained on (their content hash differs), so "
            "its parts cannot be found again; restore them, or evaluate all images there are with --data",
            data=dataset.name, folder=run.folder,
        )  # fmt: skip
    if (None if dataset.groups is None else dataset.groups.sha256) != record.config.groups:
        raise DataError(
            "groups_are_others_now",
            "the groups of the images of {folder} are no longer those that it was trained with, so its parts cannot be "
            "found again; restore the list, or name it with --groups",
            folder=run.folder,
        )
    found = material(dataset, record.config.protocol, record.config.seed).split
    rows = {"test": found.test, "validation": found.validation, "training": found.training}[part]
    if not len(rows):
        one, other = (each for each in PARTS if each != part)
        raise DataError(
            "run_without_the_part",
            "{folder} has no {part} images; choose --part {one} or --part {other}, or other images with --data",
            folder=run.folder, part=part, one=one, other=other,
        )  # fmt: skip
    return Evaluated(dataset, rows, dataset.labels[rows], part, dataset.image_shape[2])


def other_images(trained: Trained, dataset: Dataset) -> Evaluated:
    """Return all images of another dataset, with its labels numbered as the run's classes, and its white as there.

    Colour becomes gray, and gray colour, as where image files are read.

    Raises `DataError` where its images have another shape, or it has a class that the run does not know.
    """
    run = trained.run
    known = [as_seen(name) for name in run.own.data.classes]
    names = [as_seen(display_name(name)) for name in dataset.class_names]
    strangers = [name for name in names if name not in known]
    if strangers:
        about = {"data": dataset.name, "folder": run.folder, "known": len(known), "first": known[0], "last": known[-1]}
        if len(strangers) == 1:
            raise DataError(
                "data_has_another_class",
                "{data} has a class that {folder} was not trained on: {name!r}; the names must be those of its {known} "
                "classes, {first!r} to {last!r}",
                name=strangers[0], **about,
            )  # fmt: skip
        raise DataError(
            "data_has_other_classes",
            "{data} has classes that {folder} was not trained on: {names}; the names must be those of its {known} "
            "classes, {first!r} to {last!r}",
            names=", ".join(repr(name) for name in strangers[:3]) + (", ..." if len(strangers) > 3 else ""), **about,
        )  # fmt: skip
    wanted = tuple(run.own.data.image_shape)
    if dataset.images.shape[1:3] != wanted[:2]:
        there, here = ("x".join(map(str, shape)) for shape in (dataset.images.shape[1:], wanted))
        raise DataError(
            "images_of_another_size", "the images of {data} are {there}, {folder} was trained on {here}",
            data=dataset.name, there=there, folder=run.folder, here=here,
        )  # fmt: skip
    brightest = FULL if dataset.source == run.own.data.source else trained.brightest
    numbers = np.array([known.index(name) for name in names], dtype=np.int64)
    rows = np.arange(len(dataset.images), dtype=np.int64)
    return Evaluated(dataset, rows, numbers[dataset.labels], EVERYTHING, wanted[2], brightest)


def evaluate(trained: Trained, images: Evaluated, listener: Listener) -> Evaluation:
    """Pass the images through the network, in the order of their rows."""
    found = np.empty((len(images.rows), len(trained.class_names)))
    done = 0
    listener.on(TaskBegan(reason("evaluating"), len(images.rows), "images"))
    try:
        while done < len(images.rows):
            for x in trained.inputs(images.pictures(slice(done, done + trained.batch_size))):
                found[done : done + len(x)] = trained.log_probabilities(x)
                done += len(x)
                listener.advanced(done)
    finally:
        listener.on(TaskEnded())
    return Evaluation(trained.run, images, trained.compute.precision, found, trained.brightest)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
