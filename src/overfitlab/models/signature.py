"""How somebody's class or function may want to be called: ways to try, from the names of its parameters.

What a parameter is for is told by its name, in any usual spelling; `num_classes`, `n_classes` and `classes` are one.
Where a name can mean two things there are two ways. Nothing is guessed of others: a hidden width that happened to be
the number of channels would be a network that nobody asked for.

This file imports no torch.
"""

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from overfitlab.errors import UsageError

Shape = tuple[int, int, int]  # height, width, channels
MOST_WAYS = 12
NEEDS_MORE = "network_needs_more"  # the code of the error that nobody can know a parameter

CLASSES = frozenset((
    "classes", "numclasses", "nclasses", "nbclasses", "classnum", "numclass", "nclass", "classcount", "classesnum",
    "numlabels", "nlabels", "labels", "labelcount", "numcategories", "ncategories", "categories", "numcls", "ncls",
))  # fmt: skip
OUTPUTS = frozenset((  # the same, where nothing has a name of those above
    "numoutputs", "noutputs", "outputs", "outfeatures", "outdim", "outputdim", "outputsize", "outsize", "nout",
    "numout", "dimout", "numtargets", "outputfeatures", "outunits",
))  # fmt: skip
CHANNELS = frozenset((
    "inchannels", "inchans", "inch", "inchan", "inputchannels", "inputchannel", "imgchannels", "imagechannels",
    "numinputchannels", "ninputchannels", "inputchans", "numinchannels", "cin", "inputdepth", "colorchannels",
))  # fmt: skip
WIDTHS = frozenset(("channels", "numchannels", "nchannels", "channel", "chans", "nc"))  # or hidden ones
SHAPES = frozenset(("imageshape", "inputshape", "imgshape", "inshape", "shape", "inputdims", "imagedims"))
SIZES = frozenset((
    "imagesize", "imgsize", "imsize", "insize", "inputsize", "inputresolution", "imageres", "imgres", "imagedim",
    "imgdim",
))  # fmt: skip
SIDES = frozenset(("size", "resolution", "side"))  # where they have no default of their own
FLAT = frozenset((
    "inputdim", "infeatures", "indim", "inputfeatures", "ninputs", "numinputs", "nfeatures", "numfeatures", "dimin",
    "inputunits", "inputlength",
))  # fmt: skip
HEIGHTS = frozenset(("imageheight", "imgheight", "inputheight", "imgh"))
ACROSS = frozenset(("imagewidth", "imgwidth", "inputwidth", "imgw"))
USUAL_CHANNELS = (1, 3)  # a default that is one of them stands for the images' channels, not for a layer's


@dataclass(frozen=True)
class Way:
    """One way to call something."""

    positional: tuple[object, ...] = ()
    named: tuple[tuple[str, object], ...] = ()
    guessed: bool = False  # that it takes such names at all: it takes any

    def call(self, function: Callable[..., object]) -> object:
        """Call it that way."""
        return function(*self.positional, **dict(self.named))

    def __str__(self) -> str:
        words = [*map(repr, self.positional), *(f"{name}={value!r}" for name, value in self.named)]
        return f"({', '.join(words)})"


def describes(function: Callable[..., object]) -> bool:
    """Return whether a function describes its network to a builder: its first parameter is called `build`."""
    return [each.name for each in _parameters(function)[:1]] == ["build"]


