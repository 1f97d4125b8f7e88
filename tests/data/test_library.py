"""Published sets are found where they lie, verified, never executed, and fetched where they are missing."""

import gzip
import io
import pickle
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from overfitlab.data import loading
from overfitlab.data.catalog import library, verified
from overfitlab.data.catalog.library import NotFoundError
from overfitlab.data.catalog.members import OtherReleaseError
from overfitlab.data.catalog.places import cache_folder
from overfitlab.data.catalog.published import CIFAR10, SETS
from overfitlab.errors import DataError, OverfitlabError, UsageError
from overfitlab.reasons import reason


def archive_of(folder, path):
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder / CIFAR10.folder, arcname=CIFAR10.folder)


def test_a_named_folder_is_read_in_official_order_and_shape(small_cifar10):
    dataset = loading.load("cifar10", small_cifar10)
    assert dataset.images.shape == (240, 32, 32, 3)
    assert dataset.test.tolist() == list(range(200, 240))
    assert dataset.learning.tolist() == list(range(200))
    raw = pickle.loads((small_cifar10 / CIFAR10.folder / "data_batch_2").read_bytes(), encoding="bytes")
    row = raw[b"data"][3]
    for channel in range(3):  # on disk: all red, then all green, then all blue
        np.testing.assert_array_equal(
            dataset.images[43, :, :, channel].ravel(), row[1024 * channel : 1024 * (channel + 1)]
        )
    assert dataset.labels[40:80].tolist() == raw[b"labels"]


def test_the_folder_itself_may_be_named(small_cifar10):
    assert (
        loading.load("cifar10", small_cifar10 / CIFAR10.folder).content_hash
        == loading.load("cifar10", small_cifar10).content_hash
    )


def test_a_named_copy_with_other_checksums_is_used_and_says_so(small_cifar10):
    dataset = loading.load("cifar10", small_cifar10)
    assert not dataset.official
    assert dataset.note == reason("other_checksums", name="CIFAR-10")


def test_the_official_checksums_make_it_official(declared_official):
    dataset = loading.load("cifar10", declared_official)
    assert dataset.official
    assert dataset.note is None


def test_the_environment_names_a_folder(small_cifar10, monkeypatch):
    monkeypatch.setenv("OVERFITLAB_DATA", str(small_cifar10))
    assert loading.load("auto").name == "cifar10"


@pytest.mark.parametrize("where", ["~/.keras/datasets", "~/.keras/datasets/cifar-10-batches-py-target", "data"])
def test_keras_and_torchvision_folders_are_looked_into(declared_official, where):
    place = Path(where).expanduser().absolute()
    shutil.copytree(declared_official, place)
    assert loading.load("cifar10").origin == str(place / CIFAR10.folder)


def test_an_archive_is_read_in_place(declared_official):
    place = Path("~/.keras/datasets").expanduser()
    place.mkdir(parents=True)
    archive_of(declared_official, place / "cifar-10-batches-py.tar.gz")
    dataset = loading.load("cifar10")
    assert dataset.official
    assert dataset.content_hash == loading.load("cifar10", declared_official).content_hash
    assert sorted(path.name for path in place.iterdir()) == ["cifar-10-batches-py.tar.gz"]


def test_a_copy_that_nobody_named_needs_the_official_checksums(small_cifar10):
    shutil.copytree(small_cifar10, "data")
    with refused(NotFoundError, "set_not_fetched", match=r"not the official CIFAR-10 release.*--data-dir"):
        loading.load("cifar10")
    assert loading.load("auto").name == "digits"
    assert loading.load("cifar10", Path("data")).name == "cifar10"


def test_without_a_copy_the_places_are_named():
    with refused(NotFoundError, "set_not_fetched", match=r"\.keras.*OFFLINE.*--data-dir.*--data digits"):
        loading.load("cifar10")


def test_auto_falls_back_to_digits_and_says_so():
    dataset = loading.load("auto")
    assert dataset.name == "digits"
    assert dataset.note.code == "digits_instead"


def test_an_unknown_source_suggests_the_nearest():
    with refused(UsageError, "no_data_called_like", near="cifar10"):
        loading.load("cifra10")


def test_a_named_folder_without_cifar10_is_not_passed_over(tmp_path):
    with refused(DataError, "data_dir_without_set", title="CIFAR-10"):
        loading.load("auto", tmp_path)
    with refused(DataError, "data_dir_is_no_folder"):
        loading.load("auto", tmp_path / "missing")


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    """Damage the protocol's framing, not just a pixel (any pixel is a valid one)."""
    return content[:2] + bytes([content[2] ^ 0xFF]) + content[3:]


