"""How a folder of images is laid out: which files, of which class, for which part."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from overfitlab.data.prepare.found_files import Glance, folder_identity, glance, image_files, listing, subfolders
from overfitlab.data.sources.part_names import (
    PARTS,
    TEST,
    TRAIN,
    VALIDATION,
    besides_the_part,
    part_named,
    part_within,
)
from overfitlab.display import as_seen, display_name
from overfitlab.errors import DataError
from overfitlab.reasons import Reason, reason

SHOWN = 3  # names in a message
SHORT = {TRAIN: "train/", VALIDATION: "val/", TEST: "test/"}  # what to call a part


@dataclass(frozen=True)
class Other:
    """A file in the folder of a class that is no image, by its name."""

    path: Path
    label: int
    part: str


@dataclass(frozen=True)
class Layout:
    """Image files in a fixed order, the class and the part of each, and what else lies there."""

    class_names: tuple[str, ...]
    files: list[Path]
    labels: list[int]
    parts: list[str]
    others: list[Other]
    loose: list[Path]  # images in no folder of a class
    strays: list[Path]  # other files in none
    has: frozenset[str]  # the parts that have a folder
    notes: tuple[Reason, ...]  # what a reader has to know of how it was understood


@dataclass(frozen=True)
class _Place:
    """A folder whose images are of one class, for one part."""

    part: str
    name: str
    folder: Path


def read_layout(folder: Path, *, trainable: bool = True) -> Layout:
    """Return what `DIR/class/...`, `DIR/part/class/...` or `DIR/class/part/...` holds; an empty folder is a class, too.

    Parts are called train, val, test or alike (`part_names`); names with such a word in them, as `seg_train`, count
    where the same classes are in several. Names of classes are equal where they look the same (`as_seen`). A folder
    that holds nothing but another one is passed through. Raises `DataError` where it is none of these, or has one class
    only and is to be trained on (`trainable`).
    """
    root = _passed_through(folder, trainable=trainable)
    notes = [] if root == folder else [reason("classes_further_down", folder=display_name(root))]
    parts = _parts_of(root, trainable)
    if parts:
        places = _of_parts(root, parts, trainable)
        if not all(part_named(entry.name) for entry in parts):
            notes.append(reason("taken_for_parts", folders=_listed(parts)))
    else:
        inside = {entry: _with_images(glance(entry)) for entry in subfolders(root)}
        places = _turned_round(inside)
        if not places:
            _refuse_unlike_parts({entry: here for entry, here in inside.items() if here.folders or here.images})
            places = [_Place(TRAIN, as_seen(entry.name), entry) for entry in inside]
            notes += _parts_or_classes(inside)
    if not places:
        raise DataError(
            "folder_without_classes",
            "{folder} has no subfolders, one per class; put the images of each class into a subfolder of its own: "
            "cats/1.jpg, dogs/2.jpg",
            folder=folder,
        )
    classes = list(dict.fromkeys(place.name for place in places if place.part == TRAIN))
    if trainable and len(classes) == 1:
        raise DataError(
            "one_class_only", "{place} has one class only, {name}; at least two are needed",
            place=folder, name=classes[0],
        )  # fmt: skip
    return _filled(folder, places, classes, frozenset({*parts.values(), *(place.part for place in places)}), notes)


def _filled(
    folder: Path, places: Sequence[_Place], classes: list[str], has: frozenset[str], notes: list[Reason]
) -> Layout:
    """Find the files of all places, in the order of their parts and classes."""
    found = Layout(
        tuple(map(display_name, classes)), [], [], [], [], *_outside(folder, places), has=has, notes=tuple(notes)
    )
    elsewhere = _identities(folder, places)
    numbers = {name: number for number, name in enumerate(classes)}
    for place in sorted(places, key=lambda place: PARTS.index(place.part)):
        if place.name not in numbers:
            raise DataError(
                "class_not_in_train",
                "class {name} is in {folder} but not in {train}; the names of the classes must be the same in all "
                "parts",
                name=place.name, folder=place.folder.parent,
                train=next(other.folder.parent for other in places if other.part == TRAIN),
            )  # fmt: skip
        images, rest = image_files(place.folder, elsewhere)
        found.files.extend(images)
        found.labels.extend([numbers[place.name]] * len(images))
        found.parts.extend([place.part] * len(images))
        found.others.extend(Other(path, numbers[place.name], place.part) for path in rest)
    return found


def _outside(folder: Path, places: Iterable[_Place]) -> tuple[list[Path], list[Path]]:
    """Return the images, and the other files, that lie above the folders of the classes."""
    above = {folder}
    for place in places:
        above.update(parent for parent in place.folder.parents if folder in parent.parents)
    listings = [listing(each) for each in sorted(above)]
    return [path for each in listings for path in each.images], [path for each in listings for path in each.others]


def _passed_through(folder: Path, *, trainable: bool, keep: Iterable[str] = (), of_part: bool = False) -> Path:
    """Return the folder below that has the classes, where `folder` and so on hold nothing but one other folder.

    Archives unpack into a folder of their own name, `photos/photos/`. One folder with several in it would be the only
    class, so it is none where it is to be trained on; one of `keep` is a class all the same.
    """
    last, current, been = folder, folder, {folder_identity(folder)}
    while True:
        here = glance(current)
        if len(here.folders) != 1 or here.images:
            return current if len(here.folders) > 1 and not here.images and trainable else last
        (only,) = here.folders
        if folder_identity(only) in been or as_seen(only.name) in keep:
            return last
        if as_seen(only.name) == as_seen(current.name) and glance(only).folders and last == current:
            last = only
        elif part_named(only.name) and not of_part:
            return current if trainable else last
        current = only
        been.add(folder_identity(only))


def _parts_of(root: Path, trainable: bool) -> dict[Path, str]:
    """Return the part that each subfolder is; none where they are classes. Raises `DataError` where it is neither."""
    entries = subfolders(root)
    named = {entry: part for entry in entries if (part := part_named(entry.name)) is not None}
    meant = named | {entry: part for entry in entries if (part := part_within(entry.name)) is not None}
    inside = {entry: _names_inside(entry, trainable) for entry in meant}
    if not any(inside[entry] for entry in named):  # a class may well be called "test"
        of_train = {name for entry, part in meant.items() if part == TRAIN for name in inside[entry]}
        others = [inside[entry] for entry, part in meant.items() if part != TRAIN and inside[entry]]
        if not of_train or not others or not all(names & of_train for names in others):
            _refuse_flat(root, entries, meant, trainable)
            return {}
    strangers = [entry for entry in entries if entry not in meant]
    if strangers:
        _refuse_strangers(root, meant, strangers)
    if TRAIN not in meant.values():
        raise DataError(
            "folder_without_train", "{folder} holds {parts} but no train/; add it",
            folder=root, parts=_listed(meant),
        )  # fmt: skip
    for part in PARTS:
        same = [entry for entry in meant if meant[entry] == part]
        if len(same) > 1:
            raise DataError(
                "parts_mean_the_same",
                "{folder} has {parts}, which mean the same; merge their classes, or keep only one of them",
                folder=root, parts=_listed(same),
            )  # fmt: skip
    return meant


def _of_parts(root: Path, parts: dict[Path, str], trainable: bool) -> list[_Place]:
    """Return the folders of the classes in each part."""
    train = next(entry for entry, part in parts.items() if part == TRAIN)
    train_root = _passed_through(train, trainable=trainable, of_part=True)
    classes = {as_seen(entry.name) for entry in subfolders(train_root)}
    places = []
    for entry, part in parts.items():
        where = train_root if part == TRAIN else _passed_through(entry, trainable=trainable, keep=classes, of_part=True)
        here = glance(where)
        if here.images and not here.folders:
            first = listing(where).images[0]
            if part == TRAIN:
                raise _without_classes(root, [entry], first)
            raise DataError(
                "part_without_classes",
                "{place} holds {images:,} images but no class folders (the first: {file}); sort them into folders like "
                "those of {train}/, or move {name}/ away: images without labels are for overfitlab predict",
                place=entry, images=here.images, file=first.name, train=train.name, name=entry.name,
            )  # fmt: skip
        places += [_Place(part, as_seen(each.name), each) for each in here.folders]
    return places


def _names_inside(part: Path, trainable: bool) -> set[str]:
    """Return the names of the folders in a part, and in the one that it holds where it holds nothing else."""
    within = _passed_through(part, trainable=trainable, of_part=True)
    return {as_seen(entry.name) for folder in (part, within) for entry in subfolders(folder)}


def _turned_round(classes: dict[Path, Glance]) -> list[_Place]:
    """Return the places of classes that hold parts, `cats/train/1.jpg`; none where they do not."""
    places = [
        _Place(part, as_seen(entry.name), inner)
        for entry, here in classes.items()
        for inner in here.folders
        if (part := part_named(inner.name) or part_within(inner.name)) is not None
    ]
    inside = [{place.part for place in places if place.folder.parent == entry} for entry in classes]
    whole = len(places) == sum(len(here.folders) for here in classes.values())
    several = len({place.part for place in places}) > 1
    if whole and several and all(TRAIN in parts for parts in inside) and not any(h.images for h in classes.values()):
        return places
    return []


def _refuse_unlike_parts(classes: dict[Path, Glance]) -> None:
    """Refuse classes of which some hold parts and others do not: `cats/train`, `cats/test`, but `dogs/old`.

    Test images would be trained on.
    """
    parts = {entry: [inner for inner in here.folders if part_named(inner.name)] for entry, here in classes.items()}
    of_parts = [entry for entry, inner in parts.items() if _are_parts(inner)]
    if not of_parts:
        return
    for entry, here in classes.items():
        others = [inner for inner in here.folders if inner not in parts[entry]]
        if entry not in of_parts or others or here.images:
            unlike = entry if entry not in of_parts else [*others, *listing(entry).images][0]
            raise DataError(
                "classes_of_unlike_parts",
                "{folder} holds {parts}, but not all classes are like that ({other}); give every class the same parts "
                "(train/, val/, test/) and nothing else, or put all images of a class directly into its folder",
                folder=of_parts[0], parts=_listed(parts[of_parts[0]]), other=unlike,
            )  # fmt: skip


def _are_parts(folders: Sequence[Path]) -> bool:
    """Return whether these are parts of one class: training images, and others."""
    found = {part_named(folder.name) for folder in folders}
    return TRAIN in found and len(found) > 1


def _with_images(here: Glance) -> Glance:
    """Return a look at a class without folders that hold no image at all: `labels/` with XML files."""
    named = [inner for inner in here.folders if part_named(inner.name)]
    if not _are_parts(named) or len(named) == len(here.folders):
        return here
    return Glance([inner for inner in here.folders if inner in named or image_files(inner)[0]], here.images)


def _parts_or_classes(classes: dict[Path, Glance]) -> list[Reason]:
    """Return a note where one list of names is in several classes: they may well be parts of unknown names."""
    inside = {
        folder: {as_seen(entry.name) for entry in here.folders}
        for folder, here in classes.items()
        if here.folders and not here.images
    }
    counts = Counter(name for names in inside.values() for name in names)
    common = sorted(name for name, count in counts.items() if count >= max(2, len(classes) / 2))
    if len(common) < 2:
        return []
    holders = [folder for folder, names in inside.items() if names & set(common)]
    return [reason("parts_or_classes", folders=_listed(holders), inside=_shown([f"{name}/" for name in common]))]


def _refuse_flat(root: Path, entries: Sequence[Path], meant: dict[Path, str], trainable: bool) -> None:
    """Refuse parts without class folders: `train/1.jpg`; they would be taken for classes."""
    single = len(entries) == 1 and (not trainable or part_named(entries[0].name) is None)
    if not entries or len(meant) < len(entries) or TRAIN not in meant.values() or single:
        return
    if len(set(meant.values())) < len(entries) or len({besides_the_part(entry.name) for entry in entries}) > 1:
        return  # freight_train/ and test_rig/ are classes
    images = [path for entry in entries for path in listing(entry).images]
    if images and not any(subfolders(entry) for entry in entries):
        raise _without_classes(root, entries, images[0])


def _without_classes(root: Path, parts: Sequence[Path], first: Path) -> DataError:
    return DataError(
        "parts_without_classes",
        "{folder} holds {parts} without class folders (the first image: {file}); put the images of each class into a "
        "folder of its own: train/cats/1.jpg, train/dogs/2.jpg",
        folder=root, parts=_listed(parts), file=first.relative_to(root),
    )  # fmt: skip


def _refuse_strangers(root: Path, parts: dict[Path, str], strangers: list[Path]) -> None:
    """Say what the folders beside the parts may be, and what to do about them."""
    train = {as_seen(each.name) for entry, part in parts.items() if part == TRAIN for each in subfolders(entry)}
    for entry in strangers:
        here = glance(entry)
        shared = [each for each in here.folders if as_seen(each.name) in train]
        if shared:
            about = {"folder": root, "parts": _listed(parts), "other": entry.name, "shared": _listed(shared)}
            free = [name for part, name in SHORT.items() if part not in parts.values()]
            if not free:
                raise DataError(
                    "folder_beside_all_parts",
                    "{folder} holds {parts} and also {other}/ with the same subfolders ({shared}); merge it into one "
                    "of them, or move it away",
                    **about,
                )
            raise DataError(
                "part_of_unknown_name",
                "{folder} holds {parts} and also {other}/ with the same subfolders ({shared}); call it {names}, or "
                "move it away",
                names=" / ".join(free), **about,
            )  # fmt: skip
        if here.images and not here.folders:
            raise DataError(
                "images_beside_parts",
                "{folder} holds {parts} and also {other}/ with {images:,} images but no class folders; move it away: "
                "images without labels are for overfitlab predict",
                folder=root, parts=_listed(parts), other=entry.name, images=here.images,
            )  # fmt: skip
    raise DataError(
        "parts_beside_classes",
        "{folder} has {parts} and also {others}; keep either the parts (train, val, test) or the classes",
        folder=root, parts=_listed(parts), others=_listed(strangers),
    )  # fmt: skip


def _identities(folder: Path, places: Sequence[_Place]) -> set[tuple[int, int]]:
    """Return the folders that links must not lead into: those of the layout. No image has two classes or two parts."""
    of_class: dict[tuple[int, int], _Place] = {}
    for place in places:
        other = of_class.setdefault(folder_identity(place.folder), place)
        if other.name != place.name:
            raise _two_names(other.folder, place.folder)
    roots: dict[tuple[int, int], Path] = {folder_identity(folder): folder}
    for root in {place.folder.parent: None for place in places}:
        other_root = roots.setdefault(folder_identity(root), root)
        if other_root not in (root, folder):
            raise _two_names(other_root, root)
    return {*of_class, *roots}


def _two_names(one: Path, other: Path) -> DataError:
    return DataError(
        "folder_of_two_names", "{folder} and {other} are one folder under two names; remove the link",
        folder=one, other=other,
    )  # fmt: skip


def _listed(entries: Iterable[Path]) -> str:
    return _shown([f"{entry.name}/" for entry in entries])


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
