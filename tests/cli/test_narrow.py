"""In a real terminal of 60, 80 and 120 columns the answer fits: lines break at words, and numbers stay whole."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios

import pytest
from rich.cells import cell_len

pty = pytest.importorskip("pty")
pytestmark = pytest.mark.slow


def shown(columns, *arguments, code=0):
    """Return the lines that a person sees who types `overfitlab ARGUMENTS` in a terminal of so many columns."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "overfitlab", *map(str, arguments)], stdout=child, stderr=child, env=environment
    )
    os.close(child)
    seen = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:  # the other side is gone
            break
        if not piece:
            break
        seen += piece
    os.close(parent)
    assert process.wait(timeout=60) == code, seen
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode()).replace("\r", "").splitlines()


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("options", [(), ("--full",), ("--lang", "ko")], ids=["short", "full", "ko"])
def test_show(small_study, columns, options):
    lines = shown(columns, "show", small_study, *options)
    path = str(small_study)
    for line in lines:
        if path not in line and path[:columns] not in line and not line.strip().startswith(path[:20]):
            assert cell_len(line) <= columns, line
    text = "\n".join(lines)
    assert not re.search(r"\d\n%|[-+]\n\d|\d,\n\d{3}|\bn =\n|\bp =\n", text)


def test_the_answer_stands_before_everything_else(small_study):
    short, full = (shown(80, "show", small_study, *options) for options in ((), ("--full",)))
    assert len(short) < 50
    [first, second] = (
        next(place for place, line in enumerate(lines) if line.startswith("Compared with")) for lines in (short, full)
    )
    assert first < 6
    assert short[first : first + 12] == full[second : second + 12]
    assert any(line.startswith("method ") for line in full)
    assert not any(line.startswith("method ") for line in short)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize(
    ("typed", "code", "whole"),
    [
        (("data", "list"), 0, "overfitlab data fetch cifar100"),
        (("compare", "--dropout", "0.5"), 2, "overfitlab compare dropout:rate=0.5"),
        (("predict", "--gpu", "x"), 2, "overfitlab predict --help"),
        (("data", "fetch", "nothing"), 2, "cifar100"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else None,
)
def test_lists_and_errors_break_at_words_and_commands_stay_whole(columns, typed, code, whole, tmp_path, monkeypatch):
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path / "cache"))
    lines = shown(columns, *typed, code=code)
    assert any(whole in line for line in lines)
    assert all(cell_len(line) <= columns or "/" in line for line in lines), lines


def test_doctor_breaks_at_words():
    lines = shown(60, "doctor")
    whole = ("/", "overfitlab data fetch")  # paths and commands, which are copied
    assert all(cell_len(line) <= 60 or any(each in line for each in whole) for line in lines), lines
    text = " ".join(" ".join(lines).split())
    for sentence in ("other networks, by their names in timm", "HEIC photos in a folder of images"):
        assert sentence in text
