"""From a study's verdict to a model: how to train what it recommends."""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from overfitlab.config import Protocol
from overfitlab.errors import UsageError
from overfitlab.models.handed import PYTHON, is_own
from overfitlab.study.ahead import leading, undecided
from overfitlab.study.study import Study


@dataclass(frozen=True)
class Recipe:
    """What a training takes over from a study."""

    method: str
    protocol: Protocol  # on all the training images
    data: str  # what to load
    data_hash: str  # of the study's images
    data_dir: Path | None
    image_size: tuple[int, int] | None
    model: str
    model_source: str | None  # by which a network of the user's is recognised
    weights: str | None
    precision: str
    groups: str | None  # what keeps images together
    bare: bool  # without the regularization that the model brings


def like_command(study: str, model: str) -> str:
    """Return what trains what a study of that folder or name recommends; a network of the user's has to be named."""
    if model.startswith(PYTHON):
        return f"overfitlab.train(like={study!r}, model={model.removeprefix(PYTHON)})"
    words = ["overfitlab", "train", "--like", study, *(["--model", model] if is_own(model) else [])]
    return shlex.join(words)


def recipe(study: Study, *, method_given: bool) -> Recipe:
    """Return how to train what the study recommends, on all its training images.

    Its validation images stay apart, for the learning curves and for methods that stop; its test images as well.
    Raises `UsageError` where the study recommends nothing, or nothing yet, and the method is not given.
    """
    verdict = study.judged()
    if verdict.recommended is None and verdict.over and not method_given:
        first = leading(undecided(verdict, study.record), verdict)
        raise UsageError(
            "study_recommends_nothing",
            "the study {study} is finished and has shown no method to be better, so it recommends none; name one, "
            "for example --method {example}, or run a new study with more seeds (overfitlab show {study})",
            study=study.folder,
            example=verdict.label(first.leader if first else verdict.baseline),
        )
    if verdict.recommended is None and not method_given:
        raise UsageError(
            "study_recommends_nothing_yet",
            "the study {study} is not finished, so it recommends nothing yet; finish it, or name a --method",
            study=study.folder,
        )
    record, data = study.record, study.record.data
    return Recipe(
        method=verdict.recommended or verdict.baseline,  # the latter where another is named
        protocol=replace(study.plan.protocol, training_images=None, validation_images=None),
        data=data.source,
        data_hash=data.sha256,
        data_dir=Path(data.data_dir) if data.data_dir else None,
        image_size=record.image_size,
        model=study.config.model,
        model_source=study.config.model_source,
        weights=record.weights,
        precision=study.config.precision,
        groups=data.groups.source if data.groups else None,
        bare=study.config.bare,
    )
