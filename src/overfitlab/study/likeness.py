"""From a study's verdict to a model: how to train what it recommends."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from overfitlab.config import Protocol
from overfitlab.errors import UsageError
from overfitlab.study.study import Study


@dataclass(frozen=True)
class Likeness:
    """What a training takes over from a study."""

    method: str
    protocol: Protocol  # on all the training images
    data: str  # what to load
    data_hash: str  # of the study's images
    data_dir: Path | None
    image_size: tuple[int, int] | None
    model: str
    weights: str | None
    precision: str


def like(study: Study, *, method_given: bool) -> Likeness:
    """Return how to train what the study recommends, on all its training images.

    Its validation images stay apart, for the learning curves and for methods that stop; its test images as well.
    Raises `UsageError` where the study is not finished and the method not given.
    """
    verdict = study.judged()
    if verdict.recommended is None and not method_given:
        raise UsageError(
            f"the study {study.folder} is not finished, so it recommends nothing yet; finish it, or name a --method"
        )
    record: dict[str, Any] = study.record
    data, size = record["data"], record["image_size"]
    return Likeness(
        method=verdict.recommended or verdict.baseline,  # the latter where another is named
        protocol=replace(study.plan.protocol, training_images=None, validation_images=None),
        data=data["source"],
        data_hash=data["sha256"],
        data_dir=data["data_dir"] and Path(data["data_dir"]),
        image_size=size and tuple(size),
        model=study.config.model,
        weights=record["weights"],
        precision=study.config.precision,
    )
