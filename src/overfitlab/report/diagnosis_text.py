"""What a diagnosis says, in sentences that a log can bear out."""

import shlex
from collections.abc import Iterator

from overfitlab.interop.diagnosing import Diagnosed
from overfitlab.stats.diagnosis import OVERFITTING, UNDERFITTING, Diagnoses, Diagnosis
from overfitlab.words.language import ENGLISH, Language

REMEDIES = ("dropout", "augment", "weight_decay")
MOST_EPOCHS = 100  # of the study that is proposed
SENTENCES = {
    "not_yet": "It does not overfit yet: validation is no worse at the end than anywhere before, beyond the "
    "noise of the "
    "curve.",
    "underfitting": "It underfits: training has stopped improving, and training images are hardly fitted better "
    "than validation images.",
    "diverged": "It diverged: a loss is not finite, or grew far beyond where it began.",
    "unstable": "It is unstable: from epoch to epoch the curve jumps by more than any trend in it.",
    "too_short": "It is too short to tell: {epochs} epochs, and at least {fewest} are needed.",
    "too_noisy": "It is too noisy to tell: the curve changes less overall than from one epoch to the next.",
}


def diagnosis_text(found: Diagnosed, say: Language = ENGLISH) -> str:
    """Return what there is to say of one method, a sentence a line."""
    name = say("{name} ({runs}):", name=found.method, runs=say.count(len(found.found.runs), "run"))
    return "\n".join([name, *(f"  {text}" for text in sentences(found, say))])


def sentences(found: Diagnosed, say: Language) -> Iterator[str]:
    """Yield the diagnosis, the gap, what training on cost, what the log cannot show, and what to do."""
    known = found.found
    yield _state(known, say)
    if len(known.runs) > 1 and known.agreeing < len(known.runs):
        yield say("That holds for {agreeing} of {runs} runs.", agreeing=known.agreeing, runs=len(known.runs))
    yield from _cost(known, say)
    yield from _gap(known, say)
    if sum(run.validation_better for run in known.runs) * 2 > len(known.runs):
        yield _better(known.runs[0], say)
    if found.on_test:
        yield say("The curve is that of test images: whatever is chosen by it can no longer be tested on them.")
    yield say("A log does not show why: too few images, a network that is too large, or labels that are wrong look the "
              "same in it. A study tells what helps:")  # fmt: skip
    yield f"  {remedy(known)}"


def remedy(known: Diagnoses) -> str:
    """Return the command of the study that would find what helps."""
    epochs = min(max(run.epochs for run in known.runs), MOST_EPOCHS)
    words = ["overfitlab", "compare", "none", *REMEDIES, "--data", "YOUR_IMAGES", "--epochs", str(max(epochs, 5))]
    if known.state == UNDERFITTING:  # regularization would make it worse: is a larger step, or more of them, enough?
        words = [
            "overfitlab",
            "compare",
            "none",
            "batch_norm",
            "--data",
            "YOUR_IMAGES",
            "--epochs",
            str(2 * max(epochs, 5)),
        ]
    return shlex.join(words)


def _state(known: Diagnoses, say: Language) -> str:
    if known.state != OVERFITTING or known.onset is None:
        return say(SENTENCES[known.state], epochs=known.runs[0].epochs, fewest=5)
    by = next(run.by for run in known.runs if run.onset is not None)
    fields = {"onset": f"{known.onset:.3g}", "low": f"{known.onset_low or known.onset:.3g}",
              "high": f"{known.onset_high or known.onset:.3g}"}  # fmt: skip
    if by != "val_loss":
        return say(
            "It overfits, since epoch {onset}, where validation accuracy was highest ({low} to {high}).", **fields
        )
    if sum(run.onset is not None for run in known.runs) == 1:
        return say("It overfits, since epoch {onset}, where validation loss was lowest (within the noise of the curve, "
                   "epoch {low} to {high}).", **fields)  # fmt: skip
    return say("It overfits, since epoch {onset} on average, where validation loss was lowest (95 % interval "
               "over seeds "
               "{low} to {high}).", **fields)  # fmt: skip


def _cost(known: Diagnoses, say: Language) -> Iterator[str]:
    if known.state != OVERFITTING:
        return
    rises = [run.rise for run in known.runs if run.rise is not None and run.onset is not None]
    drops = [run.acc_drop for run in known.runs if run.acc_drop is not None and run.onset is not None]
    if rises:
        yield say("Training beyond that raised validation loss by {rise}.", rise=f"{sum(rises) / len(rises):.3f}")
    if drops:
        drop = 100 * sum(drops) / len(drops)
        yield (
            say("Validation accuracy fell by {points} points meanwhile.", points=f"{drop:.1f}")
            if drop > 0
            else say("Validation accuracy still rose by {points} points: the network became more confident in its "
                     "mistakes, not worse at the rest.", points=f"{-drop:.1f}")
        )  # fmt: skip


def _gap(known: Diagnoses, say: Language) -> Iterator[str]:
    gaps = [run.gap for run in known.runs if run.gap is not None]
    losses = [run.loss_gap for run in known.runs if run.loss_gap is not None]
    logged = any(run.logged for run in known.runs)
    if gaps:
        size = f"{100 * sum(gaps) / len(gaps):.1f}"
        unit = say("{number} points of accuracy", number=size)
    elif losses:
        unit = say("{number} of loss", number=f"{sum(losses) / len(losses):.3f}")
    else:
        return
    if not logged:
        yield say("The gap at the end: {size}, both sides measured in evaluation mode.", size=unit)
        return
    yield say("The logged gap at the end: {size}. Its training side is a running mean over the epoch, with changing "
              "weights and whatever is switched on in training, so it is usually too small.", size=unit)  # fmt: skip


def _better(run: Diagnosis, say: Language) -> str:
    if run.logged:
        return say(
            "Validation is better than training in most epochs. Running means, dropout and augmentation make "
            "training look "
            "worse; validation images that are easier, or seen in training, do so too. This log cannot tell "
            "these apart; "
            "training images measured in evaluation mode would."
        )
    return say("Validation is better than training in most epochs, and running means, dropout and augmentation "
               "are ruled "
               "out: the validation images are easier, very few, or seen in training.")  # fmt: skip
