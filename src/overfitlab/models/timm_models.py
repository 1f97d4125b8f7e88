"""Networks of timm, PyTorch Image Models, always with fresh weights: `timm:NAME`."""

import difflib
import functools
import importlib
import importlib.util
import re
import sys
import warnings
from types import ModuleType
from typing import Any

import torch

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.spelling import same_word

MOST_OPERATORS = 20  # that a torchvision may miss
LONGEST_REASON = 200  # characters of timm's error message
_stand_ins: list[torch.library.Library] = []  # what they define lasts as long as they do


def check_name(name: str) -> None:
    """Raise `UsageError` where timm has no network of that name, and `OverfitlabError` where there is no timm."""
    timm = _timm()
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        probably = called(architecture) or near(architecture)
        if probably:
            raise UsageError(
                "unknown_timm_model_like", "unknown timm model {name!r}; did you mean {near!r}?",
                name=name, near=probably,
            )  # fmt: skip
        raise UsageError(
            "unknown_timm_model", "unknown timm model {name!r}; timm.list_models() in Python lists them all", name=name
        )
    if tag:
        raise UsageError(
            "timm_weights_not_downloaded",
            "{name} refers to weights ({tag}), which are not downloaded; write timm:{architecture} for newly "
            "initialized weights, or load a weights file of your own",
            name=name, tag=tag, architecture=architecture,
        )  # fmt: skip


def is_installed() -> bool:
    """Return whether timm is here."""
    return importlib.util.find_spec("timm") is not None


def called(word: str) -> str | None:
    """Return the network of timm that is called so: `resnet18`, `ResNet-18`, `torchvision.models.resnet18`."""
    same = {same_word(name): name for name in _timm().list_models()}
    return same.get(same_word(re.split(r"[./:]", word)[-1]))


def near(word: str) -> str | None:
    """Return the network of timm whose name is nearest."""
    return next(iter(difflib.get_close_matches(word.lower(), _timm().list_models(), n=1, cutoff=0.5)), None)


def import_timm() -> None:
    """Import timm; raises `OverfitlabError` where that cannot be done."""
    _timm()


def create(name: str, image_shape: tuple[int, int, int], classes: int) -> object:
    """Return the network for images of shape (height, width, channels), told their size where it asks for it.

    Raises `UsageError` where it would cut the images into patches that leave an edge of them out.
    """
    height, width, channels = image_shape
    settings: dict[str, Any] = {"pretrained": False, "in_chans": channels, "num_classes": classes}
    timm = _timm()
    try:
        network = timm.create_model(name, img_size=(height, width), **settings)
    except TypeError:  # it takes images of any size, and no such argument
        network = timm.create_model(name, **settings)
    patches = getattr(network, "patch_embed", None)
    match getattr(patches, "patch_size", None):
        case (int(down), int(across)) if height % down or width % across:
            if not getattr(patches, "dynamic_img_pad", False):
                raise UsageError(
                    "timm_patches_leave_an_edge",
                    "timm:{name} cuts images into patches of {down}x{across} pixels, and would not see all of "
                    "{height}x{width}; choose another model, or images of a multiple of that",
                    name=name, down=down, across=across, height=height, width=width,
                )  # fmt: skip
    return network


def explain(spec: str, image_shape: tuple[int, int, int], error: BaseException) -> OverfitlabError:
    """Return what timm raised on images of that shape, in one line."""
    reason = " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__
    return UsageError(
        "model_does_not_take_images",
        "{model} does not take images of {size} ({reason}); choose another model, or larger images with --image-size",
        model=spec, size="x".join(str(number) for number in image_shape), reason=reason,
    )  # fmt: skip


@functools.cache
def _timm() -> ModuleType:
    if not is_installed():
        raise OverfitlabError("timm_not_installed", "timm is not installed; pip install 'overfitlab[timm]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # timm's own, about its deprecated parts
        for _ in range(MOST_OPERATORS):
            try:
                return importlib.import_module("timm")
            except RuntimeError as error:
                if not _stand_in_for_operator(error):
                    raise _not_imported(error) from error
            except Exception as error:  # whatever is wrong with that installation
                raise _not_imported(error) from error
    raise OverfitlabError(
        "timm_of_another_pytorch", "timm cannot be imported: its torchvision does not match this PyTorch"
    )


def _stand_in_for_operator(error: RuntimeError) -> bool:
    """Declare the operator that torchvision misses, and return whether it was one.

    The torchvision that timm brings is built for PyTorch with CUDA. Beside a PyTorch for the CPU its own operators
    (non-maximum suppression for boxes) cannot be loaded, and it fails as a whole when it is imported. Classification
    networks use none of them, so it is enough that they are declared.
    """
    missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
    if missing is None:
        return False
    operators = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    signature = f"{missing[1]}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor"
    operators.define(signature)  # type: ignore[no-untyped-call]
    _stand_ins.append(operators)
    for module in [name for name in sys.modules if name.partition(".")[0] in ("torchvision", "timm")]:
        del sys.modules[module]  # half imported
    return True


def _not_imported(error: Exception) -> OverfitlabError:
    return OverfitlabError(
        "timm_cannot_be_imported", "timm cannot be imported ({reason}); pip install 'overfitlab[timm]'",
        reason=" ".join(str(error).split())[:LONGEST_REASON],
    )  # fmt: skip
