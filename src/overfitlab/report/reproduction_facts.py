"""How a study was made, how to make it again, and what it cannot say: the end of a report."""

import shlex
from collections.abc import Iterator

from overfitlab.config import Protocol, StudyConfig
from overfitlab.report import metric_words
from overfitlab.report.fresh_seeds import fresh_command, optimism
from overfitlab.report.numbers import other_images
from overfitlab.report.power_text import percent, power_sentence
from overfitlab.report.seed_spread import known_deviation
from overfitlab.report.study_sentences import caveats
from overfitlab.report.training_words import optimizer_text
from overfitlab.results.metric import BY_NAME
from overfitlab.study.calling import as_called
from overfitlab.study.evidence import Evidence
from overfitlab.study.recipe import like_command
from overfitlab.words.language import Language

VARIED = {"split": "split", "init": "initial weights", "order": "order of the batches"}
CHANGED = {
    "epochs": "epochs", "batch_size": "batch size", "learning_rate": "learning rate", "optimizer": "optimizer",
    "schedule": "schedule of the learning rate", "keep": "weights kept",
    "training_images": "training images", "vary": "what a seed determines",
}  # fmt: skip


def limits(evidence: Evidence, say: Language) -> Iterator[str]:
    """Yield what the study cannot say, a sentence each."""
    if evidence.provisional:
        yield say("The study is not finished: runs are missing, so there is no verdict yet.")
    missing = [each for each in evidence.contrasts if each.missing]
    if missing:
        yield say("Pairs of runs that are missing: {what}.",
                  what=", ".join(f"{say.method(each.label)} - {say.method(each.against_label)} "
                                 f"{each.missing}" for each in missing))  # fmt: skip
    yield from caveats(evidence, evidence, say)
    for each in evidence.methods:
        known = evidence.predictions[each.method].runs
        if known < each.finished:
            yield say("The predictions of {count} runs of {name} are missing from everything about the test images.",
                      name=say.method(each.label), count=each.finished - known)  # fmt: skip
    [baseline] = [each for each in evidence.methods if each.method == evidence.baseline]
    if 0 < baseline.finished == baseline.without_onset:
        yield say(
            "The validation loss of {baseline} was lowest in the last epoch of every run, so there was no "
            "overfitting to reduce yet.",
            baseline=say.method(baseline.label),
        )
    yield _power(evidence, say)
    yield say(
        "The answer is for these images, this network, and this number of training images and epochs. Other data, "
        "a larger network or longer training can give a different one."
    )
    yield say("Every method ran with the one setting listed below; no setting was tuned on these images.")
    yield from _covered(evidence, say)
    yield say("Times were measured on the machine listed below, including whatever else it was doing.")
    if evidence.data.note is not None:
        yield say("About the data: {note}.", note=say.reason(evidence.data.note))


def _covered(evidence: Evidence, say: Language) -> Iterator[str]:
    if not evidence.contrasts:
        yield say(
            "The interval of the standard deviation assumes normal noise, and is about other seeds on these images."
        )
        return
    yield say("Verdict, p-value and the interval beside them are about other seeds on these test images; a seed "
              "determines {what}.", what=varied(evidence, say))  # fmt: skip
    if any(other_images(each.metric) for each in evidence.contrasts):
        yield say("The interval for other images also covers other test images of the same kind.")
    yield say(
        "No interval covers images of another kind or other training images: all seeds draw theirs from the same set."
    )


def varied(evidence: Evidence, say: Language) -> str:
    """Return what a seed of the study decides."""
    fixed = {"init"} if evidence.asked.model_start is not None else set()
    return say.listing([say(VARIED.get(word, word)) for word in evidence.plan.protocol.vary if word not in fixed])


def _power(evidence: Evidence, say: Language) -> str:
    power = evidence.power
    if not evidence.contrasts:
        if power.seeds < 2:
            return say("One seed does not show how much the method varies.")
        return say("With {seeds} seeds a standard deviation is known to within {factors}, if the noise is normal.",
                   seeds=power.seeds, factors=known_deviation(power.seeds, say))  # fmt: skip
    found, unit = [], say(BY_NAME[evidence.metric].unit)
    for case in power.cases:
        chances = say.listing([
            say("{chance} for {size}", chance=percent(each.chance, say), size=f"{each.points:g}")
            for each in case.differ
        ])  # fmt: skip
        axis = say(metric_words.words_of(evidence.metric, case.axis).name)
        found.append(say("For {axis} at SD {deviation}: {chances} {unit}; equivalence: {equal}", axis=axis,
                         deviation=f"{case.deviation:g}", chances=chances, unit=unit,
                         equal=percent(case.equal, say)))  # fmt: skip
    return f"{power_sentence(power, say)} {'. '.join(found)}."


