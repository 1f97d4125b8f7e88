"""Languages: every text of a report is translated, with the same fields, and Korean particles sound right."""

import ast
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

import overfitlab
from overfitlab.api.listing import DAMAGED
from overfitlab.config import CLEAN
from overfitlab.data.catalog import inventory
from overfitlab.data.catalog.places import CACHE_LABEL
from overfitlab.describe.card import ANY_NETWORK, BRINGING_NETWORK, OWN_NETWORK, SECTIONS
from overfitlab.describe.costs import NETWORK
from overfitlab.describe.shown_on_images import PLACED
from overfitlab.doctor import EXTRAS, LEVELS
from overfitlab.errors import UsageError
from overfitlab.kernels.library import INSTRUCTIONS
from overfitlab.methods import registry
from overfitlab.models.sites import PLACES
from overfitlab.reasons import Reason
from overfitlab.records.run_record import DIVERGED, FINISHED, INTERRUPTED, RUNNING
from overfitlab.records.study_record import PartSizes
from overfitlab.report import metric_words
from overfitlab.report.answer import AXES
from overfitlab.report.diagnosis_text import SENTENCES
from overfitlab.report.evaluation_text import COLUMNS, PARTS
from overfitlab.report.reproduction_facts import CHANGED, VARIED
from overfitlab.report.run_text import MOMENTS
from overfitlab.report.statistics_text import UNIT_NAMES
from overfitlab.report.study_sentences import ACCURACY_WORDS, COMPARED, FURTHER, GAP_WORDS
from overfitlab.results.measurement import Parts
from overfitlab.stats.findings import Diverged, Paired, findings
from overfitlab.study.budget import _given_up
from overfitlab.terminal.task_screen import UNITS
from overfitlab.words.language import ENGLISH, Name, words_in
from overfitlab.words.languages import CODES, FILES, language_named

FOLDER = Path(overfitlab.__file__).parent
OTHERS = [code for code in CODES if code != "en"]
SPEAKERS = ("say", "_say")  # what languages are called in the code
# what else is handed to them: names of values that are no literals where they are said
NAMED = {
    *(word for words in (ACCURACY_WORDS, GAP_WORDS, COMPARED) for pair in words.values() for word in pair),
    *(*ACCURACY_WORDS, FURTHER, *VARIED.values(), *CHANGED.values()),
    *(*metric_words.TEXTS, *metric_words.HELPING_SIDE.values(), *metric_words.HELPING_GAP.values(), "points", "nats"),
    *UNIT_NAMES.values(), *SENTENCES.values(),
    *("undecided", "gap", "python", "system", "processor", "cores"),
    *("precision", "threads", "device", "kernels"),  # of what was not the same in all runs
    *MOMENTS.values(), *Parts.__struct_fields__,  # of a run
    *AXES.values(), *PARTS.values(), *(name for name, _ in COLUMNS), "class",  # of an evaluation
    *LEVELS, *(purpose for purpose, _ in EXTRAS.values()), *INSTRUCTIONS.values(),  # of the doctor
    *(inventory.OFFICIAL, inventory.OTHER, inventory.UNVERIFIED, inventory.DAMAGED), CACHE_LABEL, "the system",
    "scikit-learn's handwritten digits",
    *SECTIONS, *PLACES.values(), *PLACED.values(), ANY_NETWORK, BRINGING_NETWORK, OWN_NETWORK, NETWORK,
    *("study", "run", RUNNING, FINISHED, DIVERGED, INTERRUPTED, DAMAGED),  # of the list
    *(f"{{number}} {unit}" for unit in UNITS),  # of a task
    "stopped; what has been fetched so far is kept; run the same command to resume",  # of an interruption
}  # fmt: skip


def constants(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def is_language(node):
    """Return whether `node` is what the code calls a language: `say`, `self._say`."""
    return getattr(node, "id", getattr(node, "attr", None)) in SPEAKERS


@cache
def calls():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FOLDER.rglob("*.py")]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]


def templates():
    """Return every English text that the code hands to a language."""
    found = {text for call in calls() if is_language(call.func) for text in constants(call.args[0])} | NAMED
    for path in (*(FOLDER / "report" / "templates").glob("*.html"), *(FOLDER / "ui" / "templates").glob("*.html")):
        for double, single in re.findall(r"""say\((?:"([^"]*)"|'([^']*)')""", path.read_text(encoding="utf-8")):
            found.add(double or single)
    return found


def counted():
    """Return every English noun of which the code counts how many there are."""
    return {
        noun
        for call in calls()
        if isinstance(call.func, ast.Attribute) and call.func.attr == "count" and is_language(call.func.value)
        for noun in constants(call.args[1])
    }