@pytest.mark.parametrize("damage", [truncated, flipped, lambda content: b"", lambda content: b"\x80\x02}."])
def test_a_damaged_member_is_one_line(small_cifar10, damage):
    path = small_cifar10 / CIFAR10.folder / "data_batch_3"
    path.write_bytes(damage(path.read_bytes()))
    with refused(DataError, "set_damaged", title="CIFAR-10", match="data_batch_3 is not a readable CIFAR batch"):
        loading.load("cifar10", small_cifar10)


def test_a_missing_member_is_one_line(small_cifar10):
    (small_cifar10 / CIFAR10.folder / "data_batch_4").unlink()
    with refused(DataError, "member_missing", match="data_batch_4 is missing"):
        loading.load("cifar10", small_cifar10)


def test_labels_out_of_range_are_refused(small_cifar10):
    path = small_cifar10 / CIFAR10.folder / "data_batch_1"
    batch = pickle.loads(path.read_bytes(), encoding="bytes")
    batch[b"labels"][7] = 10
    path.write_bytes(pickle.dumps(batch, protocol=2))
    with refused(DataError, "set_damaged", match="labels are not whole numbers from 0 to 9"):
        loading.load("cifar10", small_cifar10)


def test_a_cut_archive_is_one_line(small_cifar10, tmp_path):
    archive_of(small_cifar10, tmp_path / "whole.tar.gz")
    place = tmp_path / "cut"
    place.mkdir()
    (place / CIFAR10.archives[0].name).write_bytes(truncated((tmp_path / "whole.tar.gz").read_bytes()))
    with refused(DataError, "archive_damaged"):
        loading.load("cifar10", place)


@pytest.mark.parametrize("at", [0.3, 0.5, 0.7])
def test_an_archive_damaged_in_the_middle_is_one_line(small_cifar10, tmp_path, at):
    archive_of(small_cifar10, tmp_path / "whole.tar.gz")
    content = bytearray((tmp_path / "whole.tar.gz").read_bytes())
    middle = int(at * len(content))
    content[middle : middle + 4] = bytes(byte ^ 0x55 for byte in content[middle : middle + 4])
    place = tmp_path / "damaged"
    place.mkdir()
    (place / CIFAR10.archives[0].name).write_bytes(content)
    with refused(DataError, "archive_damaged"):
        loading.load("cifar10", place)


def test_a_folder_named_by_the_environment_may_lack_this_set(declared_official, tmp_path, monkeypatch):
    shutil.copytree(declared_official, "data")
    monkeypatch.setenv("OVERFITLAB_DATA", str(tmp_path))
    assert loading.load("cifar10").origin == str(Path("data").absolute() / CIFAR10.folder)
    monkeypatch.setenv("OVERFITLAB_DATA", str(tmp_path / "missing"))
    with refused(DataError, "place_is_no_folder", source="$OVERFITLAB_DATA"):
        loading.load("cifar10")


def test_a_damaged_copy_in_the_folder_named_by_the_environment_is_not_passed_over(
    declared_official, small_cifar10, monkeypatch
):
    shutil.copytree(declared_official, "data")
    (small_cifar10 / CIFAR10.folder / "test_batch").write_bytes(b"")
    monkeypatch.setenv("OVERFITLAB_DATA", str(small_cifar10))
    with refused(DataError, "set_damaged", match="test_batch is not a readable"):
        loading.load("auto")


BATCH = f"{CIFAR10.folder}/data_batch_1"
MEMBERS_OF_A_STRANGER = {
    "outside": ("../../escaped", tarfile.REGTYPE, ""),
    "outside, by way of the folder": (f"{CIFAR10.folder}/../../escaped", tarfile.REGTYPE, ""),
    "absolute": ("/tmp/overfitlab-escaped", tarfile.REGTYPE, ""),
    "a link": (BATCH, tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": (BATCH, tarfile.LNKTYPE, "/etc/passwd"),
    "a link to outside": (CIFAR10.folder, tarfile.SYMTYPE, "/tmp"),
    "a device": (BATCH, tarfile.CHRTYPE, ""),
    "a pipe": (BATCH, tarfile.FIFOTYPE, ""),
    "a folder": (BATCH, tarfile.DIRTYPE, ""),
}


def archive_with(place, small_cifar10, name, kind, target):
    place.mkdir()
    with tarfile.open(place / CIFAR10.archives[0].name, "w:gz") as archive:
        evil = tarfile.TarInfo(name)
        evil.type, evil.linkname, evil.mode = kind, target, 0o777
        evil.size = 4 if kind == tarfile.REGTYPE else 0
        archive.addfile(evil, io.BytesIO(b"evil"))
        archive.add(small_cifar10 / CIFAR10.folder, arcname=CIFAR10.folder)
    return place


def everything(folder):
    """What lies there, but for the cache, and at the places that the archives try to reach."""
    found = [path for path in folder.rglob("*") if ".cache" not in path.parts]
    return sorted(found) + list(Path("/tmp").glob("overfitlab-escaped*")) + list(folder.parent.glob("escaped"))


@pytest.mark.parametrize("case", MEMBERS_OF_A_STRANGER)
def test_members_of_a_stranger_are_passed_over_and_nothing_is_written(small_cifar10, tmp_path, case):
    place = archive_with(tmp_path / "strange", small_cifar10, *MEMBERS_OF_A_STRANGER[case])
    before = everything(tmp_path)
    assert len(loading.load("cifar10", place).images) == 240
    assert everything(tmp_path) == before


@pytest.mark.parametrize("size", [2**33 - 1, 2**40])
def test_a_member_of_absurd_size_is_refused(tmp_path, size):
    """It says that it is larger than any batch; the archive itself is small."""
    member = tarfile.TarInfo(BATCH)
    member.size = size
    with gzip.open(tmp_path / CIFAR10.archives[0].name, "wb") as stream:
        stream.write(member.tobuf(format=tarfile.GNU_FORMAT))
        stream.write(bytes(2**20))
    with refused(DataError, "archived_member_too_large", member="data_batch_1"):
        loading.load("cifar10", tmp_path)


@pytest.mark.slow
def test_the_real_cifar10(real_cifar10):
    dataset = loading.load("cifar10", real_cifar10)
    assert dataset.images.shape == (60_000, 32, 32, 3)
    assert dataset.test.tolist() == list(range(50_000, 60_000))
    assert np.bincount(dataset.labels[dataset.learning]).tolist() == [5000] * 10
    assert dataset.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]  # frog, truck, truck, deer, ...: official


