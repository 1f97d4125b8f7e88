"""Fitting a study into a time that was given.

What is given up, in this order, and no more than it takes:

1. training images, down to 1,000 or 20 for each class, whichever is more; fewer images are learnt by heart sooner, so
   overfitting stays visible. Validation images go along, at half as many, down to 1,000.
2. epochs, as long as the learning rates of all steps still add up to LEAST_LEARNING, which bounds the first step too.
   With less, even `none` has hardly begun to overfit (docs/study.md).

Seeds are never given up: without enough of them there is no verdict, however long each run was.
"""

import math
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from overfitlab import optimization
from overfitlab.config import Protocol
from overfitlab.errors import UsageError
from overfitlab.reasons import Reason, reason
from overfitlab.records.study_record import PartSizes
from overfitlab.study.cost import reduced

LEAST_IMAGES, LEAST_OF_A_CLASS = 1000, 20
LEAST_VALIDATION = 1000
LEAST_LEARNING = 0.19  # sum of the learning rates of all steps: 12 epochs of 1,000 images under `quick`
SHRINK = 0.95  # of the images, from one try to the next
SPARE = 1.2  # times what was needed: times are measured anew with the next command


@dataclass(frozen=True)
class Fitted:
    """A protocol that fits, and what was given up for it."""

    protocol: Protocol
    gave_up: tuple[Reason, ...]


def fit(
    protocol: Protocol,
    parts: PartSizes,
    classes: int,
    budget: float,
    seconds: Callable[[Protocol], float],
    given: Collection[str] = (),
    command: str = "",
) -> Fitted:
    """Return the protocol that fits into `budget` seconds, where `seconds` says what one takes.

    The fields of the protocol in `given` were asked for, and stay.

    Raises `UsageError` where even the least that shows overfitting does not fit, with a `command` that does.
    """
    if seconds(protocol) <= budget:
        return Fitted(protocol, ())
    least = min(parts.training, max(LEAST_IMAGES, LEAST_OF_A_CLASS * classes))
    fitted, images = protocol, reduced(protocol, parts).training
    while "training_images" not in given and seconds(fitted) > budget and images > least:
        images = max(least, math.floor(images * SHRINK))
        smaller = _with_images(protocol, images, parts)
        if not _learns(smaller, parts):
            break
        fitted = smaller
    while "epochs" not in given and seconds(fitted) > budget and fitted.epochs > 1:
        shorter = replace(fitted, epochs=fitted.epochs - 1)
        if not _learns(shorter, parts) or shorter.epochs < optimization.schedule(protocol.schedule).least_epochs:
            break
        fitted = shorter
    needed = seconds(fitted)
    if needed > budget:
        values = {
            "budget": _exactly(budget), "needed": _exactly(needed), "epochs": fitted.epochs,
            "images": reduced(fitted, parts).training, "command": with_budget(command, SPARE * needed),
        }  # fmt: skip
        if given:
            raise UsageError(
                "budget_too_little_for_what_was_given",
                "a budget of {budget} is too short: these methods and seeds take {needed} even with {images:,} "
                "training images and {epochs} epochs, and with less nothing would overfit, or you asked for that many; "
                "use fewer methods or --seeds, or this command, which fits: {command}",
                **values,
            )
        raise UsageError(
            "budget_too_little",
            "a budget of {budget} is too short: these methods and seeds take {needed} even with {images:,} training "
            "images and {epochs} epochs, and with less nothing would overfit; use fewer methods or --seeds, or this "
            "command, which fits: {command}",
            **values,
        )
    return Fitted(fitted, _given_up(protocol, fitted, parts))


def learning(protocol: Protocol, images: int) -> float:
    """Return the sum of the learning rates of all steps of a run on that many images.

    Those of another optimizer than Adam count by how much its usual learning rate is larger than Adam's.
    """
    steps = protocol.epochs * math.ceil(images / protocol.batch_size)
    usual = optimization.optimizer(protocol.optimizer).usual_rate / optimization.Adam.usual_rate
    return steps * protocol.learning_rate / usual * optimization.schedule(protocol.schedule).mean(protocol.epochs)


def _typed(seconds: float) -> str:
    """Return a time of at least so many seconds, as it is typed: `90s`, `30m`, `2.5h`."""
    if seconds <= 120:
        return f"{math.ceil(seconds)}s"
    return f"{math.ceil(seconds / 60)}m" if seconds <= 7200 else f"{math.ceil(seconds / 360) / 10:g}h"


def _exactly(seconds: float) -> str:
    """Return a time in the same units, so finely that two that differ read differently: `382s`, `17.4m`."""
    if seconds <= 600:
        return f"{math.ceil(seconds)}s"
    return f"{math.ceil(seconds / 6) / 10:g}m" if seconds <= 7200 else f"{math.ceil(seconds / 36) / 100:g}h"


def with_budget(command: str, seconds: float) -> str:
    """Return the command line with a budget of at least so many seconds."""
    text = _typed(seconds)
    words = shlex.split(command)
    for place, word in enumerate(words):
        if word == "--budget":
            return shlex.join([*words[: place + 1], text, *words[place + 2 :]])
        if word.startswith("--budget="):
            return shlex.join([*words[:place], f"--budget={text}", *words[place + 1 :]])
    return shlex.join([*words, "--budget", text])


def _learns(protocol: Protocol, parts: PartSizes) -> bool:
    return learning(protocol, reduced(protocol, parts).training) >= LEAST_LEARNING


def _with_images(protocol: Protocol, images: int, parts: PartSizes) -> Protocol:
    validation = min(reduced(protocol, parts).validation, max(LEAST_VALIDATION, images // 2))
    return replace(protocol, training_images=images, validation_images=validation)


def _given_up(before: Protocol, after: Protocol, parts: PartSizes) -> tuple[Reason, ...]:
    had, has = reduced(before, parts), reduced(after, parts)
    found = []
    if has.training < had.training:
        found.append(reason("gave_up_training_images", now=has.training, before=had.training))
    if has.validation < had.validation:
        found.append(reason("gave_up_validation_images", now=has.validation, before=had.validation))
    if after.epochs < before.epochs:
        found.append(reason("gave_up_epochs", now=after.epochs, before=before.epochs))
    return tuple(found)
