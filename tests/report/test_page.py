"""The page of a report: complete, self-contained, safe, and made from its numbers alone."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest

from overfitlab.display import display_name
from overfitlab.reasons import Reason
from overfitlab.records.study_record import Failure
from overfitlab.report.page import page, typed, typeset
from overfitlab.stats.findings import without_words
from overfitlab.study.evidence import Curve, Curves, MethodPredictions
from overfitlab.words.languages import CODES, language_named

HOSTILE = [
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %}",
    "</svg></style><b>bold</b>",
    "&lt;already&gt; 'quoted' \"double\" \u202egnp.exe\x00",
    "$x^2$ _a_ | [link](http://example.org) `code`",
    "]]><![CDATA[",
    "고양이", "<!--", "javascript:alert(1)",
]  # fmt: skip
MINUS, NO_BREAK = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
AXES, ONSET = ("metric", "gap"), ("onset_metric", "onset_gap")
NOW = "2026-11-28T12:00:00+00:00"


class Reader(HTMLParser):
    """Notes elements, their attributes and the text outside of style."""

    def __init__(self):
        super().__init__()
        self.elements, self.text, self._open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self._open:
            self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def read(html):
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture(scope="module")
def html(evidence):
    return page(evidence, {evidence.disputed[0].row: b"PNG"})


def test_every_part_is_there(html, evidence):
    reader = read(html)
    anchors = [attributes["id"] for attributes in reader.all("section")]
    assert anchors == [
        "answer", "differences", "verdict", "methods", "curves", "gaps", "equal-fit", "noise", "cost", "confusion",
        "calibration", "disputed", "limits", "protocol", "paper", "words",
    ]  # fmt: skip
    linked = [attributes["href"] for attributes in reader.all("a")]
    links = [link for link in linked if link.startswith("#")]
    assert links == ["#answer", *(f"#{anchor}" for anchor in anchors)]  # to skip the contents, and the contents
    text = " ".join(reader.text)
    assert evidence.data.sha256 in text
    assert "overfitlab report small" in " ".join(text.split())
    assert str(evidence.environment["torch"]) in text


def test_it_needs_nothing_else_and_runs_nothing(html):
    reader = read(html)
    for tag in ("script", "iframe", "object", "embed", "form", "input", "base", "audio", "video"):
        assert not reader.all(tag), tag
    assert reader.all("link") == [{"rel": "icon", "href": "data:,"}]
    for _, attributes in reader.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:")), attributes
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    [policy] = [one["content"] for one in reader.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_who_cannot_see_it_is_told(html):
    reader = read(html)
    figures = reader.all("svg")
    assert len(figures) > 10
    for attributes in figures:
        assert attributes["role"] == "img"
        assert len(attributes["aria-label"]) > 40
    for attributes in reader.all("img"):
        assert "true class" in attributes["alt"] or "test image" in attributes["alt"]
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in reader.elements:
        for name in ("aria-labelledby",):
            assert attributes.get(name, ids[0]) in ids
    for attributes in reader.all("div"):
        if attributes.get("class") == "scroll":
            assert attributes["tabindex"] == "0"  # a keyboard can scroll it
    headings = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert {attributes.get("scope") for attributes in reader.all("th")} <= {"row", "col"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "-0.5 (95 % interval -0.9 to +0.0)",
            f"{MINUS}0.5 (95 % interval {MINUS}0.9 to +0.0)".replace(" %", f"{NO_BREAK}%").replace(
                " to ", f"{NO_BREAK}to{NO_BREAK}"
            ),
        ),
        ("batch_norm - none (-3)", f"batch_norm - none ({MINUS}3)"),
        ("x1.03", "\N{MULTIPLICATION SIGN}1.03"),
        (
            "p < 0.001, n = 9",
            "p < 0.001, n = 9".replace(" ", "\N{NO-BREAK SPACE}").replace(",\N{NO-BREAK SPACE}", ", "),
        ),
        ("p: 1e-08; 2026-11-25; batch-norm-30; a/-3; mix1.03; x1.035 and x1.03,", None),
        ("close: -3.2 (+1 to +2), 0.28 points", f"close: {MINUS}3.2 (+1_to_+2), 0.28_points".replace("_", NO_BREAK)),
        ("5%; % of it", None),
    ],
)
def test_signs_of_print(text, shown):
    assert typeset(text) == (text if shown is None else shown)


def test_lines_of_a_command_break_between_its_words():
    shown = typed("overfitlab compare --data '<b>' --seeds 7")
    assert shown.split("> <") == [
        "<span>overfitlab</span", "span>compare</span", "span>--data</span", "span>&#39;&lt;b&gt;&#39;</span",
        "span>--seeds</span", "span>7</span>",
    ]  # fmt: skip


def test_words_of_the_verdict_stand_out(evidence):
    first = evidence.contrasts[0]
    first = replace(first, metric=replace(first.metric, verdict="helps"), gap=replace(first.gap, verdict="harms"))
    changed = replace(evidence, contrasts=(first, *evidence.contrasts[1:]))
    for code in CODES:
        say = language_named(code)
        html = page(changed, say=say)
        assert f'<td class="helps">{say("helps")}' in html
        assert f'<td class="harms">{say("harms")}' in html
    style = read(html).all("style")
    assert len(style) == 1
    for word in ("helps", "harms", "equivalent", "undecided"):
        assert re.search(rf"\.{word}\b[^}}]*{{", html), word


def test_figures_refer_to_nothing(html):
    """So nothing has to be kept apart, however many figures a page has."""
    reader = read(html)
    assert not reader.all("use")
    assert not reader.all("clippath")
    assert "url(#" not in html
    figures = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert figures
    assert not any(" id=" in figure for figure in figures)


@pytest.mark.parametrize("code", CODES)
def test_hostile_names_stay_text(evidence, code):
    hostile = replace(
        evidence, study=HOSTILE[1], command=HOSTILE[1], environment=evidence.environment | {"processor": HOSTILE[0]},
        data=msgspec.structs.replace(evidence.data, classes=[display_name(name) for name in HOSTILE], name=HOSTILE[1]),
        notes=[Reason("words_of_others", {"text": HOSTILE[3]})],
        failures={HOSTILE[1]: Failure("none", 0, Reason("words_of_others", {"text": HOSTILE[0]}), 1, NOW)},
        methods=tuple(replace(each, label=HOSTILE[3]) for each in evidence.methods),
        contrasts=tuple(replace(each, label=HOSTILE[0], against_label=HOSTILE[0]) for each in evidence.contrasts),
    )  # fmt: skip
    harmless = read(page(evidence, say=language_named(code)))
    html = page(hostile, say=language_named(code))
    reader = read(html)
    for tag in ("script", "b", "img", "iframe"):
        assert not reader.all(tag)
    allowed = {tag for tag, _ in harmless.elements} | {"li", "ul", "wbr"}
    assert {tag for tag, _ in reader.elements} <= allowed
    text = "".join(reader.text)
    assert HOSTILE[0] in text
    assert HOSTILE[2] in text
    assert "\u202e" not in html  # it would turn the letters after it around
    assert "\x00" not in html


def test_a_provisional_study_says_so_and_has_no_verdict(evidence):
    contrasts = tuple(
        replace(each, **{axis: without_words(each.axis(axis)) for axis in AXES}) for each in evidence.contrasts
    )
    unfinished = replace(evidence, provisional=True, recommended=None, contrasts=contrasts)
    text = " ".join(read(page(unfinished)).text)
    assert "Provisional: the study is not finished." in text
    assert "there is no verdict yet" in text
    table = text.partition("Two questions for each contrast")[2].partition("With a fixed number")[0]
    assert "provisional" in table
    assert not re.search("helps|harms|equivalent|undecided", table)
    assert "because repeated peeking produces false positives" in text
    assert "95 %" not in text.partition("How it was done")[0].replace("\N{NO-BREAK SPACE}", " ").partition("Cost")[0]
    assert "sign-flip" not in text.partition("How it was done")[0]


def test_nothing_is_said_of_what_a_seed_does_not_decide(evidence):
    protocol = replace(evidence.plan.protocol, vary=("init",), stratified=False, standardization="all", split_seed=4242)
    changed = replace(
        evidence, plan=msgspec.structs.replace(evidence.plan, protocol=protocol), looks=(4, 8),
        asked=replace(evidence.asked, given=("epochs", "vary"), budget=600),
    )  # fmt: skip
    text = " ".join(read(page(changed)).text)
    assert "one number that determines initial weights" in text
    assert "about other seeds on these test images; a seed determines initial weights" in text
    assert "the same at every seed, split seed 4242" in text
    assert "at random" in text
    assert "of all images that are not for testing" in text
    assert "changed: epochs, what a seed determines" in text
    assert "planned after 4 and 8 seeds" in text
    assert "600 s" in text


def test_a_baseline_that_did_not_overfit_is_said(evidence):
    first, *others = evidence.methods
    said = "there was no overfitting to reduce"
    for without, expected in ((first.finished, True), (0, False)):
        changed = replace(evidence, methods=(replace(first, without_onset=without), *others))
        assert (said in " ".join(read(page(changed)).text)) == expected


def test_methods_without_a_finished_run_leave_no_hole(evidence):
    first, method, third = evidence.methods
    unknown = dict.fromkeys(("accuracy", "gap", "train_acc", "val_acc", "onset", "acc_drop", "loss_rise",
                             "best_epoch", "seconds_per_epoch", "epochs", "parameters", "peak_memory_mb"))  # fmt: skip
    gone = replace(method, finished=0, diverged=4, **unknown)
    empty = Curve((), ())
    nothing = {
        "n": 0, "mean": None, "deviation": None, "low": None, "high": None, "differences": (), "seeds": (),
    }  # fmt: skip
    unsaid = nothing | {
        "verdict": "undecided", "p_raw": None, "p_adjusted": None, "p_sign_flip_raw": None, "crossed": None,
        "p_sign_flip_adjusted": None, "p_sign_flip_floor": None, "reason": Reason("no_pair_of_runs", {"needed": 3}),
    }  # fmt: skip
    contrasts = tuple(
        replace(each, **{axis: replace(each.axis(axis), **unsaid) for axis in AXES},
                **{axis: replace(each.axis(axis), **nothing) for axis in ONSET}, equal_fit=None, time_ratio=None,
                time_quartiles=None, fit=None, missing=4)
        if gone.method in (each.method, each.against) else each
        for each in evidence.contrasts
    )  # fmt: skip
    lost = replace(
        evidence, methods=(first, gone, third), contrasts=contrasts, disputed=(),
        curves=evidence.curves | {gone.method: Curves(0, (), (), empty, empty, empty, empty, empty)},
        predictions=evidence.predictions | {gone.method: MethodPredictions(0, None, None, ())},
    )  # fmt: skip
    text = " ".join(read(page(lost)).text)
    assert "4 of 4 runs of dropout diverged" in text
    assert "no pair of finished runs" in text
    assert "nan" not in text.lower().split()


def document(evidence):
    """Return the values of `verdict.json`."""
    return msgspec.json.decode(msgspec.json.encode(evidence))


def numbers_in(text):
    """Return the numbers of a text, without those that belong to words (names, versions, dates, hashes)."""
    return re.findall(r"(?<![\w.:=/-])[+-]?\d[\d,]*(?:\.\d+)?(?:e-\d+)?(?![\w:/]|\.\d)", text)


def values_in(found):
    if isinstance(found, dict):
        for name, value in found.items():
            yield from values_in(name)
            yield from values_in(value)
    elif isinstance(found, list):
        yield len(found)
        for value in found:
            yield from values_in(value)
    elif isinstance(found, str):
        yield from (float(one.replace(",", "")) for one in re.findall(r"-?\d[\d,]*(?:\.\d+)?", found))
    elif isinstance(found, (int, float)) and not isinstance(found, bool):
        yield float(found)


def derivable(number, values):
    """Return whether a printed number is one of the values, as it is or in percent, rounded as it is printed."""
    shown = float(number.replace(",", ""))
    if "e" in number:
        return any(value and abs(value - shown) <= 0.5 * abs(shown) for value in values)
    digits = len(number.partition(".")[2])
    slack = 0.5 * 10**-digits + 1e-9
    return any(abs(abs(scale * value) - abs(shown)) <= slack for value in values for scale in (1, 100))


def shares(evidence):
    for found in evidence.predictions.values():
        for row in found.confusion:
            yield from (count / sum(row) for count in row)


def test_every_number_on_the_page_is_in_its_document(evidence, html):
    values = {*values_in(document(evidence)), *shares(evidence)}
    values |= {95.0, 15.0, 71.0, 70.0, 256.0, 0.0, 1.0}  # of the fixed texts: intervals, bins, the glossary, SHA-256
    text = " ".join(part for part in read(html).text if part.strip())
    figures = [attributes["aria-label"] for attributes in read(html).all("svg")]
    ticks = re.compile(r"<svg.*?</svg>", re.DOTALL)
    text = " ".join(part for part in read(ticks.sub("", html)).text if part.strip())  # the figures' axes aside
    found = [number for part in (text, *figures) for number in numbers_in(part)]
    assert len(found) > 500
    assert {number for number in found if not derivable(number, values)} == set()


def test_a_number_that_is_nowhere_would_be_found(evidence, html):
    first, *others = evidence.methods
    moved = replace(first, accuracy=replace(first.accuracy, mean=first.accuracy.mean + 3.217))
    values = {*values_in(document(evidence)), *shares(evidence)}
    assert f"{moved.accuracy.mean:.1f}" in page(replace(evidence, methods=(moved, *others)))
    assert not derivable(f"{moved.accuracy.mean:.4f}", values)
