"""Whether a run's record can be worked with: a run's folder may come from anybody."""

import os
from collections.abc import Mapping
from typing import Any

from overfitlab.config import LARGEST_IMAGE, LARGEST_SEED, SMALLEST_IMAGE, Protocol
from overfitlab.data.sources.parts import MOST_CLASSES
from overfitlab.errors import DamagedError, UsageError
from overfitlab.files import display_name
from overfitlab.methods import registry as methods
from overfitlab.records.run_folder import RECORD
from overfitlab.runs.run import Run

LARGEST_SPLIT_SEED = 2**32 - 1  # scikit-learn's
BRIGHTEST = 255  # a pixel is 8 bits
FLAGS = ("stratified", "batch_norm_warm_up", "clean_metrics")


def check_record(run: Run) -> None:
    """Raise `DamagedError` unless the record's entries have the types and ranges that a training writes."""
    found = _wrong_config(run.record["config"]) or _wrong_data(run.record["data"])
    if found is not None:
        raise DamagedError(
            "run_record_damaged",
            "{path} is damaged ({reason}); train the run again",
            path=run.folder / RECORD,
            reason=found,
        )


def _wrong_config(config: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the configuration, None where nothing is."""
    for name in ("model", "method", "data"):
        if not _is_text(config.get(name)):
            return f"config.{name} is not a text of one line"
    if not _is_whole(config.get("seed"), 0, LARGEST_SEED):
        return "config.seed is not a whole number that a seed can be"
    if "model_source" not in config or not _is_text_or_null(config["model_source"]):
        return "config.model_source is neither a text nor null"
    size = config.get("image_size", "missing")
    if size is not None and not (_is_list(size, 2) and all(map(_is_side, size))):
        return f"config.image_size is neither null nor two numbers from {SMALLEST_IMAGE} to {LARGEST_IMAGE}"
    return _wrong_protocol(config.get("protocol")) or _wrong_method(config["method"])


def _wrong_protocol(protocol: Any) -> str | None:
    if not isinstance(protocol, dict):
        return "config.protocol is not a set of entries"
    try:
        read = Protocol.from_dict(protocol)
    except UsageError as error:
        return f"config.protocol: {display_name(str(error))}"
    if not _is_text(read.name):
        return "config.protocol.name is not a text of one line"
    fraction = read.validation_fraction
    if not _is_number(fraction) or not 0 <= fraction < 1:
        return "config.protocol.validation_fraction is not a number from 0 to 1"
    if not _is_whole(read.split_seed, 0, LARGEST_SPLIT_SEED):
        return "config.protocol.split_seed is not a whole number that a seed can be"
    wrong = [name for name in FLAGS if not isinstance(getattr(read, name), bool)]
    return f"config.protocol.{wrong[0]} is neither true nor false" if wrong else None


def _wrong_method(method: str) -> str | None:
    try:
        methods.parse(method)
    except UsageError as error:
        return f"config.method: {display_name(str(error))}"
    return None


def _wrong_data(data: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the description of the data, None where nothing is."""
    for name in ("name", "sha256"):
        if not _is_unicode(data.get(name)):
            return f"data.{name} is not a text"
    for name in ("source", "origin"):
        if not _is_path(data.get(name)):
            return f"data.{name} is not a text"
    if "data_dir" not in data or not (data["data_dir"] is None or _is_path(data["data_dir"])):
        return "data.data_dir is neither a text nor null"
    return _wrong_pixels(data) or _wrong_classes(data.get("classes"))


def _wrong_pixels(data: Mapping[str, Any]) -> str | None:
    shape = data.get("image_shape")
    if not isinstance(shape, list) or len(shape) != 3 or not all(map(_is_side, shape[:2])):
        return f"data.image_shape is not height and width from {SMALLEST_IMAGE} to {LARGEST_IMAGE}, and channels"
    channels = shape[2]
    if not _is_whole(channels, 1, 3) or channels == 2:
        return "data.image_shape has neither 1 nor 3 channels"
    for name in ("mean", "std"):
        if not _is_list(data.get(name), channels) or not all(map(_is_level, data[name])):
            return f"data.{name} is not a number from 0 to {BRIGHTEST} for each of {channels} channels"
    return None if all(data["std"]) else "data.std holds a zero"


def _wrong_classes(classes: Any) -> str | None:
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        return "data.classes is not a list of names"
    if len(classes) > MOST_CLASSES:
        return f"data.classes has {len(classes):,} names, at most {MOST_CLASSES:,} are possible"
    return "data.classes names a class twice" if len(set(classes)) < len(classes) else None


def _is_unicode(value: Any) -> bool:
    """Return whether it is a text that can be written to a file: JSON allows halves of surrogate pairs."""
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _is_path(value: Any) -> bool:
    """Return whether it is a text that can be a path here: Python writes bytes that are no UTF-8 as lone surrogates."""
    try:
        return isinstance(value, str) and bool(os.fsencode(value))
    except UnicodeEncodeError:
        return False


def _is_text(value: Any) -> bool:
    """Return whether it is a text without control characters, which error messages quote."""
    return _is_unicode(value) and not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in value)


def _is_text_or_null(value: Any) -> bool:
    return value is None or _is_text(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_side(value: Any) -> bool:
    return _is_whole(value, SMALLEST_IMAGE, LARGEST_IMAGE)


def _is_level(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= BRIGHTEST  # not for NaN


def _is_list(value: Any, length: int) -> bool:
    return isinstance(value, list) and len(value) == length
