"""Finds a model by what stands behind `--model`, and builds it.

`notebook_cnn`, `resnet20`, `resnet32`, `resnet56`, `vgg11`, `vgg16`, `timm:NAME`, and the user's own:
`path/to/net.py:FUNCTION` or `MODULE:FUNCTION` (see `own.py`). This file imports no torch until a model is built.
"""

import difflib
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from overfitlab.config import LARGEST_IMAGE, SMALLEST_IMAGE, RunConfig
from overfitlab.errors import UsageError, nearest, unknown_name
from overfitlab.models import own
from overfitlab.randomness import run_key
from overfitlab.spelling import same_word

if TYPE_CHECKING:
    from overfitlab.methods.base import Method
    from overfitlab.models.model import Model, Order
    from overfitlab.models.network import Builder
    from overfitlab.randomness import Key

BUILT_IN = ("notebook_cnn", "resnet20", "resnet32", "resnet56", "vgg11", "vgg16")
SPELLINGS = (*BUILT_IN, "timm:NAME", "FILE.py:FUNCTION", "MODULE:FUNCTION")
TIMM = "timm:"
NEAR = 0.75  # how alike a name has to be to one of ours not to be looked for among timm's
CHANNELS = (1, 3)


def canonical(spec: str) -> str:
    """Return the spelling of `spec` that stands for it in a run's identity.

    Raises `UsageError` for an unknown name and a file or module that is not there, `OverfitlabError` where `timm:`
    is asked for and timm is not installed. A user's code is not run yet, nor is its function looked for.
    """
    spec = spec.strip()
    if spec in BUILT_IN:
        return spec
    if spec.startswith(TIMM):
        from overfitlab.models import timm_models

        timm_models.check_name(spec.removeprefix(TIMM))
    elif ":" in spec:
        own.find(spec)
    else:
        raise _unknown(spec)
    return spec


def _unknown(spec: str) -> UsageError:
    """Return the error for a name of no network: it may be one of timm's, written as it is called there."""
    from overfitlab.models import timm_models

    ours = {same_word(name): name for name in BUILT_IN}.get(same_word(spec))
    if ours is not None:
        return unknown_name("model", spec, SPELLINGS, meant=ours)
    if not timm_models.is_installed():
        near = nearest(spec, BUILT_IN)
        return UsageError(
            "unknown_model_without_timm",
            "unknown model {name!r}; did you mean {near!r}? Networks such as resnet18 are timm:resnet18, once timm is "
            "installed: pip install 'overfitlab[timm]'",
            name=spec, near=near or BUILT_IN[0],
        )  # fmt: skip
    name = timm_models.called(spec)
    if name is None and not difflib.get_close_matches(spec.lower(), BUILT_IN, cutoff=NEAR):
        name = timm_models.near(spec)
    return unknown_name("model", spec, SPELLINGS, meant=None if name is None else f"{TIMM}{name}")


def is_own(spec: str) -> bool:
    """Return whether `spec` points to a program of the user's, which building the network would run."""
    return spec not in BUILT_IN and not spec.startswith(TIMM)


def source_hash(spec: str) -> str | None:
    """Return the SHA-256 of the user's source file that `spec` points to, None for networks that are not the user's."""
    spec = canonical(spec)
    return own.find(spec).source_hash() if is_own(spec) else None


def build_for(
    config: RunConfig, image_shape: tuple[int, int, int], classes: int, method: "Method", spec: str | None = None
) -> "Model":
    """Return the model of a run for images of shape (height, width, channels), to its initial weights.

    `spec` takes the place of the configuration's, where the user says that it is the same network. Raises as `build`.
    """
    key, warm_up = run_key(config.seed, config.protocol.vary), config.protocol.batch_norm_warm_up
    return build(spec or config.model, image_shape, classes, method, key, warm_up=warm_up)


def build(
    spec: str,
    image_shape: tuple[int, int, int],
    classes: int,
    method: "Method",
    key: "Key",
    *,
    warm_up: bool = False,
) -> "Model":
    """Return the model for images of shape (height, width, channels), with what the method inserts.

    Its initial weights are a function of the seed in `key` and of the layer, not of the method. With `warm_up` moving
    statistics start from the first batch.

    Raises `UsageError` where the network cannot take such images, or has no place for the method, and
    `OverfitlabError` where the user's own code fails; always one line.
    """
    from overfitlab.models.model import Order

    spec = canonical(spec)
    order = Order(spec, image_shape, classes, method, key, warm_up)
    if spec.startswith(TIMM):
        return _timm_model(order)
    if spec not in BUILT_IN:
        return _own_model(order)
    _check_images(spec, image_shape)
    return _described(_describing(spec), order)


def _describing(name: str) -> "Callable[[Builder, int], object]":
    from overfitlab.models import notebook_cnn, resnet, vgg

    if name.startswith("resnet"):
        return functools.partial(resnet.describe, depth=int(name.removeprefix("resnet")))
    if name.startswith("vgg"):
        return functools.partial(vgg.describe, name=name)
    return notebook_cnn.describe


def _described(describe: "Callable[[Builder, int], object]", order: "Order") -> "Model":
    from overfitlab.models.network import Builder, Network

    build = Builder(
        order.image_shape,
        order.method,
        order.key,
        name=order.name,
        classes=order.classes,
        warm_up=order.warm_up,
        spare_biases=order.name.startswith("resnet"),
    )
    returned = describe(build, order.classes)
    if returned is not None and not isinstance(returned, Network):
        raise UsageError(
            "description_returns_something", "{model} returned a {type}; a function of `build` returns nothing",
            model=order.name, type=type(returned).__name__,
        )  # fmt: skip
    if build.shape != (order.classes,):
        raise UsageError(
            "network_ends_otherwise", "{model} ends with shape {shape}; end with build.dense(classes)",
            model=order.name, shape=build.shape,
        )  # fmt: skip
    return build.network()


def _timm_model(order: "Order") -> "Model":
    from overfitlab.models import timm_models
    from overfitlab.models.foreign import adopt

    return adopt(
        lambda: timm_models.create(order.name.removeprefix(TIMM), order.image_shape, order.classes),
        lambda error: timm_models.explain(order.name, order.image_shape, error),
        order,
        channels_last=True,
    )


def _own_model(order: "Order") -> "Model":
    from overfitlab.models.foreign import adopt

    source = own.find(order.name)
    function = source.load()
    describes = source.wants_builder(function)
    with source.running():
        if describes:
            return _described(function, order)
        return adopt(lambda: function(order.image_shape, order.classes), source.explain, order)


def _check_images(spec: str, image_shape: tuple[int, int, int]) -> None:
    height, width, channels = image_shape
    if not (min(height, width) >= SMALLEST_IMAGE and max(height, width) <= LARGEST_IMAGE and channels in CHANNELS):
        raise UsageError(
            "images_unfit_for_model",
            "{model} takes images of {low} to {high} pixels a side with 1 or 3 channels, not "
            "{height}x{width}x{channels}; resize them, or choose another model",
            model=spec, low=SMALLEST_IMAGE, high=LARGEST_IMAGE, height=height, width=width, channels=channels,
        )  # fmt: skip
