"""Files that are either the old one or the new one."""

import os
import stat
import unicodedata
from pathlib import Path

import pytest
from refusals import refused

from overfitlab.errors import UsageError
from overfitlab.files import (
    LONGEST_NAME,
    cut,
    file_name,
    found_path,
    in_utf8,
    read_whole,
    replacing,
    user_path,
    write_atomically,
)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def test_content_takes_the_place_of_the_old_file_at_the_end(folder):
    path = folder / "x"
    path.write_bytes(b"old")
    with replacing(path) as stream:
        stream.write(b"ne")
        assert path.read_bytes() == b"old"
        stream.write(b"w")
    assert path.read_bytes() == b"new"
    assert {entry.name for entry in folder.iterdir()} == {"x"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(folder, error):
    path = folder / "x"
    path.write_bytes(b"old")

    def half():
        with replacing(path) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        half()
    assert path.read_bytes() == b"old"
    assert {entry.name for entry in folder.iterdir()} == {"x"}


def test_permissions_are_those_of_any_new_file(tmp_path):
    write_atomically(tmp_path / "ours", b"")
    (tmp_path / "plain").touch()
    modes = {stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("ours", "plain")}  # noqa: PTH116
    assert len(modes) == 1


def test_a_tilde_is_put_in_place_and_nobody_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x") == tmp_path / "x"
    with refused(UsageError, "no_path"):
        user_path("~nobody-of-that-name/x")


def test_a_link_that_a_user_names_stays_and_its_target_is_replaced(folder):
    (folder / "target").write_bytes(b"old")
    (folder / "link").symlink_to("target")
    with replacing(folder / "link") as stream:
        stream.write(b"new")
    assert (folder / "link").is_symlink()
    assert (folder / "target").read_bytes() == b"new"


def test_a_link_in_a_folder_of_ours_leads_nowhere(folder):
    """It may be a stranger's folder, and the link one to a file of the user's."""
    (folder / "target").write_bytes(b"old")
    (folder / "link").symlink_to("target")
    write_atomically(folder / "link", b"new")
    assert not (folder / "link").is_symlink()
    assert (folder / "link").read_bytes() == b"new"
    assert (folder / "target").read_bytes() == b"old"


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "too large"])
def test_what_is_no_file_of_that_size_is_not_read(folder, kind):
    """Neither for ever, which a pipe makes us wait, nor without end, which a device gives."""
    path = folder / "x"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"12345")
    with pytest.raises(OSError, match=r"it is (no regular file|too large for what it should be)"):
        read_whole(path, 4)
    path = folder / "y"
    path.write_bytes(b"1234")
    assert read_whole(path, 4) == b"1234"


def test_a_pipe_is_written_to_and_stays_one(folder):
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with replacing(folder / "pipe") as stream:
        stream.write(b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)


@pytest.mark.parametrize("begin", ["a" * 500, "사진" * 100, "a" + "고양이 " * 90, "\udce9" * 300, ""])
def test_names_that_we_make_fit_every_file_system(tmp_path, begin):
    name = file_name(begin, "-seed7-abcdef")
    assert name.endswith("-seed7-abcdef")
    assert len(name.encode()) <= LONGEST_NAME
    (tmp_path / name).mkdir()
    assert file_name("photos/of my cat", "-1") == "photos-of-my-cat-1"


def test_a_name_is_cut_between_its_signs():
    assert cut("가나다", 8) == "가나"
    assert cut("abc", 3) == "abc"
    assert cut(os.fsdecode(b"\xff\xff"), 1) == os.fsdecode(b"\xff")


def test_a_name_as_long_as_the_system_takes_can_be_written(folder):
    """The temporary file beside it has a longer one."""
    name = "가" * 83 + ".png"  # 253 bytes
    write_atomically(folder / name, b"x")
    assert (folder / name).read_bytes() == b"x"
    assert [entry.name for entry in folder.iterdir()] == [name]


@pytest.mark.parametrize("there", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_a_name_that_looks_the_same_is_found(tmp_path, there, asked):
    place = tmp_path / unicodedata.normalize(there, "사진") / unicodedata.normalize(there, "café.png")
    place.parent.mkdir()
    place.touch()
    wanted = tmp_path / unicodedata.normalize(asked, "사진") / unicodedata.normalize(asked, "café.png")
    assert found_path(wanted) == place
    assert found_path(wanted.with_name("thé.png")) == wanted.with_name("thé.png")
    os.chdir(tmp_path)
    assert found_path(wanted.relative_to(tmp_path)) == place.relative_to(tmp_path)


LIST = "사진/a.png\r\ndogs/1.png\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", [LIST, "a.png\n", "b/c.png", "/"])
def test_texts_in_any_unicode_encoding_are_read(encoding, text):
    if encoding in ("utf-16-le", "utf-16-be") and text == "/":
        return  # one letter and a zero byte: a name of find -print0
    assert in_utf8(text.encode(encoding)) == text.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a",
        b"a.png\0b.png\0",
        b"./a\0./b\0",
        b"caf\xe9.png\n",
        b"\xff\0",
        b"a\0b\0",
        "사진.png\0각.png\0".encode(),
    ],
)
def test_other_bytes_stay_as_they_are(content):
    assert in_utf8(content) == content


def test_a_mark_of_an_encoding_that_it_is_not_in():
    assert in_utf8(b"\xff\xfea") is None
