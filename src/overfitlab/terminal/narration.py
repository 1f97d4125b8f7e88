"""What a training says on screen: the data, the plan, the progress, the outcome."""

import contextlib
import textwrap
from collections.abc import Iterator
from typing import Any, TextIO

from overfitlab.config import RunConfig
from overfitlab.data.dataset import Dataset
from overfitlab.kernels.library import described
from overfitlab.machine import Claim
from overfitlab.records.run_folder import DUPLICATES, FIGURES, HISTORY, RECORD, SUMMARY, WEIGHTS
from overfitlab.results.history import EpochRow
from overfitlab.runs.run import Run
from overfitlab.terminal.progress import Lines, LiveBar
from overfitlab.training.compute import Compute
from overfitlab.training.observer import Observer
from overfitlab.words.language import ENGLISH

BOX_WIDTH = 88
LISTED = 5  # files in a message
IMBALANCED = 1.5  # times as many images in the largest class as in the smallest


class Narrator:
    """Writes to a stream, or nowhere."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def say(self, text: str) -> None:
        """Write lines."""
        if self._stream is not None:
            print(text, file=self._stream, flush=True)

    def data(self, dataset: Dataset, *, loud: bool) -> None:
        """Say what the images are; `loud` where they are not those that the reader will expect."""
        height, width, channels = dataset.image_shape
        note = None if dataset.note is None else ENGLISH.reason(dataset.note)
        if loud and note:
            self._box(note)
        self.say(
            f"Data: {dataset.name} from {dataset.origin}, {len(dataset.images):,} images "
            f"{height}x{width}x{channels}, {len(dataset.class_names)} classes"
        )
        if note and not loud:
            self.say(f"Note: {note}.")

    def findings(self, data: dict[str, Any], record: str = RECORD) -> None:
        """Say what a reader of results has to know about the images, from the `data` of the file `record`."""
        if data["skipped_count"]:
            listed = "; ".join(f"{file['name']}: {file['reason']}" for file in data["skipped"][:LISTED])
            more = f"; and {data['skipped_count'] - LISTED:,} more, see {record}" * (data["skipped_count"] > LISTED)
            self.say(f"Skipped {_count(data['skipped_count'], 'file')}: {listed}{more}.")
        images = [sum(counts) for counts in zip(*data["class_images"].values(), strict=True)]
        least, most = min(images), max(images)
        if most >= IMBALANCED * least:
            fewest, largest = (data["classes"][images.index(count)] for count in (least, most))
            self.say(
                f"Classes: from {least:,} images ({fewest}) to {most:,} ({largest}). Accuracy flatters the large ones; "
                "balanced accuracy, the mean over the classes, stands beside it."
            )
        for part, found in data["near_duplicates"].items():
            if found["found"]:
                others = "training" if part == "validation" else "training and validation"
                self.say(
                    f"Near-duplicates: {found['found']:,} of {found['looked_at']:,} {part} images look like one in "
                    f"{others}, so their accuracy may partly be memory; look at {DUPLICATES} ({record} lists them)."
                )

    def network(self, network: dict[str, Any]) -> None:
        """Say what a reader of results has to know about the network, from the record's `network`."""
        norms = network["own_batch_norms"]
        if norms:
            self.say(
                f"Note: {network['name']} has {_count(norms, 'batch normalization')} of its own, whatever the method; "
                "results compare methods on top of it."
            )
        if "weights" in network:
            weights = network["weights"]
            self.say(
                f"Weights: {_count(len(weights['loaded']), 'tensor')} from the file. If it was trained on some of "
                "these images, what is measured here is partly memory."
            )
            for name, reason in list(weights["left_out"].items())[:LISTED]:
                self.say(f"  {name}: {reason}")
            if len(weights["left_out"]) > LISTED:
                self.say(f"  and {len(weights['left_out']) - LISTED:,} more, see {RECORD}")

    def plan(self, config: RunConfig, record: dict[str, Any], compute: Compute) -> None:
        """Say what is about to be trained."""
        protocol, data, numbers = config.protocol, record["data"], record["network"]["parameters"]
        left_out = data["images"] - data["training"] - data["validation"] - data["test"]
        self.say(
            f"Split: {data['training']:,} training, {data['validation']:,} validation, {data['test']:,} test"
            f"{' (set apart by content)' * data['test_set_apart']}"
            f"{f'; {left_out:,} images are left out' * bool(left_out)}"
            f"{'' if protocol.clean_metrics else '; test images are not looked at'}\n"
            f"Method: {record['method']}, seed {config.seed}; {config.model} with {numbers['total']:,} parameters, "
            f"{numbers['trainable']:,} trainable\n"
            f"Protocol: {protocol.name}, {_count(protocol.epochs, 'epoch')}, batches of {protocol.batch_size}, "
            f"Adam {protocol.learning_rate:g}{', falling to zero along a cosine' * (protocol.schedule == 'cosine')}; "
            f"{compute.precision}, {_count(compute.threads, 'thread')}, {described(compute.kernels)}"
        )
        if compute.device != "cpu":
            self.say(f"Note: plain PyTorch computes on {compute.device}. Nothing here was ever tested on one.")

    def cores(self, claim: Claim, compute: Compute) -> None:
        """Say where other trainings hold cores, and what that means for this one."""
        if claim.cores < min(compute.threads, claim.usable):
            self.say(
                f"Note: other trainings of yours compute on {claim.taken} of {claim.usable} cores. With "
                f"{_count(compute.threads, 'thread')} this one slows them down, and they it: better one after the "
                "other, or all with --threads 1, at most as many as cores."
            )
        elif claim.taken and compute.threads == claim.cores:
            self.say(f"Cores: {claim.cores} of {claim.usable}, which no other training of yours computes on.")

    @contextlib.contextmanager
    def progress(self, finished: list[EpochRow]) -> Iterator[Observer]:
        """Give an observer that shows the training, and clear the screen behind it."""
        if self._stream is None:
            yield Observer()
            return
        observer = LiveBar(self._stream) if self._stream.isatty() else Lines(self._stream)
        if finished:
            observer.resumed(finished)
        try:
            yield observer
        finally:
            observer.close()

    def resumption(self, changed: list[str], note: str) -> None:
        """Say which of machine and packages are no longer as they were when the run began, and what else there is."""
        if note:
            self.say(f"Note: {note}.")
        if changed:
            self.say(f"Note: {', '.join(changed)} changed since this run began; it goes on, but not bit for bit.")

    def result(self, run: Run, *, trained_before: bool = False) -> None:
        """Say what came out, and where it lies."""
        if trained_before:
            self.say("This run has finished before; nothing is trained again. Another --seed or --out is a new run.")
        if run.table():
            self.say(f"\n{run.table()}")
        duplicates = [DUPLICATES] if (run.folder / DUPLICATES).exists() else []
        others = ", ".join((FIGURES[1], *duplicates, HISTORY, WEIGHTS, SUMMARY, RECORD))
        verb = "See" if trained_before else "Wrote"
        self.say(f"\n{run.summary()}\n{verb} {run.folder / FIGURES[0]} (and {others})")

    def _box(self, text: str) -> None:
        edge = "!" * BOX_WIDTH
        inside = "\n".join(f"!! {line}" for line in textwrap.wrap(text, BOX_WIDTH - 3))
        self.say(f"{edge}\n{inside}\n{edge}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
