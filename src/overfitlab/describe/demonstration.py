"""A demonstration of any method, derived from the hooks that it overrides: nothing here knows one method by name.

All draws have a fixed key, so a demonstration is the same everywhere.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from overfitlab.describe.panels import Bars, Curves, Demonstration, Exhibit, Mark, Row, Series, Values
from overfitlab.describe.shown_on_images import batch, layer
from overfitlab.methods.base import Method
from overfitlab.models.layers import Conv2D, Dense
from overfitlab.models.network import Network
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import Key
from overfitlab.results.history import EpochRow
from overfitlab.words.language import ENGLISH, Language

KEY = Key(0) / "demonstration"
WEIGHTS = np.linspace(-1, 1, 81)
LEARNING_RATE, DECAY_STEPS = 1e-3, 2000
TRACKED_STEPS = 200
EPOCHS = 30


def exhibit(method: Method, say: Language = ENGLISH) -> Exhibit:
    """Return what can be shown of a single method, not of a composition (see `Method.parts`).

    A hook that fails, of whoever's method, is named in the note.
    """
    overridden = [hook for hook in _SHOWN if _overrides(type(method), hook)]
    shown, problems = [], []
    for hook in overridden:
        try:
            with torch.no_grad():
                found = _SHOWN[hook](method, KEY / method.name / hook, say)
        except Exception as error:  # whatever somebody's method does with a network or a batch that is not its own
            problems.append(
                say("{hook} cannot be shown, {type}: {reason}", hook=hook, type=type(error).__name__, reason=str(error))
            )
            continue
        if found is not None:
            shown.append(found)
    note = "; ".join(problems)
    if not overridden:
        note = say("{method} changes nothing, so there is nothing to show", method=say.method(method.label))
    elif not shown and not problems:
        note = say(
            "{method} had no effect on what it was tried on, so there is nothing to show",
            method=say.method(method.label),
        )
    return Exhibit(method.label, tuple(shown), note)


def _overrides(kind: type[Method], hook: str) -> bool:
    return getattr(kind, hook) is not getattr(Method, hook) or (hook == "stop" and kind.restores_onset)


def _network(method: Method, key: Key, say: Language) -> Demonstration | None:
    before, after = (notebook_cnn((32, 32, 3), 10, one, key) for one in (Method(), method))
    widths = [_widths(network) for network in (before, after)]
    if widths[0] == widths[1]:
        return None
    caption = say(
        "Widths of the layers of notebook_cnn for 32x32 images in 10 classes: {now:,} instead of {before:,} "
        "parameters.",
        now=after.parameter_counts()[0], before=before.parameter_counts()[0],
    )  # fmt: skip
    values = [np.array(list(of.values()), dtype=np.float64) for of in widths]
    bars = Bars(say("filters or units"), tuple(widths[0]), {say("before"): values[0], say("after"): values[1]})
    return Demonstration("network", caption, (Row("", (bars,)),))


def _widths(network: Network) -> dict[str, int]:
    return {name: len(layer.weight) for name, layer in network.named_children() if isinstance(layer, Conv2D | Dense)}


def _penalty(method: Method, _key: Key, say: Language) -> Demonstration | None:
    penalties = [method.penalty({"dense1.weight": torch.tensor([[value]])}) for value in WEIGHTS.tolist()]
    if any(found is None for found in penalties):
        return None
    values = np.array([float(found) for found in penalties if found is not None])
    caption = say("What one weight of a kernel adds to the loss, by its value.")
    line = Series(say("penalty"), WEIGHTS, values)
    curve = Curves(say("value of the weight"), say("added to the loss"), (line,))
    return Demonstration("penalty", caption, (Row("", (curve,)),))


def _weight_decay(method: Method, _key: Key, say: Language) -> Demonstration | None:
    steps = np.linspace(0, DECAY_STEPS, 101)
    rates = {
        say("of a kernel"): method.weight_decay("dense1.weight", nn.Parameter(torch.ones(1, 1))),
        say("of a bias"): method.weight_decay("dense1.bias", nn.Parameter(torch.ones(1))),
    }
    if not any(rates.values()):
        return None
    lines = tuple(Series(name, steps, (1 - LEARNING_RATE * rate) ** steps, not rate) for name, rate in rates.items())
    caption = say("A weight without a gradient over the steps, from 1, at a constant learning rate of {rate:g}.",
                  rate=LEARNING_RATE)  # fmt: skip
    return Demonstration("weight_decay", caption, (Row("", (Curves(say("step"), say("weight"), lines),)),))


def _tracker(method: Method, key: Key, say: Language) -> Demonstration | None:
    model = nn.Linear(1, 1, bias=False)
    steps = np.arange(1.0, TRACKED_STEPS + 1)
    noisy = 1 - np.exp(-steps / 40) + 0.15 * key.generator().normal(size=TRACKED_STEPS)
    model.weight.fill_(0.0)
    tracker = method.tracker(model)
    if tracker is None:
        return None
    handed_over = []
    for value in noisy.tolist():
        model.weight.fill_(value)
        tracker.after_step()
        handed_over.append(float(next(tracker.evaluation_model().parameters())))
    caption = say(
        "A made-up weight that noise moves at every step, and the average that is measured and kept in its place."
    )
    lines = (
        Series(say("as trained"), steps, noisy, faint=True),
        Series(say("measured and kept"), steps, np.array(handed_over)),
    )
    return Demonstration("tracker", caption, (Row("", (Curves(say("step"), say("weight"), lines),)),))


def made_up_losses() -> Values:
    """Return the validation loss [30] that a stop is shown on: it falls, with two wiggles, and rises again."""
    epochs = np.arange(EPOCHS)
    losses = 0.8 + 1.2 * np.exp(-epochs / 4) + 0.03 * np.maximum(0, epochs - 10)
    losses[4] += 0.25  # a wiggle of one epoch, and one of two
    losses[7:9] += 0.15
    return losses


def _stop(method: Method, _key: Key, say: Language) -> Demonstration | None:
    losses = made_up_losses()
    rows = [
        EpochRow(epoch, 0.0, loss=loss, acc=0.5, val_loss=loss, val_acc=0.5, train_loss=loss, train_acc=0.5)
        for epoch, loss in enumerate(losses.tolist(), start=1)
    ]
    last = next((epoch for epoch in range(1, EPOCHS + 1) if method.stop(rows[:epoch])), EPOCHS)
    lowest = int(losses[:last].argmin()) + 1
    handed_over = lowest if method.restores_onset else last
    if last == EPOCHS == handed_over:
        return None
    epochs = np.arange(1.0, EPOCHS + 1)
    over = say("until it stops" if last < EPOCHS else "over all epochs")
    lines = [Series(over, epochs[:last], losses[:last])]
    marks = [Mark(handed_over, say("final weights: epoch {epoch}", epoch=handed_over))]
    if last < EPOCHS:
        lines.append(Series(say("if it had gone on"), epochs[last - 1 :], losses[last - 1 :], faint=True))
        marks.append(Mark(last, say("stops after epoch {epoch}", epoch=last)))
        caption = say(
            "A made-up validation loss over {epochs} epochs: training stops after epoch {last}, and the final "
            "weights are those of epoch {epoch}.",
            epochs=EPOCHS, last=last, epoch=handed_over,
        )  # fmt: skip
    else:
        caption = say(
            "A made-up validation loss over {epochs} epochs: training does not stop within {epochs} epochs, and "
            "the final weights are those of epoch {epoch}.",
            epochs=EPOCHS, epoch=handed_over,
        )  # fmt: skip
    curves = Curves(say("epoch"), say("validation loss"), tuple(lines), tuple(marks))
    return Demonstration("stop", caption, (Row("", (curves,)),))


_SHOWN: dict[str, Callable[[Method, Key, Language], Demonstration | None]] = {
    "network": _network,
    "layer": layer,
    "batch": batch,
    "penalty": _penalty,
    "weight_decay": _weight_decay,
    "tracker": _tracker,
    "stop": _stop,
}
