"""A folder of the user's own images, from a tidy one to a hopeless one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from overfitlab.data import loading
from overfitlab.data.prepare import cache
from overfitlab.errors import DataError, OverfitlabError, UsageError
from overfitlab.events import Listener, TaskAdvanced, TaskBegan, TaskEnded
from overfitlab.reasons import reason

RNG = np.random.default_rng(0)


def save(path: Path, size=(40, 40), mode="RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(path)


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    for kind, count in (("cat", 10), ("dog", 20), ("owl", 5)):
        for number in range(count):
            ending = ("png", "jpg", "webp")[number % 3]
            save(folder / kind / f"{number:02}.{ending}", size=(30 + number, 50))
    return folder


class Counting(Listener):
    """Counts the times that images were read."""

    def __init__(self):
        self.begun, self.done, self.over = [], 0, 0

    def on(self, event):
        match event:
            case TaskBegan():
                self.begun.append((event.task.code, event.total, event.unit))
            case TaskAdvanced():
                self.done = event.done
            case TaskEnded():
                self.over += 1


def test_one_subfolder_per_class(photos):
    data = loading.load(str(photos))
    assert data.name == "photos"
    assert data.class_names == ("cat", "dog", "owl")
    assert data.images.shape == (35, 32, 32, 3)
    assert np.bincount(data.labels).tolist() == [10, 20, 5]
    assert data.image_names[0] == "cat/00.png"
    assert np.bincount(data.labels[data.test]).tolist() == [2, 4, 1]  # a fifth of each class, set apart
    assert data.test_set_apart
    assert data.validation is None


def test_images_are_those_of_the_files(photos):
    data = loading.load(str(photos), image_size=(50, 35))
    path = photos / "dog" / "05.webp"
    row = list(data.image_names).index("dog/05.webp")
    assert data.images[row].shape == (50, 35, 3)
    np.testing.assert_array_equal(data.images[row], np.asarray(Image.open(path).convert("RGB")))
    assert data.class_names[data.labels[row]] == "dog"


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "VALIDATION", "Testing"), ("train", "valid")])
def test_parts_that_the_folder_brings(tmp_path, names):
    folder = tmp_path / "data"
    for part, count in zip(names, (6, 3, 2), strict=False):
        for kind in ("a", "b"):
            for number in range(count):
                save(folder / part / kind / f"{number}.png")
    data = loading.load(str(folder))
    of = {data.image_names[row].split("/")[0] for row in data.validation}
    assert of == {names[1]}
    assert data.test_set_apart == (len(names) == 2)
    expected = names[2] if len(names) == 3 else names[0]
    assert {data.image_names[row].split("/")[0] for row in data.test} == {expected}
    assert not set(data.test) & set(data.validation)


def test_a_class_may_be_called_like_a_part(tmp_path):
    for kind in ("train", "car"):
        for number in range(3):
            save(tmp_path / "vehicles" / kind / f"{number}.png")
    assert loading.load(str(tmp_path / "vehicles")).class_names == ("car", "train")


def test_gray_files_make_gray_images_and_one_in_colour_makes_all_rgb(tmp_path):
    for kind in ("a", "b"):
        for number in range(3):
            save(tmp_path / "scans" / kind / f"{number}.png", mode="L")
    assert loading.load(str(tmp_path / "scans")).images.shape[3] == 1
    save(tmp_path / "scans" / "b" / "9.png")
    assert loading.load(str(tmp_path / "scans")).images.shape[3] == 3


def test_files_that_cannot_be_read_are_left_out_and_listed(photos):
    (photos / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (photos / "dog" / "empty.png").touch()
    (photos / "dog" / "notes.txt").write_text("dogs")
    (photos / "dog" / ".DS_Store").write_text("hidden")
    data = loading.load(str(photos))
    assert len(data.images) == 35
    found = {file.name: file.reason for file in data.skipped}
    assert found.keys() == {"cat/broken.jpg", "dog/empty.png", "dog/notes.txt"}
    assert found["dog/empty.png"].code == "image_file_empty"
    assert found["dog/notes.txt"] == reason("no_ending_of_an_image")
    assert "broken.jpg" not in str(data.image_names)
    np.testing.assert_array_equal(
        data.images[list(data.image_names).index("owl/00.png")],
        loading.load(str(photos)).images[list(data.image_names).index("owl/00.png")],
    )


def test_images_are_decoded_once(photos):
    first, second = Counting(), Counting()
    one = loading.load(str(photos), listener=first)
    two = loading.load(os.path.relpath(photos), listener=second)  # however the folder is named
    assert (len(first.begun), first.done, first.over) == (1, 35, 1)
    assert second.begun == []
    assert one.content_hash == two.content_hash
    np.testing.assert_array_equal(one.images, two.images)
    assert isinstance(two.images, np.memmap)


def test_a_changed_folder_is_read_again_and_the_old_cache_goes(photos):
    before = loading.load(str(photos))
    save(photos / "cat" / "new.png")
    watcher = Counting()
    after = loading.load(str(photos), listener=watcher)
    assert watcher.begun
    assert len(after.images) == 36
    assert after.content_hash != before.content_hash
    folders = [entry for entry in (cache.cache_folder() / "images").iterdir() if entry.is_dir()]
    assert len(folders) == 1
    assert len(before.images.tobytes()) == 35 * 32 * 32 * 3  # still there for who has it open


def damage(folder: Path, how: str) -> None:
    pixels, index = folder / cache.PIXELS, folder / cache.INDEX
    if how == "flipped bit":
        content = bytearray(pixels.read_bytes())
        content[1000] ^= 1
        pixels.write_bytes(content)
    elif how == "truncated":
        os.truncate(pixels, 5000)
    elif how == "no index":
        index.unlink()
    elif how == "half an index":
        index.write_text(index.read_text()[:50])
    else:
        index.write_text(index.read_text().replace('"rows": [0', '"rows": ["x"'))


@pytest.mark.parametrize("how", ["flipped bit", "truncated", "no index", "half an index", "odd index"])
def test_a_damaged_cache_is_made_again(photos, how):
    good = loading.load(str(photos)).content_hash
    (folder,) = [entry for entry in (cache.cache_folder() / "images").iterdir() if entry.is_dir()]
    damage(folder, how)
    watcher = Counting()
    assert loading.load(str(photos), listener=watcher).content_hash == good
    assert watcher.begun


def test_an_interrupted_reading_leaves_nothing_behind(photos):
    class Stopping(Listener):
        def on(self, event):
            if event == TaskAdvanced(20):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loading.load(str(photos), listener=Stopping())
    assert [entry for entry in (cache.cache_folder() / "images").iterdir() if entry.is_dir()] == []
    assert len(loading.load(str(photos)).images) == 35


def test_a_full_disk_is_one_line(photos, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    with refused(OverfitlabError, "no_room_for_images"):
        loading.load(str(photos))


def test_a_cache_that_cannot_be_written_is_one_line(photos, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path / "file"))
    with refused(OverfitlabError, "images_cannot_be_kept"):
        loading.load(str(photos))


def test_links_do_not_lead_in_circles(photos):
    (photos / "cat" / "loop").symlink_to(photos)
    (photos / "cat" / "self.png").symlink_to("self.png")
    data = loading.load(str(photos))
    assert len(data.images) == 35  # and no dog became a cat
    assert np.bincount(data.labels).tolist() == [10, 20, 5]
    assert any(file.name == "cat/self.png" for file in data.skipped)


@pytest.mark.parametrize(
    ("make", "code", "values"),
    [
        (lambda root: None, "folder_without_classes", {}),
        (lambda root: save(root / "1.png"), "folder_without_classes", {}),
        (lambda root: save(root / "a" / "1.png"), "one_class_only", {"name": "a"}),
        (lambda root: [(root / kind).mkdir() for kind in "ab"], "folder_without_images", {}),
        (lambda root: [save(root / "a" / f"{n}.png") for n in range(4)] + [(root / "b").mkdir()],
         "class_without_images", {"name": "b"}),
        (lambda root: [save(root / k / f"{n}.png") for k, m in (("a", 5), ("b", 2)) for n in range(m)],
         "class_of_few_images", {"name": "b", "count": 2, "parts": "training and validation and test"}),
        (lambda root: [save(root / p / k / "1.png") for p, k in (("train", "a"), ("train", "b"), ("test", "c"))],
         "class_not_in_train", {"name": "c"}),
        (lambda root: [save(root / p / "a" / "1.png") for p in ("val", "test")], "folder_without_train", {}),
        (lambda root: [save(root / p / "a" / "1.png") for p in ("train", "dogs/x")],
         "parts_beside_classes", {"others": "dogs/"}),
        (lambda root: [save(root / p / "a" / "1.png") for p in ("train", "val", "valid")], "parts_mean_the_same", {}),
        (lambda root: [save(root / "train" / k / f"{n}.png") for k in "ab" for n in range(3)]
         + [(root / "test" / "a").mkdir(parents=True)], "part_without_images", {"part": "test"}),
    ],
)  # fmt: skip
def test_what_cannot_work_is_one_clear_line(tmp_path, make, code, values):
    root = tmp_path / "root"
    root.mkdir()
    make(root)
    with refused(DataError, code, **values) as caught:
        loading.load(str(root))
    assert "\n" not in str(caught.value)


def test_names_that_are_no_data(tmp_path):
    with refused(UsageError, "no_data_called_like", near="cifar10"):
        loading.load("cifar-10")
    with refused(DataError, "data_not_there", name="./photos"):
        loading.load("./photos")
    with refused(UsageError, "data_cannot_be_looked_at"):
        loading.load("a" * 5000)
    (tmp_path / "x.zip").touch()
    with refused(UsageError, "data_is_other_file"):
        loading.load(str(tmp_path / "x.zip"))
    with refused(UsageError, "data_dir_not_needed"):
        loading.load(str(tmp_path), tmp_path)


def test_odd_class_names_are_shown_on_one_line(tmp_path):
    for kind in ("a\nb", "<script>", "$x_1$", "고양이"):
        for number in range(3):
            save(tmp_path / "odd" / kind / f"{number}.png")
    assert set(loading.load(str(tmp_path / "odd")).class_names) == {"a\\nb", "<script>", "$x_1$", "고양이"}


def test_digits_can_be_resized(tmp_path):
    data = loading.load("digits", image_size=(16, 12))
    assert data.images.shape == (1797, 16, 12, 1)
    assert loading.load("digits").images.shape == (1797, 8, 8, 1)


def test_one_folder_under_two_names_is_refused(photos):
    (photos / "puma").symlink_to("cat")
    with refused(DataError, "folder_of_two_names", match=r"cat and .*puma"):
        loading.load(str(photos))


def test_a_link_to_images_elsewhere_is_followed(photos, tmp_path):
    save(tmp_path / "more" / "1.png")
    (photos / "cat" / "more").symlink_to(tmp_path / "more")
    assert "cat/more/1.png" in loading.load(str(photos)).image_names


def test_a_pipe_called_like_an_image_is_skipped(photos):
    os.mkfifo(photos / "cat" / "pipe.png")
    data = loading.load(str(photos))
    assert [(file.name, file.reason.code) for file in data.skipped] == [("cat/pipe.png", "image_is_no_file")]


def test_what_could_not_be_read_for_a_passing_reason_is_tried_again(photos, monkeypatch):
    original = Path.open

    def locked(self, *arguments, **options):
        if self.name == "00.png" and self.parent.name == "cat":
            raise PermissionError(13, "Permission denied")
        return original(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", locked)
        assert [file.reason.values for file in loading.load(str(photos)).skipped] == [{"reason": "permission denied"}]
    assert len(loading.load(str(photos)).images) == 35
    watcher = Counting()
    loading.load(str(photos), listener=watcher)
    assert watcher.begun == []


def test_other_decoders_read_the_folder_again(photos, monkeypatch):
    """As after the installation of the package that reads HEIC."""
    loading.load(str(photos))
    monkeypatch.setattr("overfitlab.data.sources.folder.decoders", lambda: "newer")
    watcher = Counting()
    loading.load(str(photos), listener=watcher)
    assert watcher.begun


def test_a_class_of_copies_is_refused(tmp_path):
    for kind, count in (("a", 6), ("b", 6)):
        for number in range(count):
            save(tmp_path / "x" / kind / f"{number}.png")
    for number in range(1, 6):
        shutil.copy(tmp_path / "x" / "b" / "0.png", tmp_path / "x" / "b" / f"{number}.png")
    with refused(DataError, "class_of_copies", name="b"):
        loading.load(str(tmp_path / "x"))


def test_renamed_classes_are_other_data(photos):
    before = loading.load(str(photos)).content_hash
    (photos / "cat").rename(photos / "car")
    assert loading.load(str(photos)).content_hash != before


@pytest.mark.slow
def test_a_folder_whose_name_is_no_text_can_be_trained_on(photos, tmp_path):
    raw = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.rename(photos, raw)  # noqa: PTH104 - a path of bytes
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    command = [sys.executable, "-m", "overfitlab", "train", "--data", raw, "--epochs", "1", "--out", b"run\xe9"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "caf\\udce9" in done.stdout
    evaluated = subprocess.run([*command[:3], "evaluate", b"run\xe9"], capture_output=True, text=True, check=False)
    assert evaluated.returncode == 0, evaluated.stderr


def test_no_name_is_no_data():
    with refused(UsageError, "data_not_named"):
        loading.load("")


def test_a_folder_that_is_called_as_a_set_is_mentioned(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert loading.load("digits").notes == ()
    (tmp_path / "digits").mkdir()
    assert loading.load("digits").notes == (), "nothing in it can be meant"
    (tmp_path / "digits" / "a").mkdir()
    assert loading.load("digits").notes == (reason("folder_passed_over", name="digits"),)
