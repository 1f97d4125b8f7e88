"""How folders of images are laid out by people, archives and operating systems, and what that means."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from overfitlab.data import loading
from overfitlab.data.prepare.found_files import SYSTEM_NAMES, image_files
from overfitlab.data.sources.part_names import part_within
from overfitlab.errors import DataError

RNG = np.random.default_rng(0)


def fill(root: Path, *folders: str, images: int = 4) -> Path:
    """Put so many different images into each of those folders below `root`."""
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(images):
            Image.fromarray(RNG.integers(0, 256, (9, 9), dtype=np.uint8)).save(root / folder / f"{number}.png")
    return root


def in_parts(data) -> dict[str, set[str]]:
    """Return of each part in which folders its images lie."""
    rows = {"validation": data.validation if data.validation is not None else [], "test": data.test}
    taken = {row for some in rows.values() for row in some}
    rows["train"] = [row for row in range(len(data.images)) if row not in taken]
    return {part: {data.image_names[row].rpartition("/")[0] for row in some} for part, some in rows.items()}


def codes(data) -> list[str]:
    return [note.code for note in data.notes if note.code != "images_resized"]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"), ("Training Set", "Test Set"), ("trainset", "testset"), ("seg_train", "seg_test"),
        ("train_images", "test-images"), ("birdsTrain", "birdsTest"), ("2023_train", "2024_test"), ("train", "test1"),
        ("학습용_이미지", "평가용_이미지"),
    ],
)  # fmt: skip
def test_names_that_speak_of_parts_are_parts_where_they_hold_the_same_classes(tmp_path, train, test):
    fill(tmp_path / "x", f"{train}/cats", f"{train}/dogs")
    fill(tmp_path / "x", f"{test}/cats", f"{test}/dogs", images=2)
    data = loading.load(str(tmp_path / "x"))
    assert data.class_names == ("cats", "dogs")
    assert in_parts(data)["test"] == {f"{test}/cats", f"{test}/dogs"}
    assert in_parts(data)["train"] == {f"{train}/cats", f"{train}/dogs"}
    assert not data.test_set_apart
    assert codes(data) == ["taken_for_parts"]


def test_names_that_speak_of_two_parts_or_of_none():
    assert [part_within(name) for name in ("train_val", "contest", "latest", "freight-train")] == [
        None, None, None, "train",
    ]  # fmt: skip


def test_classes_of_other_content_are_no_parts_whatever_they_are_called(tmp_path):
    fill(tmp_path / "x", "steam_train/old", "steam_train/new", "crash_test/car", "crash_test/bus")
    assert loading.load(str(tmp_path / "x")).class_names == ("crash_test", "steam_train")


@pytest.mark.parametrize("inner", ["{part}/{part}/", "{part}/images/", "{part}/a/b/"])
def test_folders_that_hold_nothing_but_another_one_are_passed_through(tmp_path, inner):
    for part in ("seg_train", "seg_test"):
        fill(tmp_path / "x", *(inner.format(part=part) + kind for kind in ("forest", "sea")))
    data = loading.load(str(tmp_path / "x"))
    assert data.class_names == ("forest", "sea")
    assert len(data.test) == 8


@pytest.mark.parametrize("inner", ["x", "photos", "a/b"])
def test_an_archive_unpacked_into_a_folder_of_its_own(tmp_path, inner):
    fill(tmp_path / "x", f"{inner}/cats", f"{inner}/dogs")
    data = loading.load(str(tmp_path / "x"))
    assert data.class_names == ("cats", "dogs")
    assert codes(data) == ["classes_further_down"]
    assert data.image_names[0] == f"{inner}/cats/0.png"


def test_one_class_with_folders_in_it_stays_one_where_it_is_only_evaluated(tmp_path):
    fill(tmp_path / "x", "cats/indoors", "cats/outdoors")
    assert loading.load(str(tmp_path / "x"), trainable=False).class_names == ("cats",)


def test_a_folder_that_links_to_itself_is_no_riddle(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "x").symlink_to(tmp_path / "x")
    with refused(DataError, "one_class_only"):
        loading.load(str(tmp_path / "x"))


def test_parts_within_the_classes(tmp_path):
    fill(tmp_path / "x", "cats/train", "dogs/train")
    fill(tmp_path / "x", "cats/test", "dogs/test", images=2)
    data = loading.load(str(tmp_path / "x"))
    assert data.class_names == ("cats", "dogs")
    assert in_parts(data) == {
        "train": {"cats/train", "dogs/train"}, "validation": set(), "test": {"cats/test", "dogs/test"},
    }  # fmt: skip
    assert np.bincount(data.labels).tolist() == [6, 6]


def test_one_list_of_names_in_several_folders_is_asked_about(tmp_path):
    fill(tmp_path / "x", "2023/cats", "2023/dogs", "2024/cats", "2024/dogs", "2024/owls")
    data = loading.load(str(tmp_path / "x"))
    assert data.class_names == ("2023", "2024")
    assert codes(data) == ["parts_or_classes"]
    assert data.notes[0].values == {"folders": "2023/, 2024/", "inside": "cats/, dogs/"}


def test_one_name_that_all_classes_have_inside_is_nothing_to_ask_about(tmp_path):
    assert codes(loading.load(str(fill(tmp_path / "x", "cats/images", "dogs/images")))) == []
    assert codes(loading.load(str(fill(tmp_path / "y", "cats", "cats/a", "cats/b", "dogs", "dogs/a", "dogs/b")))) == []


@pytest.mark.parametrize(
    ("make", "code", "values"),
    [
        (lambda x: fill(fill(x, "train/a", "train/b"), "test", images=10), "part_without_classes",
         {"images": 10, "file": "0.png", "name": "test", "train": "train"}),
        (lambda x: fill(x, "train", "test"), "parts_without_classes", {"parts": "test/, train/", "file": "test/0.png"}),
        (lambda x: fill(x, "train"), "parts_without_classes", {"parts": "train/"}),
        (lambda x: fill(x, "train", "test1"), "parts_without_classes", {}),
        (lambda x: fill(x, "train_set", "test_set"), "parts_without_classes", {}),
        (lambda x: fill(x, "train", "test/a", "test/b"), "parts_without_classes", {"file": "train/0.png"}),
        (lambda x: fill(x, "train/a", "train/b", "seg_pred"), "images_beside_parts",
         {"other": "seg_pred", "images": 4}),
        (lambda x: fill(x, "train/a", "train/b", "holdout/a", "holdout/b"), "part_of_unknown_name",
         {"other": "holdout", "shared": "a/, b/"}),
        (lambda x: fill(x, *(f"{part}/{kind}" for part in ("train", "val", "test", "extra") for kind in "ab")),
         "folder_beside_all_parts", {"other": "extra"}),
        (lambda x: fill(x, *(f"{part}/{kind}" for part in ("train", "test", "extra") for kind in "ab")),
         "part_of_unknown_name", {"other": "extra", "names": "val/"}),
        (lambda x: fill(x, "cats/train", "cats/test", "dogs/train", "dogs/old"), "classes_of_unlike_parts",
         {"parts": "test/, train/"}),
        (lambda x: fill(x, "cats/train", "cats/test", "dogs"), "classes_of_unlike_parts", {}),
        (lambda x: fill(x, "cats", "cats/train", "cats/test", "dogs", "dogs/train", "dogs/test"),
         "classes_of_unlike_parts", {}),
        (lambda x: fill(x, "train/a", "train/b", "training_set/a", "training_set/b"), "parts_mean_the_same",
         {"parts": "train/, training_set/"}),
    ],
)  # fmt: skip
def test_parts_that_cannot_be_taken_say_what_is_wrong_with_them(tmp_path, make, code, values):
    with refused(DataError, code, **values) as caught:
        loading.load(str(make(tmp_path / "x")))
    assert "\n" not in str(caught.value)


def test_a_folder_of_other_files_beside_parts_of_a_class_counts_for_nothing(tmp_path):
    root = fill(tmp_path / "x", "cats/train", "cats/test", "dogs/train", "dogs/test")
    (root / "cats" / "labels").mkdir()
    (root / "cats" / "labels" / "0.xml").write_text("<a/>")
    assert in_parts(loading.load(str(root)))["test"] == {"cats/test", "dogs/test"}


@pytest.mark.parametrize(("train", "other"), [("trainval", "test"), ("train", "validate")])
def test_more_names_of_parts(tmp_path, train, other):
    fill(tmp_path / "x", *(f"{part}/{kind}" for part in (train, other) for kind in "ab"))
    fill(tmp_path / "y", *(f"{kind}/{part}" for part in (train, other) for kind in "ab"))
    for name in "xy":
        data = loading.load(str(tmp_path / name))
        assert data.class_names == ("a", "b")
        assert len(data.test if other == "test" else data.validation) == 8


def test_classes_called_like_parts_of_different_things(tmp_path):
    assert loading.load(str(fill(tmp_path / "x", "freight_train", "test_rig"))).class_names == (
        "freight_train", "test_rig",
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__pycache__",
        ".ipynb_checkpoints", "FOUND.000", ".Trash-1000", "_vti_cnf", "@SynoResource",
    ],
)  # fmt: skip
def test_folders_of_systems_are_neither_classes_nor_images(tmp_path, name):
    """Even where there are pictures in them: thumbnails, and what was deleted."""
    fill(tmp_path / "x", "cats", "dogs", name, f"{name}/cats", f"cats/{name}/deep")
    data = loading.load(str(tmp_path / "x"))
    assert data.class_names == ("cats", "dogs")
    assert len(data.images) == 8
    assert data.skipped == []
    fill(tmp_path / "y", "train/cats", "train/dogs", "test/cats", "test/dogs", name, f"train/{name}")
    assert len(loading.load(str(tmp_path / "y")).images) == 16


def test_files_of_systems_are_not_listed_as_skipped(tmp_path):
    fill(tmp_path / "x", "cats", "dogs")
    for name in ("Thumbs.db", "desktop.ini", "Icon\r", ".DS_Store", "._0.png"):
        (tmp_path / "x" / "cats" / name).write_text("not yours")
    assert loading.load(str(tmp_path / "x")).skipped == []
    assert all(name == name.lower() for name in SYSTEM_NAMES)


def test_loose_files_beside_classes_and_in_parts_are_listed(tmp_path):
    fill(tmp_path / "x", "train/cats", "train/dogs")
    fill(tmp_path / "x", ".", "train", images=1)
    (tmp_path / "x" / "labels.csv").write_text("0.png,cat")
    (tmp_path / "x" / "train" / "cats" / "cat.raw").write_text("?")
    data = loading.load(str(tmp_path / "x"))
    assert [(file.name, file.reason.code) for file in data.skipped] == [
        ("0.png", "image_in_no_class"), ("train/0.png", "image_in_no_class"),
        ("train/cats/cat.raw", "no_ending_of_an_image"), ("labels.csv", "no_ending_of_an_image"),
    ]  # fmt: skip


def decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def test_names_that_look_equal_are_one_class(tmp_path):
    """In the parts, where one was packed by macOS, and beside each other."""
    fill(tmp_path / "x", "train/café", "train/고양이", f"train/{decomposed('고양이')}")
    fill(tmp_path / "x", f"test/{decomposed('café')}", f"test/{decomposed('고양이')}", images=2)
    data = loading.load(str(tmp_path / "x"))
    assert data.class_names == ("café", "고양이")
    assert np.bincount(data.labels[data.test]).tolist() == [2, 2]
    assert np.bincount(data.labels).tolist() == [6, 10]


def test_a_folder_is_the_same_whoever_packed_it(tmp_path):
    """Names with signs apart sort elsewhere, and the order of the images is part of their hash."""
    for folder, written in (("x", str), ("y", decomposed)):
        rng = np.random.default_rng(1)
        for kind in ("각", "가나", "z"):
            for name in ("é.png", "f.png", "ez.png"):
                place = tmp_path / folder / written(kind) / written(name)
                place.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 256, (9, 9), dtype=np.uint8)).save(place)
    one, other = (loading.load(str(tmp_path / folder)) for folder in "xy")
    assert one.class_names == other.class_names == ("z", "가나", "각")
    assert one.content_hash == other.content_hash


def test_the_folder_itself_may_be_written_with_other_signs(tmp_path):
    fill(tmp_path / decomposed("사진") / decomposed("é"), "cats", "dogs")
    assert loading.load(str(tmp_path / "사진" / "é")).class_names == ("cats", "dogs")


def test_links_into_another_class_within_parts_are_refused(tmp_path):
    fill(tmp_path / "x", "cats/train", "cats/test", "dogs/test")
    (tmp_path / "x" / "dogs" / "train").symlink_to(tmp_path / "x" / "cats" / "train")
    with refused(DataError, "folder_of_two_names"):
        loading.load(str(tmp_path / "x"))


def test_images_are_found_in_the_order_of_their_composed_names(tmp_path):
    for name in (decomposed("é") + ".png", "f.png", "z.png"):
        (tmp_path / name).touch()
    found, _ = image_files(tmp_path)
    assert [unicodedata.normalize("NFC", path.name) for path in found] == ["f.png", "z.png", "é.png"]
