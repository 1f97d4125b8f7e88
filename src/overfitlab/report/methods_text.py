"""The methods of a study in a paragraph for a paper, written from its evidence: true of this study, and of no other."""

from collections.abc import Iterable, Iterator

from overfitlab._version import __version__
from overfitlab.records.data_record import GroupsRecord
from overfitlab.report.reproduction_facts import CHANGED, varied
from overfitlab.report.statistics_text import (
    design,
    deviations,
    exact_test,
    intervals,
    metric_name,
    tests,
)
from overfitlab.report.training_words import falling, optimizer_name, recipe_notes, sources
from overfitlab.study.calling import as_called
from overfitlab.study.evidence import OWN, Evidence
from overfitlab.words.language import ENGLISH, Language

TITLE = "overfitlab: does a method help against overfitting on your images, how sure is that, and what does it cost"
AUTHORS = "The overfitlab developers"
YEAR = "2026"
TWO_ONE_SIDED = (
    "D. J. Schuirmann (1987). A comparison of the two one-sided tests procedure and the power approach for assessing "
    "the equivalence of average bioavailability. Journal of Pharmacokinetics and Biopharmaceutics 15.",
)
EXACT = ("R. A. Fisher (1935). The Design of Experiments. (Sign flips.)",)
FIXED = (*TWO_ONE_SIDED, *EXACT)  # what is cited where the number of seeds is fixed
SPREAD = (  # and where there is one method alone
    "R. A. Fisher (1924). On a distribution yielding the error functions of several well known statistics. Proceedings "
    "of the International Congress of Mathematics, Toronto, 2. (The interval of a standard deviation.)",
)
IN_ROUNDS = (
    "T. L. Lai (1976). On confidence sequences. Annals of Statistics 4.",
    "H. Wang and A. Ramdas (2023). Anytime-valid t-tests and confidence sequences for Gaussian means with unknown "
    "variance. arXiv:2310.03722.",
)
SEVERAL = (
    "S. Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.",
    "J. P. Shaffer (1986). Modified sequentially rejective multiple test procedures. Journal of the American "
    "Statistical Association 81.",
)
IMAGES = (
    "S. R. Searle, G. Casella and C. E. McCulloch (1992). Variance Components. Wiley. (Crossed random effects.)",
    "F. E. Satterthwaite (1946). An approximate distribution of estimates of variance components. Biometrics "
    "Bulletin 2.",
)


def methods_text(evidence: Evidence, say: Language) -> str:
    """Return the file: the paragraphs, what they cite, and how to cite the program."""
    return file_of(methods_paragraphs(evidence, say), references(evidence), say)


def file_of(paragraphs: Iterable[str], cited: Iterable[str], say: Language) -> str:
    """Return the file that those paragraphs make, with what they cite, and how to cite the program."""
    listed = "\n".join([say("References:"), *(f"- {each}" for each in cited)])
    return "\n\n".join([*paragraphs, listed, citation(say), bibtex()]) + "\n"


def methods_paragraphs(evidence: Evidence, say: Language = ENGLISH) -> tuple[str, ...]:
    """Return images, training, design, statistics, what went otherwise, and software."""
    judged = (*design(evidence, say), *_outcomes(evidence, say))
    statistics = (*tests(evidence, say), *intervals(evidence, say), *exact_test(evidence, say))
    planned = () if evidence.provisional else statistics
    parts = (_images, _training, lambda *_: judged, lambda *_: planned, deviations, _software)
    return tuple(text for part in parts if (text := " ".join(part(evidence, say))))


