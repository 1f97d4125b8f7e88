"""What stands in the report of a single run, section by section; a run of another program has its curves alone."""

import math
import shlex
from collections.abc import Iterator

from overfitlab.config import RunConfig
from overfitlab.records.run_folder import RECORD
from overfitlab.records.run_record import FINISHED, OwnRunRecord
from overfitlab.report.blocks import Block, Bullets, Confusion, Confusions, Facts, FigureBlock, Paragraphs, Section
from overfitlab.report.blocks import TableBlock as Tabled
from overfitlab.report.content import in_percent
from overfitlab.report.data_text import data_lines
from overfitlab.report.image_figures import COUNTED_CLASSES, confusion_panel, frequent_mistakes
from overfitlab.report.marks import Panel
from overfitlab.report.page import Made
from overfitlab.report.reproduction_facts import VARIED, split_words, standardization_words
from overfitlab.report.run_figure import run_panels
from overfitlab.report.run_text import run_oddities, run_summary, run_title
from overfitlab.report.study_figures import calibration_panel
from overfitlab.report.study_tables import Table
from overfitlab.report.training_words import optimizer_text
from overfitlab.results.gap import gaps
from overfitlab.results.measurement import Measurement
from overfitlab.runs.run import Run
from overfitlab.study.evidence import MethodPredictions
from overfitlab.words.language import Language

CURVES, CONFUSION, CALIBRATION = RUN_FIGURES = ("learning_curves", "confusion", "calibration")


def made_of_run(run: Run, said: MethodPredictions | None, say: Language) -> Made:
    """Return the report of a run; `said` is what it says of the test images, where it has looked at them."""
    record = run.record
    sections = [_answer(run, say), _numbers(run, say), *_predictions(run, said, say)]
    if isinstance(record, OwnRunRecord):
        sections += [_images(record, say), _limits(say), _protocol(run, record, say)]
    sections.append(_words(say))
    found = tuple(section for section in sections if section is not None)
    title = say("How did this training go? {run}", run=run.folder.absolute().name)
    return Made(title, run_title(run, say) or record.id, found, kind="run")


def run_figures(run: Run, said: MethodPredictions | None, say: Language) -> dict[str, list[Panel]]:
    """Return the panels of all figures that the run has, by name."""
    found = {CURVES: run_panels(run.rows, say)}
    if said is not None:
        name = str(say.method(run.record.method))
        confused = confusion_panel(name, said, run.record.own().data.classes, say)
        found |= {CONFUSION: [confused]} if confused is not None else {}
        found |= {CALIBRATION: [calibration_panel(name, said.calibration, say)]} if said.calibration else {}
    return found


def _answer(run: Run, say: Language) -> Section:
    texts = [run_summary(run, say)]
    if run.record.status != FINISHED:
        texts.append(say("This training has not finished: it is {status}, after {epochs} of {planned} epochs.",
                         status=say(run.record.status), epochs=len(run.rows),
                         planned=run.planned_epochs))  # fmt: skip
    end = run.record.measured.end
    if end is not None and end.test is not None:
        texts.append(say("Test accuracy: {accuracy} %, on {images:,} images.",
                         accuracy=f"{100 * end.test.acc:.1f}", images=end.test.images))  # fmt: skip
    caption = say(
        "Loss and accuracy over the epochs. Training and validation are both measured in evaluation mode, on clean "
        "images, where the protocol does so; the dotted line is what a progress bar shows, with dropout and "
        "augmentation switched on. The onset is the epoch with the lowest validation loss."
    )
    figure = FigureBlock(CURVES, tuple(run_panels(run.rows, say)), caption)
    blocks: list[Block] = [Paragraphs(tuple(texts), leading=True)]
    odd = run_oddities(run, say)
    blocks += [Bullets(tuple(odd))] if odd else []
    return Section("answer", say("The answer"), (*blocks, figure))


def _numbers(run: Run, say: Language) -> Section | None:
    rows = []
    measured = run.record.measured
    moments = (
        (say("end (epoch {epoch})", epoch=run.handed_over), measured.end),
        (say("onset (epoch {epoch})", epoch=run.onset), None if run.onset == run.handed_over else measured.onset),
    )
    for moment, parts in moments:
        if parts is None:
            continue
        rows += [(moment, say(part), *_cells(found), f"{found.images:,}") for part, found in parts.items()]
        if parts.training is not None and parts.validation is not None:
            gap = gaps(parts.training, parts.validation)
            known = [(gap.loss, ""), (gap.acc, ""), (gap.balanced_acc, "")]
            shown = ("" if value is None else f"{value:+.4f}" for value, _ in known)
            rows.append((moment, say("gap"), *shown, ""))
    if not rows:
        return None
    header = (say("weights"), say("part"), say("loss"), say("acc"), say("balanced acc"), say("images"))
    caption = say(
        "Measured on all images of each part, in evaluation mode: loss in nats, accuracies as fractions. The gap "
        "is training minus validation accuracy; of the loss, validation minus training."
    )
    return Section("numbers", say("What was measured"), (Tabled(Table(header, tuple(rows), left=2), caption),))


