"""What stands in a report, section by section: a page and a Markdown file lay out the same content.

It is made from the document of a study's evidence and nothing else, so that every number can be found there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from overfitlab.records.study_folder import RECORD
from overfitlab.report import metric_words, study_figures
from overfitlab.report.answer import Answer, answer_of
from overfitlab.report.blocks import (
    Block,
    Bullets,
    Confusion,
    Confusions,
    Disputed,
    Facts,
    FigureBlock,
    Paragraphs,
    Pictures,
    Section,
    TableBlock,
)
from overfitlab.report.data_text import data_lines
from overfitlab.report.fresh_seeds import optimism
from overfitlab.report.image_figures import COUNTED_CLASSES, frequent_mistakes
from overfitlab.report.numbers import interval_name, level, other_images, plain
from overfitlab.report.paper_files import paper_section
from overfitlab.report.reproduction_facts import commands, environment, limits, protocol, varied
from overfitlab.report.study_sentences import answer
from overfitlab.report.study_tables import (
    Table,
    difference,
    method_table,
    onset_table,
    p_table,
    pair,
    spread,
    student_level,
)
from overfitlab.report.study_tables import between as between_bounds
from overfitlab.report.words_first import verdict_table
from overfitlab.results.metric import BY_NAME, POINTS
from overfitlab.study.evidence import Evidence, Opinion
from overfitlab.words.language import Language


def title(evidence: Evidence, say: Language) -> str:
    """Return the title of a report."""
    if not evidence.contrasts:
        return say("How much does {name} vary from seed to seed? {study}",
                   name=say.method(evidence.label(evidence.baseline)), study=evidence.study)  # fmt: skip
    return say("Which method helps against overfitting? {study}", study=evidence.study)


def subtitle(evidence: Evidence, say: Language) -> str:
    """Return what was studied, in a line."""
    parts = evidence.plan.parts
    fields = {"data": evidence.data.name, "training": f"{parts.training:,}", "seeds": evidence.seeds,
              "protocol": evidence.plan.protocol.name}  # fmt: skip
    if len(evidence.methods) == 1:
        return say("{name} on {data}, {training} training images, seeds: {seeds}, protocol {protocol}",
                   name=say.method(evidence.methods[0].label), **fields)  # fmt: skip
    return say("{methods} methods on {data}, {training} training images, paired seeds: {seeds}, protocol {protocol}",
               methods=len(evidence.methods), **fields)  # fmt: skip


def sections(evidence: Evidence, say: Language, *, has_buttons: bool = False) -> list[Section]:
    """Return the report; a section that has nothing to show says so or is left out.

    A page that `has_buttons` to go on with an unfinished study is not told how to do that on the command line.
    """
    answered = partial(_answer, steps=evidence.over or not has_buttons)
    made: list[Callable[[Evidence, Language], Section | None]] = [
        answered, _differences, _verdict, _methods, _curves, _gaps, _equal_fit, _noise, _cost, _confusion, _calibration,
        _disputed, _images, _limits, _protocol, paper_section, _words,
    ]  # fmt: skip
    return [section for make in made if (section := make(evidence, say)) is not None]


def _answer(evidence: Evidence, say: Language, *, steps: bool) -> Section:
    found = answer_of(evidence, evidence, evidence.reference, say)
    found = found if steps else replace(found, steps=())
    blocks = answer_blocks(found, say)
    said = [found.outcome, optimism(evidence, say), *(step.text for step in found.steps if not step.command)]
    blocks += [Paragraphs(tuple(filter(None, said)))] if any(said) else []
    typed = tuple((step.text, step.command) for step in found.steps if step.command)
    blocks += [Facts(typed, commands=True)] if typed else []
    return Section("answer", say("The answer"), (*blocks, *_losses(evidence, say)))


def answer_blocks(found: Answer, say: Language) -> list[Block]:
    """Return the sentence, the table, and what weakens them."""
    rows = tuple(
        (row.name, *(say("{word}: {numbers}", word=cell.word, numbers=cell.numbers) for cell in row.cells))
        for row in found.rows
    )
    tones = {(row, 1 + place): cell.tone for row, one in enumerate(found.rows) for place, cell in enumerate(one.cells)}
    heads = [cell.question for one in found.rows[:1] for cell in one.cells]
    table = Table((say("contrast"), *heads), rows, left=1 + len(heads), tones=tones)
    blocks: list[Block] = [Paragraphs((found.lead,), leading=True)]
    blocks += [TableBlock(table, found.caption)] if rows else []
    for head, items in ((say("What weakens this answer:"), found.weaknesses),
                        (say("What looks odd, and why:"), found.oddities)):  # fmt: skip
        blocks += [Paragraphs((head,)), Bullets(items)] if items else []
    return blocks


def _losses(evidence: Evidence, say: Language) -> tuple[Block, ...]:
    """Return the figure that stands beside the answer."""
    panels = tuple(study_figures.FIGURES["validation_loss"][0](evidence, say))
    caption = say(
        "Validation loss of all methods, averaged over the seeds. Overfitting begins where a line starts to rise "
        "again; the dot marks its lowest point."
    )
    return (FigureBlock("validation_loss", panels, caption),) if panels else ()


def _verdict(evidence: Evidence, say: Language) -> Section | None:
    if not evidence.contrasts:
        return None
    axes = say("Two questions for each contrast: does the method generalize better, and does it overfit less?")
    sentences = Bullets(tuple(answer(evidence, say).split("\n")))
    onset = say(
        "The same contrasts with the weights of the epoch with the lowest validation loss, as if every method, "
        "including the baseline, had been stopped early. Estimates only: verdicts refer to the end of training."
    )
    contrasts = TableBlock(verdict_table(evidence, say), axes)
    best = evidence.plan.protocol.keep == "best"  # then the second look would be the first one again
    at_onset = [] if best else [TableBlock(onset_table(evidence, say), onset)]
    if evidence.provisional:
        text = say(
            "With a fixed number of seeds, no verdicts, p-values or intervals appear until all runs finish, because "
            "repeated peeking produces false positives."
        )
        return Section("verdict", say("The verdict"), (contrasts, Paragraphs((text,)), sentences, *at_onset))
    every_p = TableBlock(p_table(evidence, say), _about_p(evidence, say))
    rules = Paragraphs(tuple(_rules(evidence, say)))
    return Section("verdict", say("The verdict"), (contrasts, rules, sentences, *at_onset, every_p))


def _rules(evidence: Evidence, say: Language) -> Iterator[str]:
    """Yield when which word is said, and what the numbers beside it are."""
    yield say(
        "Helps or harms: the adjusted p is at most {alpha} and the estimate lies outside the equivalence margin "
        "({metric} within {margin}, gap within {gap} {unit}). Equivalent: two one-sided tests place the difference "
        "inside the margin. Undecided: everything else. A difference is the method minus what it is compared with, "
        "in {unit}, paired by seed; a negative gap difference means less overfitting. Time is the ratio of epoch "
        "times.",
        alpha=f"{evidence.alpha:g}", metric=metric_words.name(evidence.metric, say), margin=f"±{evidence.margin:g}",
        gap=f"±{evidence.gap_margin:g}", unit=say(BY_NAME[evidence.metric].unit),
    )  # fmt: skip
    if any(other_images(each.metric) for each in evidence.contrasts):
        yield say(
            "Verdict, p-value and the interval beside them come from one test, about other seeds on these test "
            "images. The interval for other images also covers other test images of the same kind."
        )


def _about_p(evidence: Evidence, say: Language) -> str:
    if evidence.progress is not None:
        return say("Every p-value, raw and adjusted for the number of contrasts, with the plain intervals.")
    return say(
        "Every p-value, raw and adjusted for the number of contrasts: those of the two tests behind the verdicts, "
        "and that of an exact sign-flip test, which assumes less, with the smallest raw p that this number of "
        "seeds can give."
    )


def _methods(evidence: Evidence, say: Language) -> Section:
    text = say(
        "Means over the seeds ± standard deviation: test accuracy and training accuracy in percent, the gap "
        "(training minus validation accuracy) in points, the onset and the epoch with the best validation "
        "accuracy, the loss rise from the onset to the end in nats, seconds per epoch including validation; then "
        "parameters, peak memory, and n, the number of finished runs. All measured in evaluation mode on clean "
        "images, with each method's final weights."
    )
    if evidence.metric != "accuracy":
        metric = BY_NAME[evidence.metric]
        text = say(
            "Means over the seeds ± standard deviation: {metric} in {level}, its gap in {unit}, training accuracy "
            "in percent, the onset and the epoch with the best validation accuracy, the loss rise from the onset "
            "to the end in nats, seconds per epoch including validation; then parameters, peak memory, and n, the "
            "number of finished runs. All measured in evaluation mode on clean images, with each method's final "
            "weights.",
            metric=metric_words.name(metric.name, say), unit=say(metric.unit),
            level=say("percent") if metric.unit == POINTS else say(metric.unit),
        )  # fmt: skip
    return Section("methods", say("The methods"), (TableBlock(method_table(evidence, say), text),))


def _differences(evidence: Evidence, say: Language) -> Section | None:
    caption = say(
        "Each dot is one seed: both methods have the same split, the same order of images and, in shared layers, "
        "the same initial weights. The line below the dots is the {interval} behind the verdict.",
        interval=interval_name(evidence, say),
    )
    return _figure(evidence, say, "paired_differences", "differences", say("Differences, seed by seed"), caption)


def _curves(evidence: Evidence, say: Language) -> Section | None:
    caption = say(
        "Means over the seeds, training and validation on one axis, both in evaluation mode; the bands are one "
        "standard deviation over the seeds. The onset is the epoch with the lowest validation loss: what comes "
        "after it is overfitting. Curves run to the last epoch; for a method that goes back to earlier weights, "
        "such as early stopping, the tables have the numbers of those weights. All methods are drawn on the same "
        "scale. Here training images are measured on a fixed subset, in the tables on all of them, so the two can "
        "differ."
    )
    return _figure(evidence, say, "learning_curves", "curves", say("Learning curves"), caption, kinds=2)


def _gaps(evidence: Evidence, say: Language) -> Section | None:
    caption = say(
        "Training minus validation accuracy, in points, next to the baseline, on one scale for all methods. As in "
        "the learning curves, training accuracy is measured on a fixed subset of the training images."
    )
    return _figure(evidence, say, "gap_curves", "gaps", say("The gap over the epochs"), caption)


def _equal_fit(evidence: Evidence, say: Language) -> Section | None:
    caption = say(
        "A method can have a smaller gap simply because it learns less. This figure plots validation accuracy "
        "against training accuracy: where one line lies above the other, that method generalizes better at the "
        "same fit."
    )
    # at equal fit it is the gap in accuracy, whatever the metric
    end = [say("gap at the end")] if evidence.metric == "accuracy" else []
    header = (say("contrast"), say("gap at equal fit"), student_level(evidence, say), *end, say("n"))
    rows = []
    for each in evidence.contrasts:
        fit = each.equal_fit
        cells = ("", "", "0") if fit is None else (
            difference(fit.mean), between_bounds(fit, say), str(fit.n)
        )  # fmt: skip
        rows.append((pair(each, say), cells[0], cells[1], *(difference(each.gap.mean) for _ in end), cells[2]))
    text = say(
        "The difference in gap, in points, at the highest training accuracy that both reach, when each first "
        "reaches it; it can differ from the gap at the end. During training, accuracy is measured on a fixed "
        "subset of the training images, at the end on all of them."
    )
    above = (TableBlock(Table(header, tuple(rows)), text),) if rows else ()
    return _figure(evidence, say, "equal_fit", "equal-fit", say("The gap at equal fit"), caption, above=above)


def _noise(evidence: Evidence, say: Language) -> Section | None:
    caption = say(
        "How much the mean difference in {metric} would vary with other seeds, and with other test images. More "
        "seeds reduce only the former.",
        metric=metric_words.name(evidence.metric, say),
    )
    places = metric_words.table_digits(evidence.metric)
    confidence = level(evidence.confidence)
    header = (say("contrast"), metric_words.name(evidence.metric, say), say("{level} %, seeds", level=confidence),
              say("{level} %, seeds and test images", level=confidence))  # fmt: skip
    rows = tuple(
        (pair(each, say), difference(each.metric.mean, places), between_bounds(plain(each.metric), say, places),
         between_bounds(each.metric.crossed, say, places))
        for each in evidence.contrasts
        if each.metric.crossed
    )  # fmt: skip
    table = TableBlock(Table(header, rows), say("Intervals over seeds, and over seeds and test images."))
    return _figure(evidence, say, "noise", "noise", say("Seed noise and image noise"), caption, below=(table,))


def _cost(evidence: Evidence, say: Language) -> Section | None:
    caption = say(
        "Time is that of an epoch including validation, paired by seed and measured during the study; parameters "
        "and memory are in the table of methods. Intervals are over seeds."
    )
    return _figure(evidence, say, "cost_and_benefit", "cost", say("Cost and benefit"), caption)


def _figure(
    evidence: Evidence, say: Language, name: str, anchor: str, heading: str, caption: str, *,
    above: tuple[TableBlock, ...] = (), below: tuple[TableBlock, ...] = (), kinds: int = 1,
) -> Section | None:  # fmt: skip
    """Return the section of a figure, with tables above and below it; None where it has no panels."""
    panels = tuple(study_figures.FIGURES[name][0](evidence, say))
    return Section(anchor, heading, (*above, FigureBlock(name, panels, caption, kinds), *below)) if panels else None


def class_names(evidence: Evidence) -> list[str]:
    """Return the names of the classes, as they can be shown."""
    return list(evidence.data.classes)


def _confusion(evidence: Evidence, say: Language) -> Section | None:
    classes, found, tops = class_names(evidence), [], []
    for each in evidence.methods:
        said = evidence.predictions[each.method]
        name = str(say.method(each.label))
        top = frequent_mistakes(said, classes, say)
        if said.confusion is not None and len(classes) <= COUNTED_CLASSES:
            found.append(Confusion(name, tuple(classes), in_percent(said.confusion), top))
        elif said.top_confusions:
            tops.append(f"{name}: {top}")
    caption = say("Rows are true classes and columns predicted classes, in percent of the true class, over all seeds.")
    heading = say("Which classes are confused")
    if found:
        return Section("confusion", heading, (Confusions(tuple(found), caption),))
    return Section("confusion", heading, (Bullets(tuple(tops)),)) if tops else None


def in_percent(counts: Sequence[Sequence[int]]) -> tuple[tuple[float, ...], ...]:
    """Return a confusion matrix [K, K] in percent of the true class."""
    return tuple(tuple(100 * count / (sum(row) or 1) for count in row) for row in counts)


def _calibration(evidence: Evidence, say: Language) -> Section | None:
    caption = say(
        "Do probabilities mean what they say? Below the diagonal a network is overconfident. The size of a dot "
        "shows the number of images. ECE is the expected calibration error in 15 bins, mean ± standard deviation "
        "over the seeds."
    )
    header = (say("method"), "ECE", say("mean confidence"), say("accuracy"))
    known = [(each, evidence.predictions[each.method].calibration) for each in evidence.methods]
    rows = tuple(
        (str(say.method(each.label)), spread(found.expected_error, 3), f"{found.mean_confidence:.3f}",
         f"{found.accuracy:.3f}")
        for each, found in known
        if found is not None
    )  # fmt: skip
    table = TableBlock(Table(header, rows), say("Calibration on the test images."))
    return _figure(evidence, say, "calibration", "calibration", say("Calibration"), caption, below=(table,))


def _disputed(evidence: Evidence, say: Language) -> Section | None:
    classes = class_names(evidence)
    labels = {each.method: str(say.method(each.label)) for each in evidence.methods}
    found = []
    for each in evidence.disputed:
        true = classes[each.label]
        opinions = tuple((labels[method], _opinion(said, classes, say)) for method, said in each.opinions.items())
        title_text = say("true class: {name}", name=true)
        alternative = say("test image, row {row} of the data set, {name}", row=each.row, name=true)
        found.append(Disputed(each.row, true, title_text, alternative, opinions))
    if not found:
        return None
    caption = say(
        "The test images on which a method and the baseline differ most in how many of their seeds are right. They "
        "were picked for that difference, so they say nothing about how often it occurs."
    )
    return Section("disputed", say("Where methods disagree"), (Pictures(tuple(found), caption),))


def _opinion(said: Opinion, classes: Sequence[str], say: Language) -> str:
    if said.right == said.runs:
        return say("right in all {runs}", runs=said.runs)
    fields = {"right": said.right, "runs": said.runs, "votes": said.votes, "name": classes[said.taken_for]}
    if said.votes == 1:
        return say("right in {right} of {runs}; {votes} predicts {name}", **fields)
    return say("right in {right} of {runs}; {votes} predict {name}", **fields)


def _images(evidence: Evidence, say: Language) -> Section | None:
    """Return what a reader has to know about the images: what was done to them, and what is odd about them."""
    first = evidence.asked.first_seed if "split" in evidence.plan.protocol.vary else None
    lines = data_lines(evidence.data, say, RECORD, first)
    return Section("images", say("The images"), (Bullets(tuple(lines)),)) if lines else None


def _limits(evidence: Evidence, say: Language) -> Section:
    return Section("limits", say("What this study cannot say"), (Bullets(tuple(limits(evidence, say))),))


def _protocol(evidence: Evidence, say: Language) -> Section:
    return Section(
        "protocol",
        say("How it was done, and how to reproduce it"),
        (
            Facts(tuple(protocol(evidence, say))),
            Facts(tuple(environment(evidence, say))),
            Facts(tuple(commands(evidence, say)), commands=True),
        ),
    )


def _adjusted_p(evidence: Evidence, say: Language) -> str:
    if evidence.progress is not None:
        return say("p-value of a test that may be read after every seed, corrected for the number of contrasts "
                   "(Holm or Shaffer)")  # fmt: skip
    return say("p-value of the paired t-test, corrected for the number of contrasts (Holm or Shaffer)")


def _words(evidence: Evidence, say: Language) -> Section:
    return Section("words", say("Terms"), (Facts((
        (say("generalization gap"), say("training accuracy minus validation accuracy, both in evaluation mode on clean "
                                        "images")),
        (say("onset"), say("the epoch with the lowest validation loss; what comes after it is overfitting, so if "
                           "it is the last epoch, overfitting has not begun")),
        (say("seed"), say("one number that determines {what}", what=varied(evidence, say))),
        (say("paired"), say("at the same seed every method gets the same split, order and, in shared layers, the same "
                            "initial weights")),
        (say("adjusted p"), _adjusted_p(evidence, say)),
        (say("point"), say("a hundredth: 71 % accuracy is one point more than 70 %")),
    )),))  # fmt: skip
