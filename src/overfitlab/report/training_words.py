"""How weights are moved and which are kept, in words: of a run, a plan and a report."""

import re
from collections.abc import Iterable, Iterator, Sequence

from overfitlab import optimization, spelling
from overfitlab.config import Protocol
from overfitlab.stats.method_summary import MethodSummary
from overfitlab.words.language import Language

SHRINKING = ("l1", "l2", "weight_decay")  # methods that make weights smaller
BETWEEN_METHODS = re.compile(r"(?<![\d.][eE])\+")
ADAM = "D. P. Kingma and J. Ba (2015). Adam: a method for stochastic optimization. ICLR. arXiv:1412.6980."
DECOUPLED = "I. Loshchilov and F. Hutter (2019). Decoupled weight decay regularization. ICLR. arXiv:1711.05101."
MOMENTUM = (
    "I. Sutskever, J. Martens, G. Dahl and G. Hinton (2013). On the importance of initialization and momentum in deep "
    "learning. ICML."
)
WARM_UP = "P. Goyal and others (2017). Accurate, large minibatch SGD: training ImageNet in 1 hour. arXiv:1706.02677."
ONE_CYCLE = (
    "L. N. Smith and N. Topin (2018). Super-convergence: very fast training of neural networks using large learning "
    "rates. arXiv:1708.07120."
)


def optimizer_text(protocol: Protocol, say: Language) -> str:
    """Return the optimizer with its learning rate and what becomes of that: `Adam 0.001, falling to zero ...`."""
    asked = optimization.optimizer(protocol.optimizer)
    settings = _settings(asked)
    return f"{asked.title} {protocol.learning_rate:g}{f' ({settings})' if settings else ''}{falling(protocol, say)}"


def optimizer_name(protocol: Protocol, say: Language) -> str:
    """Return what moves the weights, for a sentence."""
    asked = optimization.optimizer(protocol.optimizer)
    settings = _settings(asked)
    details = f" ({settings})" if settings else ""
    if isinstance(asked, optimization.Sgd):
        return say("stochastic gradient descent as implemented in PyTorch{details}", details=details)
    return say("{optimizer} as implemented in Keras{details}", optimizer=asked.title, details=details)


def falling(protocol: Protocol, say: Language) -> str:
    """Return what to say of a learning rate that is not constant."""
    schedule = optimization.schedule(protocol.schedule)
    said = ""
    if schedule.warming:
        said = say(", after a warm-up of {epochs}", epochs=say.count(schedule.warming, "epoch"))
    match schedule:
        case optimization.Cosine():
            said += say(", falling to zero along a cosine")
        case optimization.Step():
            said += say(", times {factor} after every {epochs}", factor=f"{schedule.factor:g}",
                        epochs=say.count(schedule.every, "epoch"))  # fmt: skip
        case optimization.OneCycle():
            first, last = 1 / schedule.div_factor, 1 / schedule.div_factor / schedule.final_div_factor
            said += say(
                ", in one cycle: from {first} of it, the whole of it after {share} % of the steps, to {last} of it",
                first=f"{first:.3g}", share=f"{100 * schedule.pct_start:g}", last=f"{last:.3g}",
            )  # fmt: skip
    return said


def recipe_notes(protocol: Protocol, methods: Iterable[str], say: Language) -> Iterator[str]:
    """Yield what a reader has to know of the optimizer's own weight decay, and of the weights that are kept.

    `methods` are what the trained ones are called.
    """
    asked = optimization.optimizer(protocol.optimizer)
    if asked.decay:
        shrinking = [method for method in methods if _shrinks(method)]
        fields = {"optimizer": asked.title, "decay": f"{asked.decay:g}"}
        if shrinking:
            yield say(
                "For every method, {optimizer} has its own weight decay of {decay} on all kernels; that of "
                "{methods} is added to it.",
                methods=say.listing([say.method(method) for method in shrinking]), **fields,
            )  # fmt: skip
        else:
            yield say("For every method, {optimizer} has its own weight decay of {decay} on all kernels.", **fields)
    if protocol.keep == "best":
        yield say(
            "For every method, the final weights are those of the epoch with the lowest validation loss (--keep "
            "best). They are chosen on the validation images, so validation results look better than they are; "
            "test images are not involved."
        )


def recipe_caveats(protocol: Protocol, methods: Sequence[MethodSummary], say: Language) -> Iterator[str]:
    """Yield the same of a study, and which epochs were kept, on average over the seeds."""
    yield from recipe_notes(protocol, [each.label for each in methods], say)
    found = []
    for each in methods:
        if protocol.keep == "best" and each.finished:
            last = protocol.epochs * each.without_onset
            others = each.onset.mean * (each.finished - each.without_onset) if each.onset is not None else 0.0
            found.append(f"{say.method(each.label)} {(last + others) / each.finished:.1f}")
    if found:
        yield say("The epoch that was kept, on average: {epochs}.", epochs=", ".join(found))


def sources(protocol: Protocol) -> Iterator[str]:
    """Yield what a paper cites for the optimizer and its schedule."""
    match optimization.optimizer(protocol.optimizer):
        case optimization.Sgd(momentum=momentum):
            yield from [MOMENTUM] if momentum else []
        case optimization.AdamW():
            yield from (ADAM, DECOUPLED)
        case _:
            yield ADAM
    schedule = optimization.schedule(protocol.schedule)
    if schedule.warming:
        yield WARM_UP
    if isinstance(schedule, optimization.OneCycle):
        yield ONE_CYCLE


def _settings(asked: optimization.Optimizer) -> str:
    """Return the settings that are to be said: those that are not as usual, and a weight decay."""
    usual = type(asked)().hyperparameters()
    values = asked.hyperparameters().items()
    shown = {name: value for name, value in values if value != usual[name] or (name == "weight_decay" and value)}
    return spelling.written(shown).replace(",", ", ")


def _shrinks(method: str) -> bool:
    return any(part.partition(":")[0] in SHRINKING for part in BETWEEN_METHODS.split(method))
