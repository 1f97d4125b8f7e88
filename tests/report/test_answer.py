"""The answer before anything else: what stands in it, and that it fits."""

import re
from dataclasses import replace

import pytest
from made_evidence import evidence
from rich.cells import cell_len

import overfitlab
from overfitlab.reasons import reason
from overfitlab.records.study_record import Failure
from overfitlab.report.answer import answer_of
from overfitlab.report.content import sections
from overfitlab.report.numbers import time_text
from overfitlab.report.study_tables import Table
from overfitlab.report.study_text import command_lines, flowing, laid_out, listed_text, short, table, whole
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import language_named

LONG = "batch_norm:momentum=0.9+dropout:rate=0.3+l2:rate=0.0005+augment:flip=0.0,shift=0.2"
NUMBER = re.compile(r"[+-]?\d[\d.,]*(?: %| to [+-]\d[\d.]*)?")


@pytest.fixture(scope="module")
def study():
    """Dropout helps, l2 does nothing."""
    return evidence(command="overfitlab compare dropout l2 --contrast dropout:l2 --protocol quick --threads 1")


def test_the_order_is_answer_table_weakness_and_next(study):
    text = short(study, study, "runs/made", width=80)
    places = [text.index(part) for part in (
        "Compared with none", "generalizes better?", "dropout - none", "What weakens this answer:",
        "Recommended: dropout", "Next: ", "More: overfitlab show runs/made --full",
    )]  # fmt: skip
    assert places == sorted(places)
    assert len(text.splitlines()) < 40  # a screen


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("width", [60, 72, 80, 120])
def test_no_line_is_wider_than_the_screen(study, language, width):
    say = language_named(language)
    for told in (short, whole):
        lines = told(study, study, "runs/made", say, width).splitlines()
        assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", range(60, 100, 3))
def test_numbers_are_never_split(study, width):
    once = " ".join(short(study, study, "runs/made").split())
    again = short(study, study, "runs/made", width=width)
    for line in again.splitlines():
        for number in NUMBER.findall(line):
            assert number in once
        assert not re.search(r"(?:\d to|[=<]|(?:^| )[-+])$", line)


def test_a_block_for_each_contrast_where_names_are_long(study):
    first = replace(study.contrasts[0], label=LONG)
    named = replace(study, contrasts=(first, *study.contrasts[1:]))
    text = short(named, named, "runs/made", width=80)
    assert f"{LONG} - none"[:80] in text.replace("\n", " ")
    assert re.search(
        r"\n  generalizes better\? helps: \+\d\.\d \(\+\d\.\d to \+\d\.\d\)\n  overfits less\? helps: -", text
    )
    assert max(map(cell_len, text.splitlines())) <= 80 + len(LONG) - 60  # a name stays whole


def test_nothing_shown_is_an_answer_too(study):
    contrasts = [
        replace(each, **{axis: replace(each.axis(axis), verdict="undecided", mean=mean, deviation=1.0)
                         for axis, mean in (("metric", 0.9), ("gap", -0.2))})
        for each in study.contrasts
    ]  # fmt: skip
    nothing = replace(
        study, contrasts=tuple(contrasts), recommended=None, weaknesses=(), command="overfitlab compare l2"
    )
    found = answer_of(nothing, nothing, "runs/made")
    assert found.lead == "Compared with none, at 7 paired seeds, no method was shown to be better or worse."
    assert found.outcome == "Leading, not shown: dropout, with 0.9 points more test accuracy than none."
    [step] = found.steps
    assert re.match(
        r"Next: a new study with \d+ seeds would decide it with a probability of 80 %, if .* \d+ s on this machine\.",
        step.text,
    )
    assert re.fullmatch(r"overfitlab compare l2 --first-seed \d+ --seeds \d+", step.command)
    korean = answer_of(nothing, nothing, "runs/made", language_named("ko"))
    assert korean.outcome.startswith("앞서지만 입증되지 않음: 드롭아웃.")
    assert "seeds of a new study" in whole(nothing, nothing, "runs/made").lower()