def protocol(evidence: Evidence, say: Language) -> Iterator[tuple[str, str]]:
    """Yield what was held fixed."""
    asked, plan, data = evidence.asked, evidence.plan, evidence.data
    settings, parts = plan.protocol, plan.parts
    yield say("data"), data.name
    yield say("data hash (SHA-256)"), data.sha256
    yield say("images"), say(
        "{training} training, {validation} validation, {test} test",
        training=f"{parts.training:,}", validation=f"{parts.validation:,}", test=f"{parts.test:,}",
    )  # fmt: skip
    yield say("network"), f"{asked.model} (--bare)" if asked.bare else asked.model
    yield say("training"), say(
        "{epochs} epochs, batches of {batch}, {optimizer}, precision {precision}",
        epochs=settings.epochs, batch=settings.batch_size, optimizer=optimizer_text(settings, say),
        precision=", ".join(evidence.precision) or asked.precision,
    )  # fmt: skip
    changed = ", ".join(say(CHANGED.get(name, name)) for name in asked.given)
    named = say("{name}; changed: {changed}", name=settings.name, changed=changed)
    yield say("protocol"), named if changed else settings.name
    yield say("split"), "; ".join(split_words(settings, say))
    yield say("standardization"), standardization_words(settings, say)
    if settings.batch_norm_warm_up:
        yield say("batch normalization"), say("its moving averages start as plain means over the batches")
    fresh = say("drawn by the network's own initializers") if asked.weights is None else str(asked.weights)
    if asked.model_start is not None and asked.weights is None:
        fresh = say("those that the network was passed with, at every seed (SHA-256 {hash})", hash=asked.model_start)
    yield say("initial weights"), fresh
    yield say("seeds"), say("{seeds}; each determines {what}", seeds=", ".join(map(str, evidence.seed_numbers)),
                            what=varied(evidence, say))  # fmt: skip
    if len(evidence.looks) > 1:
        yield say("looks"), say("planned after {seeds} seeds", seeds=say.listing(list(map(str, evidence.looks))))
    if asked.budget:
        yield say("budget"), say("{seconds} s", seconds=str(asked.budget))
    yield say("method settings"), "; ".join(each.method for each in evidence.methods)
    if asked.alpha != StudyConfig.alpha:
        yield say("significance level"), f"{asked.alpha:g}"
    yield say("equivalence margin"), say(
        "{metric} within {margin}, gap within {gap}", metric=metric_words.name(evidence.metric, say),
        margin=metric_words.amount(evidence.margin, evidence.metric, say),
        gap=metric_words.amount(evidence.gap_margin, evidence.metric, say),
    )  # fmt: skip


def standardization_words(settings: Protocol, say: Language) -> str:
    """Return what images were standardized by."""
    if settings.standardization == "training":
        return say("per channel, with the mean and standard deviation of the training images")
    return say("per channel, with the mean and standard deviation of all images that are not for testing")


def split_words(settings: Protocol, say: Language) -> Iterator[str]:
    """Yield how the images were divided into training and validation."""
    fraction = str(settings.validation_fraction)
    yield say("validation fraction {fraction} of the images that are not for testing", fraction=fraction)
    yield say("stratified by class") if settings.stratified else say("at random")
    if "split" not in settings.vary:
        yield say("the same at every seed, split seed {seed}", seed=str(settings.split_seed))


def environment(evidence: Evidence, say: Language) -> Iterator[tuple[str, str]]:
    """Yield where it was trained."""
    for name, value in evidence.environment.items():
        yield say(name), str(value)
    sessions = evidence.sessions
    if sessions:
        yield say("trained"), "; ".join(
            say("{started}; runs at once: {jobs}, threads of each: {threads}",
                started=str(each.started), jobs="-" if each.jobs is None else each.jobs,
                threads=evidence.plan.threads)
            for each in sessions
        )  # fmt: skip
    yield say("study"), f"{evidence.study} ({evidence.study_id})"


def commands(evidence: Evidence, say: Language) -> Iterator[tuple[str, str]]:
    """Yield the commands that make study, report and model again."""
    name = shlex.quote(evidence.reference)
    if evidence.command:
        yield say("the study"), as_called(evidence.command)
    yield say("this report"), f"overfitlab report {name}" + ("" if say.code == "en" else f" --lang {say.code}")
    if optimism(evidence, say) and (fresh := fresh_command(evidence)):
        yield say("an estimate from fresh seeds"), fresh
    if evidence.recommended is not None:
        yield say("the recommended model"), like_command(evidence.reference, evidence.asked.model)
