"""What appears on screen while data is fetched or read."""

import io
import os
import pty
import re
import select
import subprocess
import sys

import pytest
from rich.cells import cell_len

from overfitlab.events import TaskBegan, TaskEnded, TaskNoted
from overfitlab.reasons import reason
from overfitlab.terminal import task_screen
from overfitlab.terminal.screen import screen_on
from overfitlab.words.languages import language_named


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    now = [1000.0]
    monkeypatch.setattr(task_screen.time, "monotonic", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def began(text, total, unit, done=0):
    return TaskBegan(reason("words_of_others", text=text), total, unit, done)


def lines_of(stream):
    return stream.getvalue().splitlines()


def test_nothing_on_no_stream():
    screen = screen_on(None)
    screen.on(began("Fetching", 100, "bytes"))
    screen.advanced(100)
    screen.on(TaskEnded())
    screen.on(TaskNoted(reason("words_of_others", text="anything")))


def test_a_line_where_it_begins_now_and_then_and_where_it_ends(clock):
    stream = io.StringIO()
    screen = screen_on(stream)
    screen.on(began("Fetching file", 200_000_000, "bytes"))
    for done in range(0, 200_000_001, 400_000):  # 4 MB a second
        screen.advanced(done)
        clock(0.1)
    screen.on(TaskEnded())
    first, *between, last = lines_of(stream)
    assert first == "Fetching file (200.0 MB)"
    assert between[0] == "  20.0 of 200.0 MB (10 %), 4.0 MB/s, 0:45 left"
    assert len(between) == 9, "one for each tenth, a little late"
    assert last == "  done: 200.0 MB in 0:50, 4.0 MB/s"


def test_the_same_in_korean(clock):
    stream = io.StringIO()
    screen = screen_on(stream, language_named("ko"))
    screen.on(TaskBegan(reason("evaluating"), 1000, "images", 100))
    for done in (300, 1000):
        clock(2.0)
        screen.advanced(done)
    screen.on(TaskEnded())
    assert lines_of(stream) == [
        "평가 (1,000장, 100장은 이미 있음)",
        "  300 / 1,000장 (30%), 초당 100장, 0:07 남음",
        "  1,000 / 1,000장 (100%), 초당 225장, 0:00 남음",
        "  완료: 900장, 0:04 걸림, 초당 225장",
    ]


def test_a_slow_transfer_says_something_every_ten_seconds(clock):
    stream = io.StringIO()
    screen = screen_on(stream)
    screen.on(began("Fetching file", 170_000_000, "bytes", 1_700_000))
    for second in range(1, 41):
        clock(1)
        screen.advanced(1_700_000 + 50_000 * second)
    screen.on(TaskEnded())
    first, *between, last = lines_of(stream)
    assert first == "Fetching file (170.0 MB, 1.7 MB are there already)"
    assert between[0] == "  2.2 of 170.0 MB (1 %), 50 kB/s, 55:56 left"
    assert len(between) == 4
    assert last == "  stopped at 3.7 of 170.0 MB (2 %)"


def test_images_are_counted_and_an_unknown_total_is_left_out(clock):
    stream = io.StringIO()
    screen = screen_on(stream)
    screen.on(began("Reading images", None, "images"))
    for done in (1000, 2000, 3000):
        clock(5)
        screen.advanced(done)
    screen.on(TaskEnded())
    assert lines_of(stream) == [
        "Reading images",
        "  2,000 images, 200 images/s",
        "  done: 3,000 images in 0:15, 200 images/s",
    ]


def test_the_rate_is_that_of_the_last_seconds_and_a_standstill_is_said(clock):
    stream = io.StringIO()
    screen = screen_on(stream)
    screen.on(began("Fetching file", 100_000_000, "bytes"))
    for done in (10, 20, 21, 22, 23):
        clock(5)
        screen.advanced(done * 10**6)
    for _ in range(4):
        clock(5)
        screen.advanced(23 * 10**6)
    text = stream.getvalue()
    assert "2.0 MB/s" in text
    assert "133 kB/s" in text
    assert text.splitlines()[-1] == "  23.0 of 100.0 MB (23 %), nothing received"


def test_a_short_task_is_two_lines():
    stream = io.StringIO()
    screen = screen_on(stream)
    for total in (0, 30):
        screen.on(began("Reading", total, "images"))
        screen.advanced(total)
        screen.on(TaskEnded())
    assert lines_of(stream) == ["Reading (0 images)", "  done", "Reading (30 images)", "  done"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_what_stands_beside_a_bar_fits(columns, clock, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    screen = screen_on(stream)
    screen.on(TaskBegan(reason("reading_images", images=60_000), 60_000, "images"))
    for done in (12_000, 50_000):
        clock(4.0)
        screen.advanced(done)
    screen.on(TaskEnded())
    lines = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue()))
    assert max(map(cell_len, lines)) <= columns
    assert any("50,000 of 60,000 images" in line for line in lines)
    assert any("0:02 left" in line for line in lines) == (columns >= 80)


SCRIPT = """
import sys, time
from overfitlab.events import TaskBegan, TaskEnded, TaskNoted
from overfitlab.reasons import reason
from overfitlab.terminal.screen import screen_on
screen = screen_on(sys.stdout)
screen.on(TaskBegan(reason("words_of_others", text="Fetching [file]"), 50_000_000, "bytes"))
for done in range(0, 50_000_001, 1_000_000):
    screen.advanced(done)
    time.sleep(0.02)
    if done == 25_000_000:
        screen.on(TaskNoted(reason("words_of_others", text="halfway")))
screen.on(TaskEnded())
screen.on(TaskNoted(reason("words_of_others", text="after it")))
"""


@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, 100])
def test_a_live_bar_on_a_terminal_that_goes_away(columns):
    driver, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(columns)}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=terminal, stderr=subprocess.PIPE, env=environment)
    os.close(terminal)
    written = b""
    while True:
        ready, _, _ = select.select([driver], [], [], 60)
        assert ready, "it hangs"
        try:
            part = os.read(driver, 65536)
        except OSError:  # Linux's way of saying that the other end is closed
            break
        if not part:
            break
        written += part
    assert process.wait() == 0, process.stderr.read()
    process.stderr.close()
    os.close(driver)
    text = written.decode()
    assert "Fetching [file] (50.0 MB)" in text
    assert len(re.findall(r"[\d.]+ of 50\.0 MB", text)) >= 3
    after_bar = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.rpartition("\x1b[2K")[2])
    assert re.fullmatch(r"\s*done: 50\.0 MB in 0:\d\d, [\d.]+ MB/s\s+after it\s*", after_bar)