def test_what_weakens_it_stands_in_it(study):
    weak = replace(
        study, weaknesses=(reason("no_run_overfits", count=21),), differing=("torch",),
        notes=[reason("seeds_seen_before", study="other", first=0, last=2, fresh=3),
               reason("network_is_bare", network="n", what="w")],
    )  # fmt: skip
    found = answer_of(weak, weak, "runs/made")
    assert [each.split()[0] for each in found.weaknesses] == ["No", "The", "Not"]
    assert found.steps[0].command.endswith(f"--epochs {2 * weak.plan.protocol.epochs}")
    assert found.steps[1].text.startswith("Then train dropout")
    failure = Failure("l2:rate=0.001", 0, reason("words_of_others", text="no memory"), 1, "2026-11-28T12:00:00")
    waiting = replace(weak, provisional=True, recommended=None, failures={"x": failure})
    assert answer_of(waiting, waiting, "x").weaknesses[0].startswith("There is no verdict because runs failed")
    [step] = answer_of(waiting, waiting, "x").steps
    assert step.text == "Next: unless it is still running, run the same command again to continue."


def test_more_than_five_weaknesses_are_behind_full(study):
    weak = replace(study, weaknesses=tuple(reason("no_run_overfits", count=count) for count in range(8)))
    text = short(weak, weak, "runs/made")
    assert text.count("\n- No run") == 5
    assert "Weaknesses listed only there: 3." in text
    assert whole(weak, weak, "runs/made").count("\n- No run") == 8


def test_a_word_near_to_its_threshold_says_so_in_the_table(study):
    close = replace(study.contrasts[0].metric, p_adjusted=0.04)
    near = replace(study, contrasts=(replace(study.contrasts[0], metric=close), *study.contrasts[1:]))
    assert answer_of(near, near, "x").rows[0].cells[0].word == "helps, close"


def test_the_page_begins_with_the_same_answer(small_study):
    study = overfitlab.load_study(small_study).evidence()
    found, section = answer_of(study, study, study.reference), sections(study, ENGLISH)[0]
    text = str(section)
    assert section.anchor == "answer"
    for part in (found.lead, found.outcome, *found.weaknesses, *(step.command for step in found.steps)):
        assert part in text
    assert len(found.rows) == len(study.contrasts)


def test_provisional_numbers_have_no_words():
    unfinished = evidence(missing=(("none", 0),))
    text = short(unfinished, unfinished, "runs/made", width=80)
    assert "Not all runs have ended" in text
    assert not re.search("helps|harms|equivalent|undecided|Recommended|Leading| to [+-]", text)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (59, "59 s"), (90, "2 min"), (7000, "117 min"), (9000, "2.5 h")]
)
def test_times(seconds, said):
    assert time_text(seconds, ENGLISH) == said


def test_commands_can_be_pasted():
    command = (
        "overfitlab compare 'dropout:rate=0.5 : dropout' --data digits --protocol quick --seeds 12 --name 'my study'"
    )
    lines = command_lines(command, 60)
    assert max(map(len, lines)) <= 60
    assert all(line.endswith(" \\") for line in lines[:-1])
    joined = " ".join(" ".join(line.removesuffix("\\") for line in lines).split())
    assert joined == command
    assert command_lines("", 60) == []
    assert command_lines("overfitlab.train(like='a', model=Net)", 30) == ["  overfitlab.train(like='a', model=Net)"]


def test_a_wide_table_is_shown_in_parts():
    wide = Table(("name", *"abcdef"), (("row", *("123456789",) * 6),), "A note.")
    parts = laid_out(wide, 40)
    assert max(map(len, parts.splitlines())) <= 40
    assert parts.count("row") == 2
    assert parts.count("123456789") == 6
    assert parts.endswith("A note.")
    assert laid_out(wide).count("row") == 1


def test_text_without_a_width_stays_whole():
    assert flowing("a " * 100, None) == "a " * 100
    assert max(map(len, flowing("a " * 400, 300).splitlines())) <= 100


def test_a_list_that_is_too_wide_is_a_name_and_its_cells():
    rows = [["mine", "study", "finished", "none and dropout on digits, 3 seeds", "nothing shown"]]
    header = ["name", "", "status", "what", "outcome"]
    assert listed_text(header, rows, 120) == listed_text(header, rows, None) == table(header, rows, left=5)
    assert listed_text(header, rows, 40).splitlines() == [
        "mine", "  study, finished, none and dropout on", "  digits, 3 seeds, nothing shown",
    ]  # fmt: skip