# Fetching


def fetched_from(monkeypatch, server):
    monkeypatch.setenv("OVERFITLAB_MIRROR", server.base)


def test_a_missing_set_is_fetched_once_into_the_cache(official_archive, serve, monkeypatch):
    server = serve(official_archive)
    fetched_from(monkeypatch, server)
    dataset = loading.load("auto")
    assert (dataset.name, dataset.official) == ("cifar10", True)
    assert dataset.origin == str(cache_folder() / CIFAR10.archives[0].name)
    assert loading.load("cifar10").content_hash == dataset.content_hash
    assert server.asked == [None]


def test_a_damaged_archive_in_the_cache_is_fetched_anew(official_archive, serve, monkeypatch):
    cache_folder().mkdir(parents=True)
    (cache_folder() / CIFAR10.archives[0].name).write_bytes(truncated(official_archive))
    fetched_from(monkeypatch, serve(official_archive))
    assert loading.load("cifar10").official


def test_the_members_of_a_fetched_archive_are_checked_too(official_archive, serve, monkeypatch):
    monkeypatch.setitem(SETS["cifar10"].members, "data_batch_5", "0" * 32)
    fetched_from(monkeypatch, serve(official_archive))
    with refused(OtherReleaseError, "other_release"):
        loading.load("cifar10")


@pytest.mark.usefixtures("serve", "official_archive")
def test_without_a_server_auto_says_why_it_takes_the_digits(monkeypatch):
    dataset = loading.load("auto")
    assert dataset.name == "digits"
    assert "none of the servers that have it can be reached" in dataset.note.values["why"]
    with refused(
        NotFoundError, "set_not_fetched", match=r"none of the servers that have it can be reached.*--data digits"
    ):
        loading.load("cifar10")
    monkeypatch.setenv("OVERFITLAB_MIRROR", "ftp://host/")
    with refused(UsageError, "no_mirror", variable="OVERFITLAB_MIRROR", address="ftp://host/"):
        loading.load("cifar10")


def test_a_folder_given_with_data_dir_is_never_filled(official_archive, serve, monkeypatch, tmp_path):
    server = serve(official_archive)
    fetched_from(monkeypatch, server)
    with refused(DataError, "data_dir_without_set", title="CIFAR-10"):
        loading.load("auto", tmp_path)
    assert server.asked == []


def test_another_file_of_that_name_is_left_alone(official_archive, serve, monkeypatch, tmp_path):
    fetched_from(monkeypatch, serve(official_archive))
    theirs = tmp_path / CIFAR10.archives[0].name
    theirs.write_bytes(b"theirs")
    with refused(OverfitlabError, "other_file_in_the_way"):
        library.fetch("cifar10", tmp_path)
    assert theirs.read_bytes() == b"theirs"
    theirs.unlink()
    assert library.fetch("cifar10", tmp_path).path == theirs
    assert loading.load("cifar10", tmp_path).official


# CIFAR-100


@pytest.fixture
def small_cifar100(tmp_path):
    """A folder in the layout of CIFAR-100 with 30 training and 20 test images, made up."""
    folder = tmp_path / "hundred" / "cifar-100-python"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for member, count in (("train", 30), ("test", 20)):
        batch = {
            b"data": rng.integers(0, 256, (count, 3072), dtype=np.uint8),
            b"fine_labels": rng.integers(0, 100, count).tolist(),
            b"coarse_labels": rng.integers(0, 20, count).tolist(),
        }
        (folder / member).write_bytes(pickle.dumps(batch, protocol=2))
    write_meta(folder, [b"class %d" % number for number in range(100)])
    return folder.parent