def _images(evidence: Evidence, say: Language) -> Iterator[str]:
    data, parts, settings = evidence.data, evidence.plan.parts, evidence.plan.protocol
    height, width, _ = data.image_shape
    fields = {
        "data": data.name, "classes": len(data.classes), "height": height, "width": width, "all": f"{data.images:,}",
        "training": f"{parts.training:,}", "validation": f"{parts.validation:,}", "test": f"{parts.test:,}",
    }  # fmt: skip
    yield (
        say(
            "Networks were trained on our own images, {data} ({all} images of {classes} classes, {height} x "
            "{width} pixels): {training} for training, {validation} for validation and {test} for testing.",
            **fields,
        )
        if data.source == OWN
        else say(
            "Networks were trained on {data} ({all} images of {classes} classes, {height} x {width} pixels): "
            "{training} for training, {validation} for validation and {test} for testing.",
            **fields,
        )
    )
    if not data.test_set_apart:
        yield say("The test set is the one that comes with the data.")
    elif data.groups is not None:
        yield say("The data has no test set, so groups with about a fifth of the images were set aside for "
                  "testing, selected by a hash of the pixels.")  # fmt: skip
    else:
        yield say(
            "The data has no test set, so about a fifth of each class was set aside for testing, selected by "
            "a hash of the pixels."
        )
    if data.groups is not None:
        yield _groups(data.groups, say)
    yield say("The test images are the same for every seed and were used once, at the end of each run.")
    yield from _split(evidence, say)
    yield (
        say("Images were standardized per channel with the mean and standard deviation of the training images.")
        if settings.standardization == "training"
        else say(
            "Images were standardized per channel with the mean and standard deviation of all but the test images."
        )
    )
    if data.note is not None:
        yield say("About the data: {note}.", note=say.reason(data.note))


def _groups(groups: GroupsRecord, say: Language) -> str:
    if groups.shared:
        return say("The images come in {groups} groups, and randomly drawn parts consist of whole groups.",
                   groups=f"{groups.groups:,}")  # fmt: skip
    return say("The images come in {groups} groups, none of which has images in two parts.",
               groups=f"{groups.groups:,}")  # fmt: skip


def _split(evidence: Evidence, say: Language) -> Iterator[str]:
    """Yield where the validation images come from, and what is drawn anew at every seed."""
    data, settings = evidence.data, evidence.plan.protocol
    brings = data.brings_validation if data.source == OWN else False  # no published set has any
    anew = "split" in settings.vary
    if brings:
        yield say("The validation set is the one that comes with the data.")
        yield (
            say("Where only some of the images of a part were used, they were drawn anew for every seed.")
            if anew
            else say("Where only some of the images of a part were used, they are the same for every seed.")
        )
        return
    if brings is None:  # an older record, which does not say it
        yield say("Training and validation images do not overlap.")
        return
    shares = say("stratified by class") if settings.stratified else say("at random")
    if data.groups is not None and settings.stratified:
        shares = say("stratified by class as far as whole groups allow")
    yield (
        say("Training and validation images were drawn from the remaining images, anew for every seed, {shares}.",
            shares=shares)
        if anew
        else say("Training and validation images were drawn once from the remaining images, {shares}; they are the "
                 "same for every seed.", shares=shares)
    )  # fmt: skip


def _training(evidence: Evidence, say: Language) -> Iterator[str]:
    asked, settings = evidence.asked, evidence.plan.protocol
    own = asked.model_source is not None
    baseline = next(each for each in evidence.methods if each.method == evidence.baseline)
    name = say("our own, {model}", model=asked.model) if own else asked.model
    if baseline.parameters is None:
        yield say("The network was {model}.", model=name)
    else:
        yield say("The network was {model}, with {parameters} parameters under {baseline}.",
                  model=name, parameters=f"{baseline.parameters:,}", baseline=say.method(baseline.label))  # fmt: skip
    if asked.bare:
        yield say("Its built-in regularization was removed, except under as_is.")
    if asked.model_start is not None and asked.weights is None:
        yield say(
            "Training started from the network's given weights at every seed (SHA-256 {hash}); the initialization "
            "does not vary.",
            hash=asked.model_start,
        )
    if asked.weights is not None:
        yield say("Training started from given weights (SHA-256 {hash}).", hash=asked.weights)
    yield say(
        "It was trained for {epochs} epochs in batches of {batch} images, using {optimizer} with a learning rate "
        "of {rate}{falling}, on the cross-entropy loss plus any term that a method adds (overfitlab's protocol "
        "{protocol}); precision: {precision}.",
        epochs=settings.epochs, batch=settings.batch_size, optimizer=optimizer_name(settings, say),
        rate=f"{settings.learning_rate:g}", falling=falling(settings, say),
        protocol=settings.name, precision=", ".join(evidence.precision) or asked.precision,
    )  # fmt: skip
    yield from recipe_notes(settings, [each.label for each in evidence.methods], say)
    if asked.given:
        changed = say.listing([say(CHANGED.get(name, name)) for name in asked.given])
        yield say("Changes to that protocol: {changed}.", changed=changed)
    if evidence.plan.gave_up:
        yield say(
            "Reduced before training, to fit a budget of {seconds} s: {what}.", seconds=str(asked.budget),
            what="; ".join(say.reason(each) for each in evidence.plan.gave_up),
        )  # fmt: skip
    yield say("The methods and their settings: {methods}.", methods="; ".join(each.method for each in evidence.methods))
    for each in evidence.methods:
        if each.stopped_early:
            yield say("{name} stopped {count} of its {all} runs before the last epoch.", name=say.method(each.label),
                      count=each.stopped_early, all=each.finished)  # fmt: skip


