"""Weights from a file, to fine-tune a model that somebody has trained: safetensors, PyTorch, or a run of ours."""

import hashlib
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.models.model import Model
from overfitlab.reasons import Reason, reason

RUN_WEIGHTS = "weights.safetensors"  # in a run's folder
RUN_INSERTED = "inserted.safetensors"  # beside it, where a method inserted layers into somebody else's network
TORCH_SUFFIXES = (".pt", ".pth", ".bin")
ENVELOPES = ("state_dict", "model", "model_state_dict")  # under which training scripts put the weights
PREFIXES = ("", "module.", "_orig_mod.", "model.", "network.")  # DataParallel, torch.compile, Lightning, ours
COPIES, SPARE = 16, 100 * 2**20  # the largest file: that many times the model's bytes (optimizers, averages), and more
LONGEST_LIST = 3  # names in a message


@dataclass(frozen=True)
class LoadedWeights:
    """What came out of a file: names in the model, and what was left out, with the reason."""

    loaded: tuple[str, ...]
    left_out: tuple[tuple[str, Reason], ...]  # (name, reason), of the file and of the model
    sha256: str  # of the file


def load_weights(model: Model, path: str | Path) -> LoadedWeights:
    """Put the weights in `path` into the model, by name, in the model's own precision.

    `path` is a `.safetensors` file, a `.pt`, `.pth` or `.bin` of PyTorch, or the folder of a run. A last dense layer
    for another number of classes keeps its fresh weights, and so does what the file lacks; `left_out` says so.

    Raises `UsageError` where there is no such file, or its weights are of another network: a shape that differs
    anywhere else, or fewer than half of the network's tensors found. Raises `OverfitlabError` where the file is
    damaged, far too large, or holds more than tensors. Nothing in the file is ever run. The model is unchanged then.
    """
    file = _file(Path(path))
    _check_size(file, model)
    found = _tensors(file)
    inserted = _inserted(Path(path), file)
    if inserted is not None:
        _check_size(inserted, model)
        found = _tensors(inserted) | found
    named = _in_the_models_words(found, model)
    targets = model.state_dict()
    left_out = [(name, reason("weights_not_in_the_model")) for name in found if name not in named]
    fitting: dict[str, Tensor] = {}
    for original, name in named.items():
        target, content = targets[name], found[original]
        if _is_last_dense(model, name) and _differs_in_classes(content, target):
            left_out.append((name, reason("weights_of_other_classes", there=len(content), here=len(target))))
        elif content.shape != target.shape:
            raise UsageError(
                "weights_of_another_shape",
                "{file} does not fit {model}: {name} has shape {there} in the file and {here} here; choose the "
                "model and image size that it was trained with",
                file=file, model=model.name, name=name, there=list(content.shape), here=list(target.shape),
            )  # fmt: skip
        elif content.is_floating_point() != target.is_floating_point():
            types = {"there": str(content.dtype), "here": str(target.dtype)}
            left_out.append((name, reason("weights_of_another_type", **types)))
        else:
            fitting[name] = content
    _check_share(fitting, model, file, left_out)
    _check_numbers(fitting, file)
    reported = {*fitting, *(name for name, _ in left_out)}
    left_out += [(name, reason("weights_not_in_the_file")) for name in targets if name not in reported]
    with torch.no_grad():
        for name, content in fitting.items():
            targets[name].copy_(content)
    return LoadedWeights(tuple(fitting), tuple(left_out), file_hash(path))


def file_hash(path: str | Path) -> str:
    """Return the SHA-256 of what `load_weights` would read; raises `UsageError` where there is nothing."""
    file = _file(Path(path))
    inserted = _inserted(Path(path), file)
    if inserted is None:
        return _sha256(file)
    return hashlib.sha256((_sha256(file) + _sha256(inserted)).encode()).hexdigest()


def _file(path: Path) -> Path:
    try:
        path = path.expanduser()
        if path.is_dir():
            if not (path / RUN_WEIGHTS).is_file():
                raise UsageError(
                    "run_without_weights", "{folder} has no {file}; name a finished run, or a weights file",
                    folder=path, file=RUN_WEIGHTS,
                )  # fmt: skip
            return path / RUN_WEIGHTS
        if not path.is_file():
            raise UsageError(
                "no_file_of_weights", "there is no file {path}; name a weights file, or the folder of a run",
                path=path,
            )  # fmt: skip
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError("no_path", "{path}: {reason}", path=path, reason=error) from None
    if path.suffix not in (".safetensors", *TORCH_SUFFIXES):
        raise UsageError(
            "weights_of_another_ending", "{path} does not look like a weights file; its name must end with "
                                         "{endings}",
            path=path, endings=", ".join((".safetensors", *TORCH_SUFFIXES)),
        )  # fmt: skip
    return path


def _inserted(path: Path, file: Path) -> Path | None:
    """Return the file of what a method inserted, where `path` is the folder of a run that has one."""
    inserted = file.parent / RUN_INSERTED
    return inserted if file != path.expanduser() and inserted.is_file() else None


