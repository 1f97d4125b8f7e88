"""`--lang` and `$OVERFITLAB_LANG`: every command speaks that language to people, and English to machines."""

import json
import re

import click
import pytest
from click.testing import CliRunner
from typed import overfitlab

from overfitlab.cli.main import cli


def commands(group, path=()):
    """Return every command that does something, by the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


COMMANDS = list(commands(cli))


def said(*arguments, **environment):
    done = CliRunner().invoke(cli, arguments, env=environment)
    assert not done.exception or isinstance(done.exception, SystemExit), done.exception
    return done.output


def hangul(text):
    return any("가" <= sign <= "힣" for sign in text)


def test_there_are_commands_below_commands():
    assert {("train",), ("data", "list"), ("data", "fetch"), ("data", "verify")} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_it_and_helps_in_english(command):
    text = said(*command, "--help", OVERFITLAB_LANG="ko")
    assert text.count("--lang L ") == 1
    assert not hangul(text)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_unknown_language_is_one_line(command):
    done = overfitlab(*command, "--lang", "xx")
    assert (done.returncode, done.stderr) == (2, "overfitlab: unknown language 'xx'; choose from en and ko\n")


def without_numbers(text):
    """The doctor's free memory and disk are other ones a second later."""
    return re.sub(r"\d+", "0", text)


@pytest.mark.parametrize("command", [("doctor",), ("data", "list"), ("list",), ("methods",), ("methods", "mixup")])
def test_people_read_it_and_machines_do_not(command):
    english = said(*command)
    assert not hangul(english)
    assert hangul(said(*command, "--lang", "ko"))
    assert hangul(said(*command, OVERFITLAB_LANG="ko"))
    again = said(*command, "--lang", "en", OVERFITLAB_LANG="ko")
    assert without_numbers(again) == without_numbers(english)
    document = said(*command, "--json", "--lang", "ko")
    assert not hangul(document)
    assert json.loads(document) is not None


@pytest.mark.slow
def test_an_error_is_said_in_it():
    done = overfitlab("methods", "dropuot", "--lang", "ko")
    assert (done.returncode, done.stderr) == (
        2,
        "overfitlab: 알 수 없는 기법입니다: 'dropuot'. 혹시 'dropout'인가요?\n",
    )
    assert hangul(overfitlab("list", "--runs", "x", "--lang", "ko").stdout)


def test_the_figure_of_a_method_goes_by_it():
    done = overfitlab("methods", "l2", "--figure", "l2.png", "--lang", "ko")
    assert done.stdout.endswith("저장: l2.png\n")
    assert done.returncode == 0


@pytest.mark.slow
def test_a_training_an_evaluation_and_what_is_listed():
    settings = ("--data", "digits", "--epochs", "1", "--threads", "1", "--precision", "float32")
    trained = said(
        "train", "--method", "dropout", "--protocol", "quick", *settings, "--out", "runs/one", "--lang", "ko"
    )
    assert "기법: 드롭아웃, 시드 0" in trained
    assert "에포크 1" in trained
    assert "저장: runs/one/curves.png" in trained
    for command in (("show", "runs/one"), ("evaluate", "runs/one", "--part", "validation"), ("list",)):
        assert hangul(said(*command, "--lang", "ko"))
        assert not hangul(said(*command))
    assert "test accuracy" in said("list", "--json", "--lang", "ko")
