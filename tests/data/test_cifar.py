"""CIFAR-10 is found where it lies, verified, and never executed."""

import io
import pickle
import shutil
import tarfile

import numpy as np
import pytest

from overfitlab.data import cifar, sources
from overfitlab.errors import OverfitlabError, UsageError


def archive_of(folder, path):
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder / cifar.FOLDER, arcname=cifar.FOLDER)


def test_a_named_folder_is_read_in_official_order_and_shape(small_cifar10):
    dataset = cifar.load(small_cifar10)
    assert dataset.images.shape == (240, 32, 32, 3)
    assert dataset.test.tolist() == list(range(200, 240))
    assert dataset.learning.tolist() == list(range(200))
    raw = pickle.loads((small_cifar10 / cifar.FOLDER / "data_batch_2").read_bytes(), encoding="bytes")
    row = raw[b"data"][3]
    for channel in range(3):  # on disk: all red, then all green, then all blue
        np.testing.assert_array_equal(
            dataset.images[43, :, :, channel].ravel(), row[1024 * channel : 1024 * (channel + 1)]
        )
    assert dataset.labels[40:80].tolist() == raw[b"labels"]


def test_the_folder_itself_may_be_named(small_cifar10):
    assert cifar.load(small_cifar10 / cifar.FOLDER).content_hash == cifar.load(small_cifar10).content_hash


def test_a_named_copy_with_other_checksums_is_used_and_says_so(small_cifar10):
    dataset = cifar.load(small_cifar10)
    assert not dataset.official
    assert "other checksums" in dataset.note


def test_the_official_checksums_make_it_official(declared_official):
    dataset = cifar.load(declared_official)
    assert dataset.official
    assert not dataset.note


def test_the_environment_names_a_folder(small_cifar10, monkeypatch):
    monkeypatch.setenv("OVERFITLAB_DATA", str(small_cifar10))
    assert sources.load("auto").name == "cifar10"


@pytest.mark.parametrize("where", ["~/.keras/datasets", "~/.keras/datasets/cifar-10-batches-py-target", "data"])
def test_keras_and_torchvision_folders_are_looked_into(declared_official, where):
    place = cifar.Path(where).expanduser().absolute()
    shutil.copytree(declared_official, place)
    assert cifar.load().origin == str(place / cifar.FOLDER)


def test_an_archive_is_read_in_place(declared_official):
    place = cifar.Path("~/.keras/datasets").expanduser()
    place.mkdir(parents=True)
    archive_of(declared_official, place / "cifar-10-batches-py.tar.gz")
    dataset = cifar.load()
    assert dataset.official
    assert dataset.content_hash == cifar.load(declared_official).content_hash
    assert sorted(path.name for path in place.iterdir()) == ["cifar-10-batches-py.tar.gz"]


def test_a_copy_that_nobody_named_needs_the_official_checksums(small_cifar10):
    shutil.copytree(small_cifar10, "data")
    with pytest.raises(cifar.NotFoundError, match=r"not the official CIFAR-10 release.*--data-dir"):
        cifar.load()
    assert sources.load("auto").name == "digits"
    assert sources.load("cifar10", cifar.Path("data")).name == "cifar10"


def test_without_a_copy_the_places_are_named():
    with pytest.raises(cifar.NotFoundError, match=r"\.keras.*--data-dir.*--data digits"):
        cifar.load()


def test_auto_falls_back_to_digits_and_says_so():
    dataset = sources.load("auto")
    assert dataset.name == "digits"
    assert dataset.note.startswith("NOT CIFAR-10")


def test_an_unknown_source_suggests_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'cifar10'"):
        sources.load("cifra10")


def test_a_named_folder_without_cifar10_is_not_passed_over(tmp_path):
    with pytest.raises(OverfitlabError, match="no CIFAR-10 in"):
        sources.load("auto", tmp_path)
    with pytest.raises(OverfitlabError, match="is not a folder"):
        sources.load("auto", tmp_path / "missing")


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    """Damage the protocol's framing, not just a pixel (any pixel is a valid one)."""
    return content[:2] + bytes([content[2] ^ 0xFF]) + content[3:]


