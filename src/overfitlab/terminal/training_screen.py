"""What a training says on screen: the data, the plan, the progress, the outcome."""

from pathlib import Path
from typing import TextIO

from overfitlab.events import Event, ImagesLoaded, Listener, Noted, RunBegan, RunEnded
from overfitlab.kernels.library import described
from overfitlab.records.run_folder import DUPLICATES, FIGURES, HISTORY, INSERTED, RECORD, SUMMARY, WEIGHTS
from overfitlab.records.run_record import NetworkRecord, OwnRunRecord
from overfitlab.report.data_text import data_lines
from overfitlab.report.run_text import run_oddities, run_summary, run_table
from overfitlab.report.training_words import optimizer_text, recipe_notes
from overfitlab.runs.run import Run
from overfitlab.terminal.progress import Lines, LiveBar
from overfitlab.words.columns import flowing, screen_width, wrapped
from overfitlab.words.language import ENGLISH, Language

BOX_WIDTH = 88
LISTED = 5  # tensors in a message


class TrainingScreen(Listener):
    """Writes to a stream what happens to one training."""

    def __init__(self, stream: TextIO, say: Language = ENGLISH, progress: Listener | None = None) -> None:
        """Show progress on a terminal as a bar, elsewhere in lines; or have `progress` show it."""
        self._stream, self._say = stream, say
        self._progress = progress or (LiveBar(stream, say) if stream.isatty() else Lines(stream, say))

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
                self._note(self._say.reason(event.reason))
            case _:
                self._progress.on(event)

    def close(self) -> None:
        """Take the bar away; also after an interruption."""
        self._progress.close()

    def _print(self, text: str) -> None:
        print(flowing(text, screen_width(self._stream)), file=self._stream, flush=True)

    def _note(self, what: str) -> None:
        self._print(self._say("Note: {what}.", what=what))

    def _images(self, event: ImagesLoaded) -> None:
        note = "" if event.note is None else self._say.reason(event.note)
        if note and event.unexpected:
            width = min(BOX_WIDTH, screen_width(self._stream) or BOX_WIDTH)
            edge = "!" * width
            inside = "\n".join(f"!! {line}" for line in wrapped(note, width - 3))
            self._print(f"{edge}\n{inside}\n{edge}")
        said = self._say(
            "Data: {name} from {origin}, {images:,} images {shape}, {classes} classes",
            name=event.name, origin=event.origin, images=event.images, shape="x".join(map(str, event.image_shape)),
            classes=event.classes,
        )  # fmt: skip
        self._print(said)
        if note and not event.unexpected:
            self._note(note)

    def _began(self, event: RunBegan) -> None:
        record, say = event.record, self._say
        if event.notes:
            self._note("; ".join(map(say.reason, event.notes)))
        if event.changed:
            changed = ", ".join(map(say, event.changed))
            self._print(
                say(
                    "Note: {changed} changed since this run began. It resumes, but no longer bit for bit.",
                    changed=changed,
                )
            )
        lines = [*data_lines(record.data, say), *_network_lines(record.network, say), *_plan_lines(record, say)]
        for line in (*lines, *_core_lines(event, say)):
            self._print(line)
        self._progress.on(event)

    def _ended(self, event: RunEnded) -> None:
        say = self._say
        if event.before:
            self._print(
                say(
                    "This run has already finished, so nothing is trained again. Use another --seed or --out for a "
                    "new run."
                )
            )
        run = Run(Path(event.folder), event.record, event.rows)
        table = run_table(run, say)
        if table:
            self._print(f"\n{table}")
        duplicates = [DUPLICATES] if (run.folder / DUPLICATES).exists() else []
        inserted = [INSERTED] if INSERTED in event.record.files else []
        others = ", ".join((FIGURES[1], *duplicates, HISTORY, WEIGHTS, *inserted, SUMMARY, RECORD))
        where = {"file": run.folder / FIGURES[0], "others": others}
        wrote = say("See {file} (and {others})" if event.before else "Wrote {file} (and {others})", **where)
        said = "\n".join([run_summary(run, say), *run_oddities(run, say)])
        self._print(f"\n{said}\n{wrote}")
        if inserted:
            said = say(
                "Note: {weights} holds only the network. Without the layers of {method} in {inserted} its "
                "predictions differ; in Python, run.model() has both.",
                weights=WEIGHTS, method=say.method(event.record.method), inserted=INSERTED,
            )  # fmt: skip
            self._print(said)
        gone = _weights_gone(run.own.network)
        if gone:
            said = say(
                "Note: {weights} fits the network without its {what}, and not the class or function as you wrote it; "
                "in Python, run.model() makes the network that it fits.",
                weights=WEIGHTS, what=gone,
            )  # fmt: skip
            self._print(said)