def ways(function: Callable[..., object], name: str, image_shape: Shape, classes: int) -> tuple[Way, ...]:
    """Return how `function` can be called for images of that shape and so many classes, the most telling way first.

    Raises `UsageError` where it needs something that nobody here can know.
    """
    parameters = _parameters(function)
    plain = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    choices = {each.name: _values(each, plain, image_shape, classes) for each in plain}
    required = [each for each in plain if each.default is each.empty]
    unknown = [each.name for each in required if not choices[each.name]]
    if len(unknown) == len(required) == 2 and required[0].kind is not required[0].KEYWORD_ONLY:
        # (image_shape, classes) under whatever names; where one is known, the other may be a width as well
        choices[required[0].name], choices[required[1].name] = [image_shape], [classes]
        unknown = []
    if unknown:
        raise UsageError(
            "network_needs_more",
            "{model} needs {names}, which cannot be known here; give it a default, or write a function that fills "
            "it in: def net(classes): return {name}(...)",
            model=name, names=", ".join(unknown), name=name.rpartition(":")[2],
        )  # fmt: skip
    found = list(_combined(plain, required, choices))
    if any(each.kind is each.VAR_POSITIONAL for each in parameters) and not plain:
        found.append(Way((image_shape, classes), guessed=True))
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        found = [*_by_keyword(found, plain, image_shape, classes), *found]
    return tuple(dict.fromkeys(found))[:MOST_WAYS]


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Return what it takes, without what a `functools.partial` has filled in."""
    filled_in = function.keywords if isinstance(function, functools.partial) else {}
    try:
        return [each for each in inspect.signature(function).parameters.values() if each.name not in filled_in]
    except (TypeError, ValueError):  # written in C: what it takes cannot be seen
        return [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in ("image_shape", "classes")]


def _values(
    parameter: inspect.Parameter, all_of_them: Sequence[inspect.Parameter], image_shape: Shape, classes: int
) -> list[Any]:
    """Return what a parameter may stand for, the likeliest first; nothing where its name does not say it."""
    word, required = _word(parameter), parameter.default is parameter.empty
    height, width, channels = image_shape
    flat = math.prod(image_shape)
    by_torch = (channels, height, width)
    sides: list[Any] = [height, (height, width)] if height == width else [(height, width)]
    if word in CLASSES:
        return [classes]
    words = {_word(each) for each in all_of_them}
    flattened = [flat, image_shape, by_torch] if word in ("inputsize", "insize") else []
    meanings: tuple[tuple[bool, list[Any]], ...] = (
        (word in CLASSES, [classes]),
        ((word in OUTPUTS or (word == "outchannels" and required)) and not words & CLASSES, [classes]),
        (word in CHANNELS or (word in WIDTHS and parameter.default in USUAL_CHANNELS), [channels]),
        (word in WIDTHS and required and not words & CHANNELS, [channels]),
        (word in SHAPES, [image_shape, by_torch]),
        (word in SIZES, [*sides, *flattened]),
        (word in SIDES and required, sides),
        (word in FLAT, [flat, channels]),
        (word in HEIGHTS, [height]),
        (word in ACROSS, [width]),
    )
    return next((values for applies, values in meanings if applies), [])


def _word(parameter: inspect.Parameter) -> str:
    return parameter.name.lower().replace("_", "")


def _combined(
    plain: Sequence[inspect.Parameter], required: Sequence[inspect.Parameter], choices: dict[str, list[Any]]
) -> Iterator[Way]:
    """Yield ways that fill all that is known, and then those that leave to a default what has one."""
    optional = [each for each in plain if each not in required and choices[each.name]]
    for count in range(len(optional), -1, -1):
        for kept in itertools.combinations(optional, count):
            filled = [each for each in plain if each in required or each in kept]
            for values in itertools.product(*(choices[each.name] for each in filled)):
                yield _way(filled, values, plain)


def _way(filled: Sequence[inspect.Parameter], values: Sequence[object], plain: Sequence[inspect.Parameter]) -> Way:
    positional: list[object] = []
    named: list[tuple[str, object]] = []
    for each, value in zip(filled, values, strict=True):
        in_place = not named and len(positional) < len(plain) and plain[len(positional)] is each
        if each.kind is each.POSITIONAL_ONLY or (
            in_place and each.kind is not each.KEYWORD_ONLY and each.default is each.empty
        ):
            positional.append(value)
        else:
            named.append((each.name, value))
    return Way(tuple(positional), tuple(named))


def _by_keyword(
    found: Sequence[Way], plain: Sequence[inspect.Parameter], image_shape: Shape, classes: int
) -> Iterator[Way]:
    """Yield ways for what takes any keywords, as the functions of torchvision and timm do."""
    words = {_word(each) for each in plain}
    counted = [] if words & (CLASSES | OUTPUTS) else [("num_classes", classes)]
    for way in found[:1]:
        if not words & (CHANNELS | WIDTHS | SHAPES):
            for name in ("in_chans", "in_channels"):
                yield Way(way.positional, (*way.named, *counted, (name, image_shape[2])), guessed=True)
        if counted:
            yield Way(way.positional, (*way.named, *counted), guessed=True)