@pytest.mark.parametrize("damage", [truncated, flipped, lambda content: b"", lambda content: b"\x80\x02}."])
def test_a_damaged_member_is_one_line(small_cifar10, damage):
    path = small_cifar10 / cifar.FOLDER / "data_batch_3"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(OverfitlabError, match=r"data_batch_3 is not a readable CIFAR-10 batch.*fetch CIFAR-10 anew"):
        cifar.load(small_cifar10)


def test_a_missing_member_is_one_line(small_cifar10):
    (small_cifar10 / cifar.FOLDER / "data_batch_4").unlink()
    with pytest.raises(OverfitlabError, match="data_batch_4 is missing"):
        cifar.load(small_cifar10)


def test_labels_out_of_range_are_refused(small_cifar10):
    path = small_cifar10 / cifar.FOLDER / "data_batch_1"
    batch = pickle.loads(path.read_bytes(), encoding="bytes")
    batch[b"labels"][7] = 10
    path.write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(OverfitlabError, match="lacks images or labels, or they do not match"):
        cifar.load(small_cifar10)


def test_a_cut_archive_is_one_line(small_cifar10, tmp_path):
    archive_of(small_cifar10, tmp_path / "whole.tar.gz")
    place = tmp_path / "cut"
    place.mkdir()
    (place / cifar.ARCHIVES[0]).write_bytes(truncated((tmp_path / "whole.tar.gz").read_bytes()))
    with pytest.raises(OverfitlabError, match="damaged or incomplete"):
        cifar.load(place)


@pytest.mark.parametrize("at", [0.3, 0.5, 0.7])
def test_an_archive_damaged_in_the_middle_is_one_line(small_cifar10, tmp_path, at):
    archive_of(small_cifar10, tmp_path / "whole.tar.gz")
    content = bytearray((tmp_path / "whole.tar.gz").read_bytes())
    middle = int(at * len(content))
    content[middle : middle + 4] = bytes(byte ^ 0x55 for byte in content[middle : middle + 4])
    place = tmp_path / "damaged"
    place.mkdir()
    (place / cifar.ARCHIVES[0]).write_bytes(content)
    with pytest.raises(OverfitlabError, match="damaged or incomplete"):
        cifar.load(place)


def test_a_folder_named_by_the_environment_is_not_passed_over(declared_official, tmp_path, monkeypatch):
    shutil.copytree(declared_official, "data")
    monkeypatch.setenv("OVERFITLAB_DATA", str(tmp_path))
    with pytest.raises(OverfitlabError, match=r"no CIFAR-10 in .*\(\$OVERFITLAB_DATA\)"):
        cifar.load()


def test_archive_members_outside_the_folder_are_ignored(small_cifar10, tmp_path):
    place = tmp_path / "strange"
    place.mkdir()
    with tarfile.open(place / cifar.ARCHIVES[0], "w:gz") as archive:
        evil = tarfile.TarInfo("../../escaped")
        evil.size = 4
        archive.addfile(evil, io.BytesIO(b"evil"))
        archive.add(small_cifar10 / cifar.FOLDER, arcname=cifar.FOLDER)
    before = sorted(tmp_path.rglob("*"))
    assert len(cifar.load(place).images) == 240
    assert sorted(tmp_path.rglob("*")) == before


def test_the_real_cifar10(real_cifar10):
    dataset = cifar.load(real_cifar10)
    assert dataset.images.shape == (60_000, 32, 32, 3)
    assert dataset.test.tolist() == list(range(50_000, 60_000))
    assert np.bincount(dataset.labels[dataset.learning]).tolist() == [5000] * 10
    assert dataset.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]  # frog, truck, truck, deer, ...: official
