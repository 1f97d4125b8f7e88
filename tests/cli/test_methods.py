"""`overfitlab methods` as a person types it."""

import json
from pathlib import Path

import pytest
from typed import overfitlab, typed_anew

from overfitlab.methods import registry


def test_all_methods_a_line_each():
    done = overfitlab("methods")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == registry.names()
    assert "\x1b" not in done.stdout
    assert not done.stderr


@pytest.mark.slow
def test_the_card_of_a_method_with_its_figure():
    done = overfitlab("methods", "augment+mixup:alpha=0.3", "--figure", "both.png")
    assert done.returncode == 0
    assert done.stdout.startswith("augment\n")
    assert "\nmixup:alpha=0.3\n" in done.stdout
    assert "█" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert done.stdout.endswith("Wrote both.png\n")
    assert Path("both.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_terminal_that_knows_ascii_alone():
    done = typed_anew("methods", "mixup", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "@@" in done.stdout
    assert "\\u" not in done.stdout


@pytest.mark.slow
def test_json_is_one_document_on_standard_output():
    listed = json.loads(overfitlab("methods", "--json").stdout)["methods"]
    assert [one["name"] for one in listed] == registry.names()
    done = overfitlab("methods", "l2", "--json", "--figure", "l2.svg")
    document = json.loads(done.stdout)
    assert document["figure"] == "l2.svg"
    assert done.stderr == "Wrote l2.svg\n"
    [part] = document["parts"]
    assert part["equation"].startswith("loss = cross-entropy")
    assert part["measured"] is None or part["measured"]["n"]
    assert part["demonstration"]["demonstrations"][0]["rows"][0]["panels"][0]["kind"] == "curves"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["droput"], "unknown method 'droput'; did you mean 'dropout'?"),
        (["dropout:rate=2"], "dropout: rate must be a number from 0 to 0.99, not 2.0"),
        (["batch_norm+layer_norm"], "batch_norm+layer_norm: only one normalization is possible; leave one of them out"),
        (["none", "--figure", "x.png"], "none changes nothing, so there is nothing to show"),
        (["l2", "--figure", "x.gif"], "x.gif: figures are written as .png or .svg; name such a file with --figure"),
        (["--figure", "x.png"], "--figure draws one method; name it: overfitlab methods dropout --figure dropout.png"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(arguments, message):
    done = overfitlab("methods", *arguments)
    assert done.returncode == 2
    assert done.stderr == f"overfitlab: {message}\n"
    assert not done.stdout
    assert list(Path().iterdir()) == []
