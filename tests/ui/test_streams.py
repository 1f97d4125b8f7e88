"""What is sent to a page that is open: all of it once, then what has changed, and nothing to who has it already."""

import asyncio
import contextlib
import json
import shutil
import time
from types import SimpleNamespace

import pytest
from starlette.datastructures import QueryParams

from overfitlab.records.study_folder import StudyFolder
from overfitlab.ui.desk import Desk
from overfitlab.ui.parts import Part, mark, news
from overfitlab.ui.processes import Processes
from overfitlab.ui.streams import LEAST, MOST, pause, stream
from overfitlab.ui.study_page import study_page, view_of
from overfitlab.ui.study_routes import _Follower
from overfitlab.words.language import ENGLISH


def events(desk, look, seconds, *, known="", header=None):
    """Return the events of a stream that is listened to for so long."""
    request = SimpleNamespace(headers={"last-event-id": header} if header else {}, query_params={"since": known})

    async def listen():
        found, answer = [], stream(desk, request, look, 0.02)

        async def take():
            async for chunk in answer.body_iterator:
                found.append(chunk)

        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(take(), seconds)
        return found

    return [parsed(chunk) for chunk in asyncio.run(listen()) if chunk.startswith("event")]


def parsed(chunk):
    fields = dict(line.split(": ", 1) for line in chunk.strip().split("\n"))
    return fields["event"], fields["id"], json.loads(fields["data"])


def a_desk(tmp_path):
    return Desk(tmp_path, Processes(tmp_path))


def changing(*states):
    """Return a look that sees these states one after the other, and the last one for ever."""
    left = list(states)

    def look():
        state, parts = left.pop(0) if len(left) > 1 else left[0]
        return state, lambda: {name: Part(text) for name, text in parts.items()}

    return look


def a_table(*rows, heading="h"):
    """Return a part with pieces."""
    pieces = {f"row-{place}": text for place, text in enumerate(rows)}
    return Part(f"<p>{heading}</p>" + "".join(f"<b id={name}>{mark(name)}</b>" for name in pieces), pieces)


def test_of_a_part_only_the_pieces_that_are_different_are_sent():
    told = {"table": a_table("x", "y"), "other": Part("z")}
    assert news(told, told) == {}
    assert news({"table": a_table("x", "new")}, told) == {"row-1": "new"}
    whole = "<p>h</p><b id=row-0>x</b><b id=row-1>y</b><b id=row-2>w</b>"
    assert news({"table": a_table("x", "y", "w")}, told) == {"table": whole}, "one more: all of it"
    assert news({"table": a_table("x", "new", heading="k")}, told)["table"].startswith("<p>k</p><b id=row-0>x")
    assert news({"table": a_table("x")}, {}) == {"table": "<p>h</p><b id=row-0>x</b>"}


def test_only_what_has_changed_is_sent(tmp_path):
    look = changing(("1", {"a": "x", "b": "y"}), ("1", {}), ("2", {"a": "x", "b": "z"}))
    assert events(a_desk(tmp_path), look, 1.3) == [
        ("parts", "1", {"a": "x", "b": "y"}),
        ("parts", "2", {"b": "z"}),
    ]


def test_who_has_the_state_already_is_told_nothing(tmp_path):
    look = changing(("7", {"a": "x"}))
    assert events(a_desk(tmp_path), look, 0.3, known="7") == []
    assert events(a_desk(tmp_path), look, 0.3, header="7") == []
    assert events(a_desk(tmp_path), look, 0.3, known="6", header="7") == [], "the header of a browser is newer"
    assert events(a_desk(tmp_path), look, 0.3, known="6") == [("parts", "7", {"a": "x"})]


def test_a_study_that_is_gone_ends_the_stream(tmp_path):
    assert events(a_desk(tmp_path), lambda: None, 5) == [("gone", "", {})]


def test_a_server_that_closes_ends_the_stream(tmp_path):
    desk = a_desk(tmp_path)
    desk.closing.set()
    assert events(desk, changing(("1", {"a": "x"})), 5) == []


def test_a_state_with_a_new_name_that_looks_the_same_is_called_so(tmp_path):
    """A page that comes back then has the name of the state that it shows."""
    look = changing(("1", {"a": "x"}), ("2", {"a": "x"}))
    assert events(a_desk(tmp_path), look, 1.3) == [("parts", "1", {"a": "x"}), ("parts", "2", {})]


def test_what_takes_longer_comes_less_often_and_more_often_where_more_is_trained():
    assert pause(0.0) == LEAST
    assert pause(0.02) == pytest.approx(1.0), "a fiftieth of a core"
    assert LEAST < pause(0.04, 2) < pause(0.04, 1)
    assert pause(0.02, 100) == LEAST
    assert pause(9.0, 8) == MOST


def test_when_a_run_ends_the_curves_come_first_and_the_sections_when_it_is_their_time(desk, runs):
    who = _Follower(desk, "half", QueryParams(), ENGLISH)
    study = StudyFolder(runs / "half")
    record = study.record()
    record.status = "running"
    study.write_record(record)
    with study.claimed(record.id):
        before, make = who.look()
        told = make()
        assert {"answer", "curves"} <= told.keys()
        [current] = {live.parent for live in (runs / "half").glob("runs/*/epochs.csv")}
        shutil.rmtree(current)
        shutil.copytree(runs / "small" / "runs" / current.name, current)
        who.due = time.monotonic() + 3600  # they took long
        state, make = who.look()
        assert state.endswith("+")
        assert {"curves", "state", "gaps", "runs"} == make().keys()
        assert who.look()[0] == state, "nothing more, until then"
        who.due = 0.0
        later, make = who.look()
        assert later == state.removesuffix("+") != before
        assert "answer" in make()
        assert who.look()[0] == later


def test_lines_in_a_part_do_not_break_an_event(tmp_path):
    assert events(a_desk(tmp_path), changing(("1", {"a": "x\n\nid: 9\ndata: y"})), 0.3) == [
        ("parts", "1", {"a": "x\n\nid: 9\ndata: y"})
    ]


def test_an_epoch_changes_the_curves_and_the_state_alone(desk, runs):
    def parts(whole):
        return desk.look("half", lambda watched: (
            watched.signature, study_page(desk, watched, view_of({}, ()), ENGLISH, "", whole=whole).parts
        ))  # fmt: skip

    before, all_parts = parts(True)
    [live] = (runs / "half").glob("runs/*/epochs.csv")
    live.write_text("".join(live.read_text().splitlines(keepends=True)[:2]))
    after, now = parts(False)
    assert before != after
    assert set(now) == {"state", "curves", "gaps", "runs"}
    sent = news(now, all_parts)
    grown = {name for part in (now["curves"], now["gaps"]) for name, text in part.pieces.items() if ">none: " in text}
    assert len(grown) == 3
    rows = {name for name, text in now["runs"].pieces.items() if "none, seed 2" in text}
    assert set(sent) == {"state", *grown, *rows}, "the panels of one method, and one row"
    assert "seed 2: epoch 1 done" in "".join(sent.values())
