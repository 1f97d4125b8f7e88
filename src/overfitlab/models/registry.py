"""Builds the model that stands behind `--model` or `model=`.

`notebook_cnn`, `resnet20`, `resnet32`, `resnet56`, `vgg11`, `vgg16`, `timm:NAME`, and the user's own: in a file
(own.py), or handed over in Python (handed.py). This file imports no torch until a model is built.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from overfitlab.config import LARGEST_IMAGE, SMALLEST_IMAGE, RunConfig
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.models.handed import BUILT_IN, TIMM, Handed, canonical, is_own, taken
from overfitlab.randomness import run_key

if TYPE_CHECKING:
    from overfitlab.methods.base import Method
    from overfitlab.models.model import Model, Order
    from overfitlab.models.network import Builder
    from overfitlab.randomness import Key

__all__ = ["BUILT_IN", "build", "build_for", "canonical", "check_goes_with", "is_own", "source_hash", "taken"]
CHANNELS = (1, 3)


def source_hash(spec: str) -> str | None:
    """Return the SHA-256 of the user's source file that `spec` points to, None for networks that are not the user's."""
    return taken(spec).source


def build_for(
    config: RunConfig,
    image_shape: tuple[int, int, int],
    classes: int,
    method: "Method",
    network: Handed | None = None,
) -> "Model":
    """Return the model of a run for images of shape (height, width, channels), to its initial weights.

    `network` is the configuration's, where it is there already. Raises as `build`, and `OverfitlabError` where the
    network is no longer the one that was asked for.
    """
    key, warm_up = run_key(config.seed, config.protocol.vary), config.protocol.batch_norm_warm_up
    handed = (network or taken(config.model)).settled(image_shape, classes)
    if config.model_source is not None and handed.source != config.model_source:
        raise OverfitlabError(
            "network_changed_meanwhile", "{model} is no longer what it was when this began; start again",
            model=config.model,
        )  # fmt: skip
    if handed.start != config.model_start:
        raise OverfitlabError(
            "start_weights_differ",
            "{model} is a network whose weights differ each time the file is run, so they cannot be the start of a "
            "run; name its class, or a function that returns it",
            model=config.model,
        )
    return build(handed, image_shape, classes, method, key, warm_up=warm_up, bare=config.bare)


def build(
    network: object,
    image_shape: tuple[int, int, int],
    classes: int,
    method: "Method",
    key: "Key",
    *,
    warm_up: bool = False,
    bare: bool = False,
) -> "Model":
    """Return the model for images of shape (height, width, channels), with what the method inserts.

    `network` is whatever `handed.taken` takes. Its initial weights are a function of the seed in `key` and of the
    layer, not of the method. With `warm_up` moving statistics start from the first batch. With `bare` the normalization
    and dropout that somebody's network brings are taken out, unless the method keeps them (`as_is`).

    Raises `UsageError` where the network cannot take such images, has no place for the method, or nothing that `bare`
    could take out, and
    `OverfitlabError` where the user's own code fails; always one line.
    """
    from overfitlab.models.model import Order

    handed = taken(network)
    order = Order(handed.spec, image_shape, classes, method, key, warm_up, bare)
    check_goes_with(method, bare=bare)
    if handed.is_own:
        from overfitlab.models import making

        return making.build(handed, order)
    if handed.spec.startswith(TIMM):
        return _timm_model(order)
    from overfitlab.models import described

    _check_images(handed.spec, image_shape)
    return described.network(_describing(handed.spec), order)


def check_goes_with(method: "Method", *, bare: bool) -> None:
    """Raise `UsageError` for a method that keeps what a network brings, where nothing of that is taken out."""
    if not bare and any(part.keeps_own for part in method.parts):
        raise UsageError(
            "as_is_without_bare",
            "{method} is for --bare, which removes a network's own regularization; without --bare every method is "
            "added to the network as it is: write none",
            method=method.label,
        )


def _describing(name: str) -> "Callable[[Builder, int], object]":
    from overfitlab.models import notebook_cnn, resnet, vgg

    if name.startswith("resnet"):
        return functools.partial(resnet.describe, depth=int(name.removeprefix("resnet")))
    if name.startswith("vgg"):
        return functools.partial(vgg.describe, name=name)
    return notebook_cnn.describe


def _timm_model(order: "Order") -> "Model":
    from overfitlab.models import timm_models
    from overfitlab.models.foreign import adopt

    return adopt(
        lambda: timm_models.create(order.name.removeprefix(TIMM), order.image_shape, order.classes),
        lambda error: timm_models.explain(order.name, order.image_shape, error),
        order,
        channels_last=True,
    )


def _check_images(spec: str, image_shape: tuple[int, int, int]) -> None:
    height, width, channels = image_shape
    if not (min(height, width) >= SMALLEST_IMAGE and max(height, width) <= LARGEST_IMAGE and channels in CHANNELS):
        raise UsageError(
            "images_unfit_for_model",
            "{model} takes images of {low} to {high} pixels a side with 1 or 3 channels, not "
            "{height}x{width}x{channels}; resize them, or choose another model",
            model=spec, low=SMALLEST_IMAGE, high=LARGEST_IMAGE, height=height, width=width, channels=channels,
        )  # fmt: skip