def _cells(found: Measurement) -> tuple[str, ...]:
    numbers = (found.loss, found.acc, found.balanced_acc)
    return tuple("-" if number is None or not math.isfinite(number) else f"{number:.4f}" for number in numbers)


def _predictions(run: Run, said: MethodPredictions | None, say: Language) -> Iterator[Section]:
    """Yield what the network says of the test images."""
    if said is None:
        return
    classes, name = run.record.own().data.classes, str(say.method(run.record.method))
    if said.confusion is not None:
        top = frequent_mistakes(said, classes, say)
        blocks: list[Block] = [Bullets((top,))] if top else []
        if len(classes) <= COUNTED_CLASSES:
            caption = say("Rows are true classes and columns predicted classes, in percent of the true class.")
            blocks = [Confusions((Confusion(name, tuple(classes), in_percent(said.confusion), top),), caption)]
        if blocks:
            yield Section("confusion", say("Which classes are confused"), tuple(blocks))
    if said.calibration is not None:
        caption = say(
            "Do probabilities mean what they say? Below the diagonal a network is overconfident. The size of a dot "
            "shows the number of images. ECE is the expected calibration error in 15 bins."
        )
        panel = calibration_panel(name, said.calibration, say)
        yield Section("calibration", say("Calibration"), (FigureBlock(CALIBRATION, (panel,), caption),))


def _images(record: OwnRunRecord, say: Language) -> Section | None:
    seed = record.config.seed if "split" in record.config.protocol.vary else None
    lines = data_lines(record.data, say, RECORD, seed)
    return Section("images", say("The images"), (Bullets(tuple(lines)),)) if lines else None


def _limits(say: Language) -> Section:
    texts = (
        say(
            "One training does not show how much its numbers vary from seed to seed. To find out whether a method "
            "helps, use overfitlab compare, over paired seeds."
        ),
        say(
            "The answer is for these images, this network, and this number of training images and epochs. Other "
            "data, a larger network or longer training can give a different one."
        ),
    )
    return Section("limits", say("What this run cannot say"), (Bullets(texts),))


def _protocol(run: Run, record: OwnRunRecord, say: Language) -> Section:
    how, where = tuple(_how(record, say)), tuple(_where(record, say))
    name = shlex.quote(run.folder.absolute().name)
    report = f"overfitlab report {name}" + ("" if say.code == "en" else f" --lang {say.code}")
    commands = [(say("this report"), report)]
    if record.measured.end is not None:
        commands.append((say("measure it again"), f"overfitlab evaluate {name}"))
    facts = (Facts(how), Facts(where), Facts(tuple(commands), commands=True))
    return Section("protocol", say("How it was done, and how to reproduce it"), facts)


def _how(record: OwnRunRecord, say: Language) -> Iterator[tuple[str, str]]:
    config, settings, data = record.config, record.config.protocol, record.data
    yield say("method"), config.method
    yield say("seed"), str(config.seed)
    yield say("data"), data.name
    yield say("data hash (SHA-256)"), data.sha256
    yield say("images"), say(
        "{training} training, {validation} validation, {test} test",
        training=f"{data.training:,}", validation=f"{data.validation:,}", test=f"{data.test:,}",
    )  # fmt: skip
    if data.note is not None:
        yield say("note"), say.reason(data.note)
    yield say("network"), f"{config.model} (--bare)" if config.bare else config.model
    yield say("parameters"), f"{record.network.parameters.total:,}"
    yield say("training"), say(
        "{epochs} epochs, batches of {batch}, {optimizer}, precision {precision}",
        epochs=settings.epochs, batch=settings.batch_size, optimizer=optimizer_text(settings, say),
        precision=record.resolved.precision,
    )  # fmt: skip
    yield say("protocol"), settings.name
    yield say("split"), "; ".join(split_words(settings, say))
    yield say("standardization"), standardization_words(settings, say)
    if settings.batch_norm_warm_up:
        yield say("batch normalization"), say("its moving averages start as plain means over the batches")
    if config.weights != RunConfig.weights:
        yield say("initial weights"), str(config.weights)
    if settings.vary:
        yield say("the seed determines"), say.listing([say(VARIED.get(word, word)) for word in settings.vary])


def _where(record: OwnRunRecord, say: Language) -> Iterator[tuple[str, str]]:
    for name, value in record.environment.items():
        yield say(name), str(value)
    yield say("threads"), str(record.resolved.threads)
    yield say("trained"), record.times.started
    if record.times.training_seconds is not None:
        yield say("seconds of training"), f"{record.times.training_seconds:.1f}"
    if record.times.peak_memory_mb is not None:
        yield say("peak memory"), f"{record.times.peak_memory_mb:,} MB"
    yield say("run"), record.id


def _words(say: Language) -> Section:
    return Section("words", say("Terms"), (Facts((
        (say("generalization gap"), say("training accuracy minus validation accuracy, both in evaluation mode on clean "
                                        "images")),
        (say("onset"), say("the epoch with the lowest validation loss; what comes after it is overfitting, so if "
                           "it is the last epoch, overfitting has not begun")),
        (say("point"), say("a hundredth: 71 % accuracy is one point more than 70 %")),
    )),))  # fmt: skip
