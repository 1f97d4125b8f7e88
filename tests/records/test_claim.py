"""Who works in a folder: found by who wants to stop it, and by nobody else's word."""

import os

import msgspec

from overfitlab.errors import BusyError
from overfitlab.records import claim
from overfitlab.records.claim import HOLDER, claimed, holder, is_held


def held(path):
    return claimed(path, lambda: None, BusyError("busy", "busy"), "--out")


def test_the_process_that_holds_a_folder(tmp_path):
    assert (is_held(tmp_path), holder(tmp_path)) == (False, None)
    with held(tmp_path):
        assert (is_held(tmp_path), holder(tmp_path)) == (True, os.getpid())
    assert (is_held(tmp_path), holder(tmp_path)) == (False, None)
    assert not (tmp_path / HOLDER).exists()


def test_what_a_stranger_wrote_does_not_count(tmp_path, monkeypatch):
    said = claim.Holder(1234, claim.platform.node(), "1")
    (tmp_path / HOLDER).write_bytes(msgspec.json.encode(said))
    assert holder(tmp_path) is None, "nobody holds the folder"
    with held(tmp_path):
        assert holder(tmp_path) == os.getpid(), "who holds it has written it anew"
        for text in (msgspec.json.encode(said), b"{}", b"no json", b'{"pid": 0, "machine": "x"}'):
            (tmp_path / HOLDER).write_bytes(text)
            assert holder(tmp_path) is None
        monkeypatch.setattr(claim.platform, "node", lambda: "another machine")
        assert holder(tmp_path) is None


def test_a_folder_in_which_nothing_was_written_is_removed(tmp_path):
    with held(tmp_path / "new"):
        assert (tmp_path / "new" / HOLDER).exists()
    assert not (tmp_path / "new").exists()


def test_so_are_folders_that_were_made_for_it_and_no_others(tmp_path):
    runs, other = tmp_path / "runs", tmp_path / "other"
    with held(runs / "new"):
        pass
    assert not runs.exists()
    runs.mkdir()
    with held(runs / "new"):
        pass
    assert list(runs.iterdir()) == []
    with held(other / "new"):
        (other / "theirs").write_text("made meanwhile")
    assert list(other.iterdir()) == [other / "theirs"]
