"""The lists that people see: colour on a terminal, none elsewhere, and long lines left whole."""

import io

from overfitlab.data.catalog.inventory import inventory
from overfitlab.doctor import NOTE, OK, PROBLEM, Check
from overfitlab.terminal.listing import show_checks, show_inventory
from overfitlab.words.languages import language_named


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_checks_are_lines_with_what_to_do(monkeypatch):
    checks = [Check("Python", OK, "3.12"), Check("timm", NOTE, "not installed", "pip install 'overfitlab[timm]'")]
    stream = io.StringIO()
    show_checks(stream, checks)
    assert stream.getvalue().splitlines() == [
        "ok       Python         3.12",
        "note     timm           not installed: pip install 'overfitlab[timm]'",
        "",
        "Training works here; the notes say what could be improved.",
    ]
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = Terminal()
    show_checks(coloured, [*checks, Check("runs", PROBLEM, "x" * 300)])
    assert "\x1b[" in coloured.getvalue()
    assert "x" * 300 in coloured.getvalue()
    assert "Training does not work until the problems are fixed." in coloured.getvalue()


def test_levels_are_said_in_columns_of_hangul():
    stream = io.StringIO()
    show_checks(stream, [Check("프로세서", OK, "AMX"), Check("runs", NOTE, "a", "b")], language_named("ko"))
    assert stream.getvalue().splitlines()[:2] == ["정상  프로세서       AMX", "참고  runs           a: b"]
    assert stream.getvalue().endswith("\n여기서 훈련할 수 있습니다. '참고'는 더 나아질 수 있는 점입니다.\n")


def test_markup_in_names_is_left_alone(small_cifar10):
    strange = small_cifar10.parent / "[red]folder"
    small_cifar10.rename(strange)
    stream = io.StringIO()
    show_inventory(stream, inventory(strange))
    assert "[red]folder/cifar-10-batches-py (--data-dir)" in stream.getvalue()
