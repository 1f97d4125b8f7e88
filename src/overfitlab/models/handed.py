"""A network as it is handed over: by its spelling, or as a class, a function or an `nn.Module` in Python.

What it is recognised by is the hash of its source file, or of its code where it was handed over in Python; and that
of its weights where it is an object, whose weights are the start under every seed.

This file imports no torch: what is spelled wrongly is answered at once.
"""

import difflib
import functools
import hashlib
import inspect
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from overfitlab.display import display_name
from overfitlab.errors import UsageError, nearest, unknown_name
from overfitlab.models import own
from overfitlab.models.own import OwnFile
from overfitlab.models.own_code import OwnCode
from overfitlab.spelling import same_word
from overfitlab.values import shown

BUILT_IN = ("notebook_cnn", "resnet20", "resnet32", "resnet56", "vgg11", "vgg16")
SPELLINGS = (*BUILT_IN, "timm:NAME", "FILE.py", "FILE.py:NAME", "MODULE:NAME")
TIMM, PYTHON = "timm:", "python:"
NEAR = 0.75  # how alike a name has to be to one of ours not to be looked for among timm's
Model = str | Path | Callable[..., object]  # what `model=` takes: `nn.Module`s and their classes can be called


@dataclass(frozen=True)
class Handed:
    """What stands behind `model=`."""

    spec: str  # as a record has it: "resnet20", "timm:resnet18", "net.py:Net", "python:Net"
    source: str | None = None  # SHA-256 of its code; None for networks that are not the user's
    start: str | None = None  # SHA-256 of the weights of one that was handed over as an object
    network: object = None  # the class, function or object, where it is there
    file: OwnFile | None = None  # where it is written, if that is known
    recognised: bool = True  # whether `source` is the same the next time; else nothing of it can be resumed

    @property
    def is_own(self) -> bool:
        """Whether it is a program of the user's."""
        return is_own(self.spec)

    @property
    def code(self) -> OwnCode:
        """The user's code that it is made of."""
        return OwnCode(self.spec.removeprefix(PYTHON), Path.cwd()) if self.file is None else self.file.code

    def code_hash(self) -> str | None:
        """Return what it would be recognised by if it had been handed over in Python; None where it is not there."""
        from overfitlab.models import fingerprint

        return None if self.network is None else fingerprint.of(self.network)

    def file_hash(self) -> str | None:
        """Return the SHA-256 of the file that a class or a function in Python comes from; None where there is none."""
        try:
            file = inspect.getsourcefile(self.network)  # type: ignore[arg-type]
            return None if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()
        except (TypeError, OSError):  # an object; a class of a notebook
            return None

    def settled(self, image_shape: tuple[int, int, int], classes: int) -> "Handed":
        """Return it as it is for images of that shape (height, width, channels), and so many classes.

        A user's file is run, and where it was named alone the network in it found. Raises `UsageError` where there is
        none or more than one, and `OverfitlabError` where the user's code fails.
        """
        if not self.is_own:
            return self
        from overfitlab.models import making

        return making.settled(self, image_shape, classes)


def taken(model: object) -> Handed:
    """Return the network that a user means: a spelling, a class, a function, or an object.

    Raises `UsageError` for an unknown name, a file or module that is not there, and what is no network;
    `OverfitlabError` where `timm:` is asked for and timm is not installed. No user's file is run yet.
    """
    if isinstance(model, Handed):
        return model
    if isinstance(model, str | os.PathLike):
        return _spelled(os.fspath(model))
    if not callable(model):
        raise _no_model(model)
    from torch import nn  # as whoever made such a network has done

    from overfitlab.models import fingerprint

    if isinstance(model, type) and not issubclass(model, nn.Module):
        raise _no_model(model)

    source = fingerprint.of(model)
    return Handed(
        f"{PYTHON}{display_name(_called(model))}",
        source or secrets.token_hex(32),
        fingerprint.of_weights(model),
        model,
        recognised=source is not None,
    )


def _no_model(value: object) -> UsageError:
    return UsageError(
        "no_model",
        "model must be a name, a file, an nn.Module, its class, or a function that returns one, not {value}",
        value=shown(value),
    )


def canonical(spec: str) -> str:
    """Return the spelling of `spec` that stands for it in a run's identity; raises as `taken`."""
    return taken(spec).spec


def is_own(spec: str) -> bool:
    """Return whether `spec` stands for a program of the user's, which building the network would run."""
    return spec not in BUILT_IN and not spec.startswith(TIMM)


def refuse_python(spec: str) -> None:
    """Raise `UsageError` for the name of a network that was handed over in Python, which alone is no network."""
    if spec.startswith(PYTHON):
        raise UsageError(
            "model_was_handed_over_in_python",
            "{model} is a network that was passed in Python; pass it again there (model={name}), or write it to a "
            "file: --model net.py:{name}",
            model=spec, name=spec.removeprefix(PYTHON),
        )  # fmt: skip


def _spelled(spec: str) -> Handed:
    spec = spec.strip()
    if spec in BUILT_IN:
        return Handed(spec)
    if spec.startswith(TIMM):
        from overfitlab.models import timm_models

        timm_models.check_name(spec.removeprefix(TIMM))
        return Handed(spec)
    refuse_python(spec)
    own.refuse_weights(spec)
    if ":" not in spec and not spec.endswith(".py"):
        raise _unknown(spec)
    file = own.find(spec)
    return Handed(spec, file.source_hash(), file=file)


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


def _called(model: object) -> str:
    """Return what a class, a function or an object is called."""
    while isinstance(model, functools.partial):
        model = model.func
    name = getattr(model, "__name__", None)
    return name if isinstance(name, str) else type(model).__name__


def in_file(found: Handed, name: str) -> Handed:
    """Return a network of a file that was named alone, by its name there."""
    if found.file is None or found.file.name is not None:
        return found
    file = found.file.named(name)
    return replace(found, spec=file.spec, file=file)
