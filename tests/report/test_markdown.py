"""The Markdown of a report: the same content, and names of strangers stay text."""

import re
from dataclasses import replace

import msgspec
import pytest

from overfitlab.report.markdown import escaped, markdown
from overfitlab.words.languages import CODES, language_named


def test_its_tables_are_whole(evidence):
    text = markdown(evidence, "figures")
    assert text.startswith("# Which method helps against overfitting? small\n")
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) >= 6
    for lines in blocks:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert len(cells) == 1, lines[0]
        assert re.fullmatch(r"\|( -+:? \|)+", lines[1])
    assert f"{evidence.contrasts[0].metric.mean:+.2f}" in text
    linked = set(re.findall(r"\]\((figures/[a-z_]+\.png)\)", text))
    assert {"figures/paired_differences.png", "figures/learning_curves.png", "figures/disputed.png"} <= linked


@pytest.mark.parametrize("code", CODES)
def test_hostile_names(evidence, code):
    names = [
        "a|b",
        "<script>alert(1)</script>",
        "![x](http://example.org/x.png)",
        "# head",
        "`code`",
        "*a*",
        "\\",
        "\n\n- x",
    ]
    data = msgspec.structs.replace(evidence.data, classes=[*names, "eight", "nine"])
    hostile = replace(evidence, data=data, command="overfitlab compare `rm -rf` ``x``")
    text = markdown(hostile, "figures", language_named(code))
    assert "<script>" not in text
    assert not re.search(r"(?<!\\)\]\(http", text)
    assert "\\<script\\>" in text
    assert "\n- x" not in text
    assert "``` overfitlab" in text or "```overfitlab" in text  # a fence longer than what it holds
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) > 2


def test_escaping():
    assert escaped("a*b_c [d](e) <f> |g") == r"a\*b\_c \[d\](e) \<f\> \|g"
    assert escaped(" two\n lines ") == "two lines"