def write_meta(folder, names):
    (folder / "meta").write_bytes(pickle.dumps({b"fine_label_names": names, b"coarse_label_names": []}, protocol=3))


def test_cifar100_is_read_with_its_fine_labels(small_cifar100):
    dataset = loading.load("cifar100", small_cifar100)
    assert dataset.images.shape == (50, 32, 32, 3)
    assert dataset.test.tolist() == list(range(30, 50))
    assert len(dataset.class_names) == 100
    assert dataset.class_names[17] == "class 17"
    raw = pickle.loads((small_cifar100 / "cifar-100-python" / "train").read_bytes(), encoding="bytes")
    assert dataset.labels[dataset.learning].tolist() == raw[b"fine_labels"]
    np.testing.assert_array_equal(dataset.images[3, :, :, 1].ravel(), raw[b"data"][3, 1024:2048])


@pytest.mark.parametrize(
    "names",
    [[], [b"a"] * 100, [b"class %d" % number for number in range(99)], ["text"] * 100, [b""] * 100, None],
)
def test_strange_class_names_are_refused(small_cifar100, names):
    write_meta(small_cifar100 / "cifar-100-python", names)
    with refused(DataError, "set_damaged", match=r"meta is not a readable CIFAR batch \(it lacks the names of 100"):
        loading.load("cifar100", small_cifar100)


def test_files_called_train_and_test_are_no_cifar100_by_themselves(tmp_path):
    (tmp_path / "train").write_bytes(b"")
    with refused(DataError, "data_dir_without_set", title="CIFAR-100"):
        loading.load("cifar100", tmp_path)


# Agreement with others who read these layouts


def test_keras_reads_the_same(small_cifar10, small_cifar100):
    from keras.src.datasets.cifar import load_batch

    for name, root, member, key in (
        ("cifar10", small_cifar10 / "cifar-10-batches-py", "test_batch", "labels"),
        ("cifar100", small_cifar100 / "cifar-100-python", "test", "fine_labels"),
    ):
        batch = pickle.loads((root / member).read_bytes(), encoding="bytes")
        (root / member).write_bytes(pickle.dumps(batch, protocol=3))  # Keras refuses the bytes of protocol 2
        planes, labels = load_batch(str(root / member), key)
        ours = loading.load(name, root)
        np.testing.assert_array_equal(ours.images[ours.test], planes.transpose(0, 2, 3, 1))
        assert ours.labels[ours.test].tolist() == labels


# The record of verified copies


def test_reading_a_copy_is_remembered_until_it_changes(declared_official):
    shutil.copytree(declared_official, "data")
    loading.load("cifar10")
    place = library.places()[2]
    [copy] = library.copies_in(place, SETS["cifar10"])
    assert verified.recall(copy).official
    path = copy.path / "test_batch"
    content = path.read_bytes()
    path.write_bytes(content + b"x")
    assert verified.recall(copy) is None
    verified.remember(copy, official=False)
    assert not verified.recall(copy).official
    verified.forget(copy)
    assert verified.recall(copy) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 100_000, b'{"x": 1}'])
def test_a_damaged_record_is_no_matter(declared_official, content):
    cache_folder().mkdir(parents=True)
    (cache_folder() / verified.FILE).write_bytes(content)
    assert loading.load("cifar10", declared_official).official


def test_a_cache_that_cannot_be_written_is_no_matter(declared_official):
    cache_folder().parent.mkdir(parents=True)
    cache_folder().write_bytes(b"a file")
    assert loading.load("cifar10", declared_official).official


@pytest.mark.slow
def test_an_archive_bomb_is_given_up_before_it_fills_the_memory(tmp_path):
    """A header that claims a gigabyte, in a file of a megabyte."""
    header = tarfile.TarInfo("x")
    header.size, header.type = 2**30, tarfile.XHDTYPE
    with gzip.open(tmp_path / CIFAR10.archives[0].name, "wb", compresslevel=1) as stream:
        stream.write(header.tobuf())
        for _ in range(2**10):
            stream.write(bytes(2**20))
    code = (
        "from overfitlab.machine import peak_memory_mb\n"
        "from pathlib import Path\nfrom overfitlab.data import loading\n"
        "before = peak_memory_mb()\n"
        "try: loading.load('cifar10', Path('.').absolute())\n"
        "except Exception as error: print(error)\n"
        "print(peak_memory_mb() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    message, megabytes = done.stdout.splitlines()
    assert "too large for CIFAR-10" in message
    assert int(megabytes) < 200