def _check_size(file: Path, model: Model) -> None:
    largest = SPARE + COPIES * sum(value.numel() * 4 for value in model.state_dict().values())
    size = file.stat().st_size
    if zipfile.is_zipfile(file):  # PyTorch's format; it stores without compression, an attack might not
        try:
            with zipfile.ZipFile(file) as archive:
                size = max(size, sum(entry.file_size for entry in archive.infolist()))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise _damaged(file, error) from error
    if size > largest:
        raise OverfitlabError(
            "weights_too_large",
            "{file} holds {size:,.0f} MB, far more than {model} has ({most:,.0f} MB at most with an optimizer's "
            "state); choose a file of this network's weights",
            file=file, size=size / 2**20, model=model.name, most=largest / 2**20,
        )  # fmt: skip


def _tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors in the file by name; raises `OverfitlabError` where it holds none, or is damaged."""
    if file.suffix == ".safetensors":
        try:
            with safetensors.safe_open(file, framework="pt") as stream:
                content: Any = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a mapping
        except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            raise _damaged(file, error) from error
    else:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch's, about old formats
                content = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # a hostile or damaged file makes it fail in nearly any way
            if "weights_only" in str(error) or "Unsupported" in str(error):
                raise OverfitlabError(
                    "weights_with_a_program",
                    "{file} holds more than tensors, and is not opened because that could run a program; save only "
                    "model.state_dict() where the file comes from",
                    file=file,
                ) from error
            raise _damaged(file, error) from error
    for envelope in ENVELOPES:
        if isinstance(content, Mapping) and isinstance(content.get(envelope), Mapping):
            content = content[envelope]
            break
    if isinstance(content, Mapping):
        tensors = {
            name: value
            for name, value in content.items()
            if isinstance(name, str) and isinstance(value, Tensor) and _is_plain(value)
        }
        if tensors:
            return tensors
    raise OverfitlabError(
        "weights_without_names", "{file} holds no weights by name; save model.state_dict() where the file comes from",
        file=file,
    )  # fmt: skip


def _is_plain(value: Tensor) -> bool:
    return value.layout == torch.strided and not value.is_quantized and not value.is_complex() and not value.is_meta


def _in_the_models_words(found: Mapping[str, Tensor], model: Model) -> dict[str, str]:
    """Return for each name in the file the name in the model, where there is one.

    Wrappers put a word before every name; the words taken off and put on are those with which most names fit. What a
    method inserted into somebody else's network has its names as they are.
    """
    targets = model.state_dict().keys()
    best: dict[str, str] = {}
    for off in PREFIXES:
        for on in ("", "network."):
            named = {name: on + name.removeprefix(off) for name in found if name.startswith(off)}
            fitting = {name: wanted for name, wanted in named.items() if wanted in targets}
            if len(fitting) > len(best):
                best = fitting
    taken = set(best.values())
    return best | {name: name for name in found if name in targets and name not in best and name not in taken}


def _is_last_dense(model: Model, name: str) -> bool:
    return model.last_dense is not None and name.rpartition(".")[0] == model.last_dense


def _differs_in_classes(content: Tensor, target: Tensor) -> bool:
    return content.ndim == target.ndim and content.shape[1:] == target.shape[1:] and len(content) != len(target)


def _check_share(fitting: Mapping[str, Tensor], model: Model, file: Path, left_out: list[tuple[str, Reason]]) -> None:
    """Refuse a file that has less than half of the network, not counting what methods insert and the last layer."""
    body = {name for name in model.state_dict() if not model.is_inserted(name) and not _is_last_dense(model, name)}
    share = len(body & fitting.keys())
    if 2 * share < len(body) or not fitting:
        unknown = [name for name, why in left_out if why.code == "weights_not_in_the_model"][:LONGEST_LIST]
        if not unknown:
            raise UsageError(
                "too_few_weights",
                "{file} does not fit {model}: only {share} of its {tensors} tensors are there; choose the model "
                "that it was trained with",
                file=file, model=model.name, share=share, tensors=len(body),
            )  # fmt: skip
        raise UsageError(
            "weights_of_another_network",
            "{file} does not fit {model}: only {share} of its {tensors} tensors are there; the file has for "
            "example {names}; choose the model that it was trained with",
            file=file, model=model.name, share=share, tensors=len(body), names=", ".join(unknown),
        )  # fmt: skip


def _check_numbers(fitting: Mapping[str, Tensor], file: Path) -> None:
    for name, content in fitting.items():
        if content.is_floating_point() and not bool(torch.isfinite(content).all()):
            raise OverfitlabError(
                "weights_not_finite",
                "{file}: {name} has values that are not finite; choose another weights file",
                file=file, name=name,
            )  # fmt: skip


def _damaged(file: Path, error: Exception) -> OverfitlabError:
    return OverfitlabError(
        "weights_damaged", "{file} is damaged, or not what its name says ({reason}); copy it again",
        file=file, reason=" ".join(str(error).split())[:100] or type(error).__name__,
    )  # fmt: skip


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
