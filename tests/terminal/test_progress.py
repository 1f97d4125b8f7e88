"""What appears on screen while a run trains."""

import io
import os
import pty
import re
import select
import subprocess
import sys

import pytest
from made_records import record
from rich.cells import cell_len

from overfitlab.events import EpochBegan, EpochEnded, RunBegan, StepDone, ValidationBegan
from overfitlab.results.history import EpochRow
from overfitlab.terminal.progress import Lines, LiveBar, keras_line
from overfitlab.words.languages import CODES, language_named

ROW = EpochRow(1, 16.2, 1.43052, 0.49541, 1.24801, 0.55479)
IN_KERAS_STYLE = (
    "1094/1094 [==============================] - 16s 15ms/step"
    " - loss: 1.4305 - acc: 0.4954 - val_loss: 1.2480 - val_acc: 0.5548"
)


def test_the_line_is_keras_s():
    assert keras_line(ROW, 1094) == IN_KERAS_STYLE


def test_plain_lines_without_a_terminal():
    stream = io.StringIO()
    lines = Lines(stream)
    lines.on(RunBegan(record(), [ROW], [], [], 1, 1, 0))
    lines.on(EpochBegan(2, 30, 1094))
    lines.on(StepDone(1, 1.0, 0.5))
    lines.on(ValidationBegan())
    lines.on(EpochEnded(ROW, 1094))
    assert stream.getvalue().splitlines() == [
        "Resuming after epoch 1.", "Epoch 2/30", IN_KERAS_STYLE
    ]  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", [60, 80, 130])
@pytest.mark.parametrize("code", CODES)
def test_a_bar_is_as_wide_as_the_terminal_and_the_time_left_is_always_there(columns, code, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    bar = LiveBar(stream, language_named(code))
    bar.on(EpochBegan(1, 30, 109_375))
    bar._began -= 4000.0  # seconds ago
    bar.on(StepDone(12_345, 11.0304, 0.1254))
    bar.close()
    frames = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    lines = re.split(r"[\r\n]", frames)
    assert max(map(cell_len, lines)) <= columns
    moved = next(line for line in lines if "12345/109375" in line)
    assert len(re.findall(r"\d+:\d\d:\d\d", moved)) == 2, "what is left of the epoch, and of the run"
    assert ("loss: 11.0304" in moved) == (columns >= 80)


def on_a_terminal(command):
    """Run a command with a terminal as its output, and return all that it wrote there."""
    driver, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "130"}
    process = subprocess.Popen(command, stdout=terminal, stderr=subprocess.PIPE, env=environment)
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
    return written.decode()


@pytest.mark.slow
def test_a_live_bar_on_a_terminal_and_then_the_line():
    settings = ["--data", "digits", "--epochs", "2", "--batch-size", "2", "--threads", "1", "--precision", "float32"]
    written = on_a_terminal([sys.executable, "-m", "overfitlab", "train", *settings])
    bars = re.findall(r"\d+/503.*?ms/step - loss: [\d.]+ - acc: [\d.]+ - ETA: \d+:\d\d \(run: \d+:\d\d\)", written)
    assert len(bars) >= 3
    final = re.findall(r"503/503 \[=+\] - \d+s \d+ms/step - loss: .* - val_loss: [\d.]+ - val_acc: [\d.]+", written)
    assert len(final) == 2
