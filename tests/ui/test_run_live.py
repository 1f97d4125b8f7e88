"""The page of a run while it is trained: what has changed is sent, and at the end what it has learnt."""

import shutil
from pathlib import Path

import pytest
from starlette.datastructures import QueryParams

from overfitlab.records.run_folder import RunFolder
from overfitlab.ui.parts import news
from overfitlab.ui.run_routes import ORDER, _Asked
from overfitlab.words.language import ENGLISH


@pytest.fixture
def current(runs) -> RunFolder:
    """The run of the half study that is being trained, by nobody at the moment."""
    [live] = (runs / "half").glob("runs/*/epochs.csv")
    return RunFolder(live.parent)


def follower(desk, folder, **query):
    study = "half" if folder.path.parent.name == "runs" and folder.path.parent.parent.name == "half" else None
    return _Asked(desk, study, folder.path.name, QueryParams(query), ENGLISH)


def one_epoch_more(folder):
    whole = [line for line in (folder / "epochs.csv").read_text().splitlines() if line.count(",") == 7]
    last = whole[-1].split(",")
    whole.append(",".join([str(int(last[0]) + 1), *last[1:]]))
    (folder / "epochs.csv").write_text("\n".join(whole) + "\n")
    return int(last[0]) + 1


def test_an_epoch_changes_the_summary_the_curves_and_the_log(desk, current):
    who = follower(desk, current)
    before, make = who.look()
    told = make()
    assert tuple(told) == ORDER
    assert who.look()[0] == before, "nothing has happened"
    epoch = one_epoch_more(current)
    after, make = who.look()
    assert after != before
    sent = news(make(), told)
    assert {*sent} == {"top", "curves-loss", "curves-acc", "log"}
    assert f"by epoch {epoch}" in sent["top"] or f"in epoch {epoch}" in sent["top"]
    assert f">{epoch}</th>" in sent["log"]


def test_a_single_run_grows_too(desk, runs, current):
    shutil.copytree(current.path, runs / "alone")
    alone = RunFolder(runs / "alone")
    who = follower(desk, alone)
    before, make = who.look()
    told = make()
    one_epoch_more(alone)
    after, make = who.look()
    assert (after != before, {*news(make(), told)}) == (True, {"top", "curves-loss", "curves-acc", "log"})


def test_while_it_is_trained_there_is_room_for_what_comes(desk, current):
    who = follower(desk, current)
    record = current.record()
    with current.claimed(record.id, record.own().config):
        running = who.look()[1]()["top"].whole
    assert "running" in running
    assert "epoch 2 of 3" in running
    who.looks = 0
    assert "epoch 2 of 3" not in who.look()[1]()["top"].whole, "nobody is at it"


def test_when_it_has_ended_it_says_what_it_takes_its_images_for(desk, runs, current):
    who = follower(desk, current)
    before, make = who.look()
    told = make()
    assert told["images"].whole.strip() == ""
    shutil.rmtree(current.path)
    shutil.copytree(runs / "small" / "runs" / current.path.name, current.path)
    after, make = who.look()
    sent = news(make(), told)
    assert after != before
    assert "Worst mistakes" in sent["images"]
    assert "configuration" not in sent


def test_a_run_that_is_gone_or_damaged(desk, reader, current):
    who = follower(desk, current)
    (current / "run.json").write_text("{")
    if (found := who.follow()) is not None:  # its study no longer counts it
        assert "is damaged" in found[1]()["top"].whole
    assert reader.get(f"/study/half/run/{current.path.name}").status_code in (404, 500)
    shutil.rmtree(current.path)
    assert follower(desk, RunFolder(Path("runs/nothing"))).look() is None
    assert reader.get("/study/half/run/nothing/events").status_code == 200
