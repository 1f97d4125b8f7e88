"""What a training says on screen: the data, the plan, the progress, the outcome."""

import contextlib
import textwrap
from collections.abc import Iterator
from typing import TextIO

from overfitlab.config import RunConfig
from overfitlab.data.dataset import Dataset
from overfitlab.data.splits import Split
from overfitlab.run import Run
from overfitlab.store.history import EpochRow
from overfitlab.store.run_folder import FIGURES, HISTORY, RECORD, SUMMARY, WEIGHTS
from overfitlab.terminal.progress import Lines, LiveBar
from overfitlab.training.compute import Compute
from overfitlab.training.observer import Observer

BOX_WIDTH = 88


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
        height, width, channels = dataset.images.shape[1:]
        if loud:
            self._box(dataset.note)
        self.say(
            f"Data: {dataset.name} from {dataset.origin}, {len(dataset.images):,} images "
            f"{height}x{width}x{channels}, {len(dataset.class_names)} classes"
        )
        if dataset.note and not loud:
            self.say(f"Note: {dataset.note}.")

    def plan(self, config: RunConfig, label: str, split: Split, compute: Compute, counts: tuple[int, int]) -> None:
        """Say what is about to be trained."""
        protocol = config.protocol
        total, trained = counts
        self.say(
            f"Split: {len(split.training):,} training, {len(split.validation):,} validation\n"
            f"Method: {label}, seed {config.seed}; {total:,} parameters, {trained:,} trainable\n"
            f"Protocol: {protocol.name}, {_count(protocol.epochs, 'epoch')}, batches of {protocol.batch_size}, "
            f"Adam {protocol.learning_rate:g}; {compute.precision}, {_count(compute.threads, 'thread')}"
        )

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

    def resumption(self, changed: list[str]) -> None:
        """Say which of machine and packages are no longer as they were when the run began."""
        if changed:
            self.say(f"Note: {', '.join(changed)} changed since this run began; it goes on, but not bit for bit.")

    def result(self, run: Run, *, trained_before: bool = False) -> None:
        """Say what came out, and where it lies."""
        if trained_before:
            self.say("This run has finished before; nothing is trained again. Another --seed or --out is a new run.")
        others = ", ".join((FIGURES[1], HISTORY, WEIGHTS, SUMMARY, RECORD))
        verb = "See" if trained_before else "Wrote"
        self.say(f"\n{run.summary()}\n{verb} {run.folder / FIGURES[0]} (and {others})")

    def _box(self, text: str) -> None:
        edge = "!" * BOX_WIDTH
        inside = "\n".join(f"!! {line}" for line in textwrap.wrap(text, BOX_WIDTH - 3))
        self.say(f"{edge}\n{inside}\n{edge}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
