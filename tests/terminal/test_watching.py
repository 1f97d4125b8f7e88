"""A bar on a terminal, nothing elsewhere."""

import io

from overfitlab.terminal.watching import Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def work(stream):
    bar = Bar(stream)
    bar.began("evaluating", 10, "images")
    bar.advanced(7)
    bar.ended()
    bar.advanced(8)
    return stream.getvalue()


def test_elsewhere_it_shows_nothing():
    assert work(io.StringIO()) == ""


def test_a_terminal_sees_the_bar_and_it_goes_away():
    shown = work(Terminal())
    assert "evaluating" in shown
    assert "images" in shown
    assert "7/10" in shown.replace(" ", "")
    assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h")), "the last thing is to clear the line"


def test_what_is_said_is_said_anywhere():
    stream = io.StringIO()
    Bar(stream).said("a mirror does not answer")
    assert stream.getvalue() == "a mirror does not answer\n"