def fields(template):
    return {name for _, name, *_ in Formatter().parse(template) if name}


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated_and_nothing_else(code):
    language, used = language_named(code), templates()
    assert used - language.texts.keys() == set(), "without a translation"
    assert language.texts.keys() - used == set(), "no longer used"


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_has_two_translations(code):
    """The files of a language are laid over each other, so that one of two would win without a word."""
    found = {}
    for path in sorted((FOLDER / "words").glob(f"{FILES[code]}*.toml")):
        for part in words_in(path.name).get("texts", {}).values():
            for english, own in part.items():
                found.setdefault(english, {}).setdefault(own, []).append(path.name)
    assert found.keys() == language_named(code).texts.keys()
    assert {english: own for english, own in found.items() if len(own) > 1} == {}


@pytest.mark.parametrize("code", OTHERS)
def test_every_noun_is_counted_and_nothing_else(code):
    language = language_named(code)
    assert set(language.counts) == counted()
    assert {noun: fields(own) for noun, own in language.counts.items()} == {key: {"number"} for key in counted()}


@pytest.mark.parametrize("code", OTHERS)
def test_translations_have_the_fields_of_the_english(code):
    language = language_named(code)
    for english, own in language.texts.items():
        assert fields(own) <= fields(english), english
        lost = fields(english) - fields(own)
        assert not lost, f"{english}: {lost} is lost"


@pytest.mark.parametrize("code", OTHERS)
def test_every_method_has_a_name(code):
    assert language_named(code).method_names.keys() == set(registry.built_in_names())


def recorded():
    """Return reasons that a study records, from the code that makes them."""
    for differences in ((), (1.0,), (1.0, 2.0), (0.7,) * 4):
        [finding] = findings([Paired(differences, tuple(range(len(differences))), None)], 0.5)
        yield finding.reason
    for diverged in (Diverged(1, 0), Diverged(2, 0), Diverged(0, 1), Diverged(0, 2)):
        for sign in (1, -1):
            pairs = [Paired((2.0 * sign, 2.1 * sign, 1.9 * sign, 2.2 * sign), (0, 1, 2, 3), None)]
            [finding] = findings(pairs, 0.5, diverged=[diverged])
            if finding.reason:
                yield finding.reason
    parts = PartSizes(5000, 1000, 1000)
    less = replace(CLEAN, training_images=500, validation_images=100, epochs=3)
    yield from _given_up(CLEAN, less, parts)
    yield Reason("other_checksums", {"name": "CIFAR-10"})


@pytest.mark.parametrize("reason", list(recorded()), ids=lambda reason: reason.code)
@pytest.mark.parametrize("code", OTHERS)
def test_recorded_reasons_are_said(code, reason):
    english, translated = ENGLISH.reason(reason), language_named(code).reason(reason)
    assert translated not in (english, reason.code)
    assert set(re.findall(r"\d+", translated)) <= set(re.findall(r"\d+", english))


def test_a_reason_that_nobody_knows_keeps_its_words():
    for language in (ENGLISH, language_named("ko")):
        assert language.reason(Reason("words_of_others", {"text": "out of memory {x}"})) == "out of memory {x}"
        assert language.reason(Reason("of_a_later_version", {}, "out of memory {x}")) == "out of memory {x}"
        assert language.reason(Reason("of_a_later_version")) == "of_a_later_version"


@pytest.mark.parametrize(
    ("name", "particle", "said"),
    [
        ("드롭아웃", "은", "드롭아웃은"),
        ("배치 정규화", "은", "배치 정규화는"),
        ("배치 정규화+드롭아웃", "이", "배치 정규화+드롭아웃이"),
        ("L2 규제", "과", "L2 규제와"),
        ("규제 없음", "과", "규제 없음과"),
        ("드롭아웃(rate=0.5)", "을", "드롭아웃(rate=0.5)을"),
        ("서울", "으로", "서울로"),
        ("집", "으로", "집으로"),
        ("배", "으로", "배로"),
        ("l1", "은", "l1은"),
        ("l2", "은", "l2는"),
        ("grayscale", "이", "grayscale가"),
        ("mine7", "으로", "mine7로"),
        ("", "은", "는"),
    ],
)
def test_particles(name, particle, said):
    assert f"{Name(name):{particle}}" == said


def test_labels_of_methods():
    korean = language_named("ko")
    assert korean.method("batch_norm+dropout:rate=0.5") == "배치 정규화+드롭아웃(rate=0.5)"
    assert korean.method("mine:a=1") == "mine:a=1"
    assert ENGLISH.method("batch_norm") == "batch_norm"


def test_rows_of_names():
    assert ENGLISH.listing(["a", "b", "c"]) == "a, b and c"
    assert ENGLISH.listing(["a"]) == "a"
    assert ENGLISH.listing([]) == ""


def test_an_unknown_language_is_one_line():
    with pytest.raises(UsageError, match="unknown language 'de'"):
        language_named("de")