def _weights_gone(network: NetworkRecord) -> str:
    """Return which layers with weights a bare network lost: `batch_norm x 2`; nothing where there are none."""
    bare = next((str(note.values["what"]) for note in network.notes if note.code == "network_is_bare"), "")
    return ", ".join(each for each in bare.split(", ") if each and not each.startswith("dropout"))


def _network_lines(network: NetworkRecord, say: Language) -> list[str]:
    """Return what a reader of results has to know about the network."""
    lines = []
    lines += [say("Note: {what}", what=say.reason(note)) for note in network.notes]
    if network.weights is not None:
        weights = network.weights
        lines.append(
            say(
                "Weights: {tensors} from the file. If it was trained on some of these images, what is measured here is "
                "partly memory.",
                tensors=say.count(len(weights.loaded), "tensor"),
            )
        )
        lines += [f"  {name}: {say.reason(why)}" for name, why in list(weights.left_out.items())[:LISTED]]
        if len(weights.left_out) > LISTED:
            lines.append(say("  and {count:,} more, see {file}", count=len(weights.left_out) - LISTED, file=RECORD))
    return lines


def _plan_lines(record: OwnRunRecord, say: Language) -> list[str]:
    """Return what is about to be trained."""
    config, protocol, data, compute = record.config, record.config.protocol, record.data, record.resolved
    numbers = record.network.parameters
    left_out = data.images - data.training - data.validation - data.test
    split = say("Split: {training:,} training, {validation:,} validation, {test:,} test",
                training=data.training, validation=data.validation, test=data.test)  # fmt: skip
    if data.test_set_apart:
        split += say(" (set apart by content)")
    if left_out:
        split += say("; {count:,} images are left out", count=left_out)
    if not protocol.clean_metrics:
        split += say("; test images are not looked at")
    lines = [
        split,
        say(
            "Method: {method}, seed {seed}; {model} with {total:,} parameters, {trainable:,} trainable",
            method=say.method(record.method), seed=config.seed, model=config.model, total=numbers.total,
            trainable=numbers.trainable,
        ),
        say(
            "Protocol: {name}, {epochs}, batches of {batch}, {optimizer}; {precision}, {threads}, {kernels}",
            name=protocol.name, epochs=say.count(protocol.epochs, "epoch"), batch=protocol.batch_size,
            optimizer=optimizer_text(protocol, say), precision=compute.precision,
            threads=say.count(compute.threads, "thread"), kernels=described(compute.kernels, say),
        ),
    ]  # fmt: skip
    if "(" in record.network.made_by:
        lines.append(say("Network: {model} was called as {call}.", model=config.model, call=record.network.made_by))
    lines += start_lines(config.model, config.model_start, say)
    lines += [say("Note: {what}", what=note) for note in recipe_notes(protocol, [record.method], say)]
    if compute.device != "cpu":
        lines.append(
            say(
                "Note: plain PyTorch is used on {device}, on which overfitlab has not been tested.",
                device=compute.device,
            )
        )
    return lines


def start_lines(model: str, start: str | None, say: Language) -> list[str]:
    """Return what to say of a network whose own weights are the start; nothing of any other."""
    if start is None:
        return []
    return [
        say(
            "Note: {model} was passed with its weights, so training starts from them at every seed: the "
            "initialization does not vary.",
            model=model,
        )
    ]


def _core_lines(event: RunBegan, say: Language) -> list[str]:
    """Return where other trainings hold cores, and what that means for this one."""
    threads = event.record.resolved.threads
    if event.cores < min(threads, event.usable_cores) and threads == 1:
        return [
            say("Note: other trainings of yours already use all {usable} cores. Running together slows all of them; "
                "run them in turn.", usable=event.usable_cores)
        ]  # fmt: skip
    if event.cores < min(threads, event.usable_cores):
        return [
            say(
                "Note: other trainings of yours already use {taken} of {usable} cores, and this one has {threads}. "
                "Running together slows all of them. Run them in turn, or give each --threads 1.",
                taken=event.taken_cores, usable=event.usable_cores, threads=say.count(threads, "thread"),
            )
        ]  # fmt: skip
    if event.taken_cores and threads == event.cores:
        return [
            say("Cores: {cores} of {usable}; your other trainings use the rest.",
                cores=event.cores, usable=event.usable_cores)
        ]  # fmt: skip
    return []