def _outcomes(evidence: Evidence, say: Language) -> Iterator[str]:
    numbers = evidence.seed_numbers
    if numbers and not evidence.contrasts:
        yield say("Seeds {first} to {last} were used. A seed determines {what}.",
                  first=numbers[0], last=numbers[-1], what=varied(evidence, say))  # fmt: skip
    elif numbers:
        yield say(
            "Seeds {first} to {last} were used. A seed determines {what}, identically for every method in what the "
            "methods share, so runs are paired by seed.",
            first=numbers[0], last=numbers[-1], what=varied(evidence, say),
        )  # fmt: skip
    yield say(
        "There are two outcomes, both measured with each method's final weights, in evaluation mode on clean "
        "images: {metric}, and the generalization gap (how much worse the same metric is on validation than on "
        "training images).",
        metric=metric_name(evidence, say),
    )
    if evidence.contrasts:
        yield say("A difference is the method minus what it is compared with.")


def _software(evidence: Evidence, say: Language) -> Iterator[str]:
    facts = evidence.environment
    known = (("Python", "python"), ("PyTorch", "torch"), ("NumPy", "numpy"), ("scikit-learn", "scikit-learn"))
    versions = [f"{name} {facts[key]}" for name, key in known if facts.get(key)]
    trained = evidence.producer.version
    own = f"overfitlab {trained}" if trained else "overfitlab"
    if trained != __version__:
        yield say("Trained with {own}; the verdict was computed with overfitlab {version}.", own=own,
                  version=__version__)  # fmt: skip
    else:
        yield say("Trained and judged with {own}.", own=own)
    machine = [str(facts[key]) for key in ("processor", "system") if facts.get(key)]
    if facts.get("cores"):
        machine.append(say("cores: {count}", count=facts["cores"]))
    yield say("Machine and packages at the start: {facts}.", facts=", ".join([*versions, *machine]))
    jobs = sorted({each.jobs for each in evidence.sessions if each.jobs is not None})
    yield say("Threads of each run: {threads}; runs at once: {jobs}.", threads=evidence.plan.threads,
              jobs=", ".join(map(str, jobs)) or "-")  # fmt: skip
    yield say("SHA-256 of the images: {hash}.", hash=evidence.data.sha256)
    if evidence.command:
        yield say("Command that reproduces the study: {command}", command=as_called(evidence.command))


def references(evidence: Evidence) -> Iterator[str]:
    """Yield what the paragraphs rely on."""
    yield from sources(evidence.plan.protocol)
    if not evidence.provisional:
        yield from SPREAD if not evidence.contrasts else FIXED if evidence.progress is None else IN_ROUNDS
        if len(evidence.contrasts) > 1:
            yield from SEVERAL
        if any(each.metric.crossed for each in evidence.contrasts):
            yield from IMAGES


def citation(say: Language) -> str:
    """Return how to cite the program, in a line."""
    return say("To cite the program: {reference}",
               reference=f"{AUTHORS} ({YEAR}). {TITLE}. Version {__version__}. MIT License.")  # fmt: skip


def bibtex() -> str:
    """Return the entry of the program for BibTeX."""
    return (
        f"@software{{overfitlab,\n  author = {{{{{AUTHORS}}}}},\n  title = {{{{{TITLE}}}}},\n  year = {{{YEAR}}},\n"
        f"  version = {{{__version__}}},\n  license = {{MIT}}\n}}"
    )
