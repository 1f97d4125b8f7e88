"""From what stands after `--groups` to the group of every image."""

import os
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from overfitlab.data.dataset import Dataset
from overfitlab.data.grouping import Grouping
from overfitlab.data.sources.group_list import groups_of_files, groups_of_rows, read_list
from overfitlab.data.sources.group_rule import matched
from overfitlab.display import as_seen, display_name
from overfitlab.errors import DataError, UsageError

NAME, PATH, ARRAY = "name:", "path:", "array:"
SUFFIXES = (("train", "training"), ("val", "valid", "validation", "dev"), ("test",))
LARGEST_ARRAY = 2**28  # bytes
SHOWN = 3


def read_groups(dataset: Dataset, given: str) -> Grouping:
    """Return the group of every image of a dataset.

    Args:
        dataset: image files, which have names, or arrays, whose images are numbered from 0 (of an `.npz` file with
            parts: training, validation, test).
        given: the path of a list (CSV or TSV: path or number, group); or a rule, `name:REGEX` for the name of a file
            and `path:REGEX` for its path below the folder, with the group in brackets; or `array:NAME`, an array of
            the `.npz` file.

    Raises `UsageError` for a rule that is none or does not fit, and `DataError` where an image has no group.
    """
    if given.startswith((NAME, PATH)):
        found = _by_rule(dataset, given)
        source = given
    elif given.startswith(ARRAY):
        found, source = _by_array(dataset, given), given
    else:
        path = _list_path(given)
        source = str(path.absolute())
        listed = read_list(path)
        if dataset.image_names is None:
            found = groups_of_rows(listed, len(dataset.images))
        else:
            found = groups_of_files(listed, dataset.image_names, Path(dataset.source))
    return Grouping.of([as_seen(group) for group in _whole(dataset, given, found)], source)


def arrays_for(given: str | None) -> frozenset[str]:
    """Return the names of arrays of an `.npz` file in which groups are looked for; none for a list and other rules."""
    if given is None or not given.startswith(ARRAY):
        return frozenset()
    name = given.removeprefix(ARRAY)
    return frozenset((name, *(f"{name}_{suffix}" for each in SUFFIXES for suffix in each)))


def is_rule(given: str) -> bool:
    """Return whether that is a rule or the name of an array, and not the path of a list."""
    return given.startswith((NAME, PATH, ARRAY))


def _list_path(given: str) -> Path:
    path = Path(os.path.expanduser(given))  # noqa: PTH111 - a name that cannot be expanded stays as it is
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, ValueError):  # no file can have that name
        is_file = is_folder = False
    if is_folder:
        raise UsageError(
            "groups_are_a_folder",
            "--groups {given} is a folder; give a list (one PATH,GROUP per line), or a rule such as path:([^/]+)/ for "
            "the names of folders",
            given=given,
        )
    if not is_file:
        raise UsageError(
            "groups_not_there",
            "--groups {given}: there is no such file; give a list (one PATH,GROUP per line), or a rule such as "
            "name:^(.*?)_",
            given=given,
        )
    return path


def _by_rule(dataset: Dataset, rule: str) -> list[str | None]:
    if dataset.image_names is None:
        raise UsageError(
            "rule_for_images_without_names",
            "--groups {rule} uses the names of files, which the images of {data} do not have; give a list with the "
            "number of each image, counted from 0, and its group",
            rule=rule, data=dataset.name,
        )  # fmt: skip
    kind, _, pattern = rule.partition(":")
    composed = [unicodedata.normalize("NFC", name) for name in dataset.image_names]
    names = [name.replace("\\", "/") if os.sep == "\\" else name for name in composed]
    return matched(rule, pattern, [PurePosixPath(name).name for name in names] if f"{kind}:" == NAME else names)


def _by_array(dataset: Dataset, given: str) -> list[str | None]:
    name, path = given.removeprefix(ARRAY), Path(dataset.source)
    if path.suffix.lower() != ".npz":
        raise UsageError(
            "array_of_no_npz", "--groups {given} is for an .npz file, and {data} is not one; give a list or a rule",
            given=given, data=dataset.name,
        )  # fmt: skip
    values = _arrays(path, name)
    if len(values) != len(dataset.images):
        raise DataError(
            "groups_of_another_length",
            "{file}: {name} has {count:,} groups for {images:,} images; each needs one, in {name} or, by parts, in "
            "{name}_train, {name}_val and {name}_test",
            file=display_name(path), name=name, count=len(values), images=len(dataset.images),
        )  # fmt: skip
    return [str(value) for value in values.tolist()]


def _arrays(path: Path, name: str) -> NDArray[np.generic]:
    """Return the array of that name, or those of the parts in a row: NAME_train, NAME_val, NAME_test."""
    shown = display_name(path)
    try:
        with zipfile.ZipFile(path) as archive, np.load(path, allow_pickle=False) as arrays:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
            parts = [[f"{name}_{suffix}" for suffix in each] for each in SUFFIXES]
            parts[0].append(name)  # of all parts, or of the first
            found = [next((one for one in each if one in sizes), None) for each in parts]
            wanted = [one for one in found if one is not None]
            if not wanted or any(sizes[one] > LARGEST_ARRAY for one in wanted):
                raise DataError(
                    "npz_without_groups", "{file} has no array {name} of groups; it holds {arrays}",
                    file=shown, name=name, arrays=", ".join(sorted(sizes)),
                )  # fmt: skip
            values = [np.asarray(arrays[one]) for one in wanted]
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(
            "groups_array_unreadable", "{file}: the groups in {name} cannot be read ({reason})",
            file=shown, name=name, reason=error,
        ) from error  # fmt: skip
    values = [np.char.decode(each, "utf-8", "replace") if each.dtype.kind == "S" else each for each in values]
    if any(each.dtype.kind not in "buiU" or each.ndim != 1 for each in values):
        raise DataError(
            "groups_of_no_kind",
            "{file}: {name} must be one whole number or string for each image",
            file=shown,
            name=name,
        )
    return np.concatenate([each.astype(str) for each in values])


def _whole(dataset: Dataset, given: str, found: Sequence[str | None]) -> list[str]:
    """Return the groups where every image has one; else say which has none."""
    without = [row for row, group in enumerate(found) if not group]
    if not without:
        return [group for group in found if group]
    names = [dataset.image_names[row] if dataset.image_names is not None else str(row) for row in without[:SHOWN]]
    listed = ", ".join(names) + (", ..." if len(without) > SHOWN else "")
    if len(without) == len(found) and not is_rule(given):
        example = dataset.image_names[0] if dataset.image_names is not None else "0"
        raise DataError(
            "groups_of_other_images",
            "--groups {given} names none of the {images:,} images of {data}; they are called {names}: write a line for "
            "each, such as {example},GROUP",
            given=given, images=len(found), data=dataset.name, names=listed, example=example,
        )  # fmt: skip
    raise DataError(
        "images_without_group",
        "--groups {given} gives no group to {count:,} of {images:,} images of {data}: {names}; every image needs "
        "one",
        given=given, count=len(without), images=len(found), data=dataset.name, names=listed,
    )  # fmt: skip
