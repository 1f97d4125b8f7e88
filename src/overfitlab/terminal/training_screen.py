"""What a training says on screen: the data, the plan, the progress, the outcome."""

import textwrap
from pathlib import Path
from typing import TextIO

from overfitlab.events import Event, ImagesLoaded, Listener, Noted, RunBegan, RunEnded
from overfitlab.kernels.library import described
from overfitlab.records.data_record import DataRecord
from overfitlab.records.run_folder import DUPLICATES, FIGURES, HISTORY, RECORD, SUMMARY, WEIGHTS
from overfitlab.records.run_record import NetworkRecord, OwnRunRecord
from overfitlab.report.run_text import run_summary, run_table
from overfitlab.runs.run import Run
from overfitlab.terminal.progress import Lines, LiveBar
from overfitlab.words.language import ENGLISH, Language

BOX_WIDTH = 88
LISTED = 5  # files in a message
IMBALANCED = 1.5  # times as many images in the largest class as in the smallest


class TrainingScreen(Listener):
    """Writes to a stream what happens to one training."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH) -> None:
        self._stream, self._say = stream, say
        self._progress = LiveBar(stream) if stream.isatty() else Lines(stream)

    def on(self, event: Event) -> None:
        """Say what there is to say."""
        match event:
            case ImagesLoaded():
                self._images(event)
            case RunBegan():
                self._began(event)
            case RunEnded():
                self._progress.close()
                self._ended(event)
            case Noted():
                self._print(f"Note: {self._say.reason(event.reason)}.")
            case _:
                self._progress.on(event)

    def close(self) -> None:
        """Take the bar away; also after an interruption."""
        self._progress.close()

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def _images(self, event: ImagesLoaded) -> None:
        note = "" if event.note is None else self._say.reason(event.note)
        if note and event.unexpected:
            edge = "!" * BOX_WIDTH
            inside = "\n".join(f"!! {line}" for line in textwrap.wrap(note, BOX_WIDTH - 3))
            self._print(f"{edge}\n{inside}\n{edge}")
        shape = "x".join(map(str, event.image_shape))
        self._print(f"Data: {event.name} from {event.origin}, {event.images:,} images {shape}, {event.classes} classes")
        if note and not event.unexpected:
            self._print(f"Note: {note}.")

    def _began(self, event: RunBegan) -> None:
        record = event.record
        if event.notes:
            self._print(f"Note: {'; '.join(map(self._say.reason, event.notes))}.")
        if event.changed:
            changed = ", ".join(event.changed)
            self._print(f"Note: {changed} changed since this run began; it goes on, but not bit for bit.")
        lines = [*data_lines(record.data, self._say), *_network_lines(record.network, self._say), *_plan_lines(record)]
        for line in (*lines, *_core_lines(event)):
            self._print(line)
        self._progress.on(event)

    def _ended(self, event: RunEnded) -> None:
        if event.before:
            self._print("This run has finished before; nothing is trained again. Another --seed or --out is a new run.")
        run = Run(Path(event.folder), event.record, event.rows)
        table = run_table(run)
        if table:
            self._print(f"\n{table}")
        duplicates = [DUPLICATES] if (run.folder / DUPLICATES).exists() else []
        others = ", ".join((FIGURES[1], *duplicates, HISTORY, WEIGHTS, SUMMARY, RECORD))
        verb = "See" if event.before else "Wrote"
        self._print(f"\n{run_summary(run)}\n{verb} {run.folder / FIGURES[0]} (and {others})")


def data_lines(data: DataRecord, say: Language, record: str = RECORD) -> list[str]:
    """Return what a reader of results has to know about the images; `record` is the file that says more."""
    lines = []
    if data.skipped_count:
        listed = "; ".join(f"{file.name}: {say.reason(file.reason)}" for file in data.skipped[:LISTED])
        more = f"; and {data.skipped_count - LISTED:,} more, see {record}" * (data.skipped_count > LISTED)
        lines.append(f"Skipped {_count(data.skipped_count, 'file')}: {listed}{more}.")
    images = [sum(counts) for counts in zip(*data.class_images.values(), strict=True)]
    least, most = min(images), max(images)
    if most >= IMBALANCED * least:
        fewest, largest = (data.classes[images.index(count)] for count in (least, most))
        lines.append(
            f"Classes: from {least:,} images ({fewest}) to {most:,} ({largest}). Accuracy flatters the large ones; "
            "balanced accuracy, the mean over the classes, stands beside it."
        )
    for part, found in data.near_duplicates.items():
        if found.found:
            others = "training" if part == "validation" else "training and validation"
            lines.append(
                f"Near-duplicates: {found.found:,} of {found.looked_at:,} {part} images look like one in {others}, so "
                f"their accuracy may partly be memory; look at {DUPLICATES} ({record} lists them)."
            )
    return lines


def _network_lines(network: NetworkRecord, say: Language) -> list[str]:
    """Return what a reader of results has to know about the network."""
    lines = []
    if network.own_batch_norms:
        lines.append(
            f"Note: {network.name} has {_count(network.own_batch_norms, 'batch normalization')} of its own, whatever "
            "the method; results compare methods on top of it."
        )
    if network.weights is not None:
        weights = network.weights
        lines.append(
            f"Weights: {_count(len(weights.loaded), 'tensor')} from the file. If it was trained on some of these "
            "images, what is measured here is partly memory."
        )
        lines += [f"  {name}: {say.reason(why)}" for name, why in list(weights.left_out.items())[:LISTED]]
        if len(weights.left_out) > LISTED:
            lines.append(f"  and {len(weights.left_out) - LISTED:,} more, see {RECORD}")
    return lines


def _plan_lines(record: OwnRunRecord) -> list[str]:
    """Return what is about to be trained."""
    config, protocol, data, compute = record.config, record.config.protocol, record.data, record.resolved
    numbers = record.network.parameters
    left_out = data.images - data.training - data.validation - data.test
    lines = [
        f"Split: {data.training:,} training, {data.validation:,} validation, {data.test:,} test"
        f"{' (set apart by content)' * data.test_set_apart}"
        f"{f'; {left_out:,} images are left out' * bool(left_out)}"
        f"{'' if protocol.clean_metrics else '; test images are not looked at'}",
        f"Method: {record.method}, seed {config.seed}; {config.model} with {numbers.total:,} parameters, "
        f"{numbers.trainable:,} trainable",
        f"Protocol: {protocol.name}, {_count(protocol.epochs, 'epoch')}, batches of {protocol.batch_size}, "
        f"Adam {protocol.learning_rate:g}{', falling to zero along a cosine' * (protocol.schedule == 'cosine')}; "
        f"{compute.precision}, {_count(compute.threads, 'thread')}, {described(compute.kernels)}",
    ]
    if compute.device != "cpu":
        lines.append(f"Note: plain PyTorch computes on {compute.device}. Nothing here was ever tested on one.")
    return lines


def _core_lines(event: RunBegan) -> list[str]:
    """Return where other trainings hold cores, and what that means for this one."""
    threads = event.record.resolved.threads
    if event.cores < min(threads, event.usable_cores):
        return [
            f"Note: other trainings of yours compute on {event.taken_cores} of {event.usable_cores} cores. With "
            f"{_count(threads, 'thread')} this one slows them down, and they it: better one after the other, or all "
            "with --threads 1, at most as many as cores."
        ]
    if event.taken_cores and threads == event.cores:
        return [f"Cores: {event.cores} of {event.usable_cores}, which no other training of yours computes on."]
    return []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
