"""Panels as SVG: attributes alone, everything in its place, and names of strangers stay text."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations

import msgspec
import pytest
from read_svg import elements, lettering_of, points_of, root_of

from overfitlab.report.image_figures import confusion
from overfitlab.report.layout import layout
from overfitlab.report.lettering import POINTS
from overfitlab.report.marks import (
    WIDTH,
    Area,
    Axis,
    Band,
    Bar,
    Bars,
    Dot,
    Dots,
    Line,
    Matrix,
    Panel,
    Remark,
    Rule,
    Text,
    Tick,
)
from overfitlab.report.palette import COLORS, contrast
from overfitlab.report.scales import axis
from overfitlab.report.study_figures import FIGURES
from overfitlab.report.svg import panel_svg, sheet
from overfitlab.words.languages import CODES, language_named

KNOWN = {
    "viewBox", "role", "aria-label", "class", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity",
    "stroke-dasharray", "stroke-linejoin", "d", "x", "y", "width", "height", "cx", "cy", "r", "font-size",
    "font-weight", "text-anchor", "transform", "data-key", "data-reference",
}  # fmt: skip


def panel_of(*marks, **changes):
    """Return a panel of marks whose axes reach from 0 to 10, without anything else in it."""
    scale = Axis(low=0.0, high=10.0, grid=False, line=False)
    return Panel(**{"title": "", "alternative": "what it shows", "x": scale, "y": scale, "marks": marks, **changes})


def all_panels(evidence, say):
    return [*(panel for make, _ in FIGURES.values() for panel in make(evidence, say)), *confusion(evidence, say)]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.slow
def test_everything_stays_within_its_panel_and_no_letters_lie_on_others(evidence, crowded, code):
    say = language_named(code)
    for panel in [*all_panels(evidence, say), *all_panels(crowded, say)]:
        svg = panel_svg(panel)
        wide, high = POINTS * panel.width, POINTS * panel.height
        found = lettering_of(svg)
        for each in found:
            assert -1 <= each.left < each.right <= wide + 1, each
            assert -1 <= each.top < each.bottom <= high + 1, each
        for one, other in combinations(found, 2):
            assert not one.overlaps(other), (panel.title, one, other)
        for x, y in points_of(svg):
            assert -0.01 <= x <= wide + 0.01
            assert -0.01 <= y <= high + 0.01
        assert layout(panel).height > 0.9 * POINTS


@pytest.mark.parametrize("names", [["a"] * 10, ["a very long name of a class"] * 10, ["고양이와 강아지와 새"] * 10])
def test_a_confusion_matrix_has_room_for_its_names(evidence, names):
    data = replace_classes(evidence, [f"{name}{number}" for number, name in enumerate(names)])
    for panel in confusion(data):
        found = lettering_of(panel_svg(panel))
        for each in found:
            assert each.left >= -1, each
            assert each.bottom <= POINTS * panel.height + 1, each
        for one, other in combinations(found, 2):
            assert not one.overlaps(other), (one, other)
        assert layout(panel).width > 1.2 * POINTS


def replace_classes(evidence, names):
    return replace(evidence, data=msgspec.structs.replace(evidence.data, classes=names))


def test_it_has_attributes_alone_and_nothing_to_refer_to(evidence):
    for panel in all_panels(evidence, language_named("en")):
        svg = panel_svg(panel)
        assert {each.tag for each in root_of(svg).iter()} <= {"svg", "path", "rect", "circle", "text", "title"}
        for each in root_of(svg).iter():
            assert set(each.attrib) <= KNOWN
        assert "url(" not in svg
        assert "<style" not in svg


def test_colors_have_classes_by_which_a_page_replaces_them(evidence):
    for panel in all_panels(evidence, language_named("en"))[:-3]:  # the shades of a matrix are its own
        for each in root_of(panel_svg(panel)).iter():
            for kind in ("fill", "stroke"):
                color = each.get(kind, "none")
                if color != "none":
                    name = each.attrib["class"].removeprefix(f"{kind}-")
                    assert COLORS[name].light == color


def test_it_says_what_it_shows():
    root = root_of(panel_svg(panel_of()))
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", "what it shows")
    assert root.attrib["viewBox"] == "0 0 244.8 187.2"


def test_the_same_panel_gives_the_same_text(evidence):
    for make, columns in FIGURES.values():
        one, other = (sheet(make(evidence), columns) for _ in range(2))
        assert one == other


def test_what_lies_outside_of_the_axes_is_not_drawn():
    panel = panel_of(
        Line(x=(-50.0, 5.0, 50.0), y=(5.0, 500.0, 5.0), color="train", marker=3.0),
        Band(x=(0.0, 10.0), low=(-80.0, 2.0), high=(90.0, 3.0), color="val"),
        Dots(dots=(Dot(5.0, 11.0, 4.0), Dot(-1.0, 5.0, 4.0)), color="method", size=4.0),
        Rule(at=12.0, axis="x", color="soft"),
        Area(low=-5.0, high=20.0, axis="y", color="margin"),
        Area(low=20.0, high=25.0, axis="x", color="margin"),
        Bars(bars=(Bar(5.0, 40.0), Bar(30.0, 4.0)), thickness=1.0, color="val"),
    )
    place = layout(panel)
    found = points_of(panel_svg(panel))
    assert found
    for x, y in found:
        assert place.left - 0.01 <= x <= place.right + 0.01
        assert place.top - 0.01 <= y <= place.bottom + 0.01
    assert not elements(panel_svg(panel), "circle")


def test_a_value_that_is_not_known_leaves_a_gap():
    line = Line(x=(0.0, 1.0, 2.0, 3.0, 4.0), y=(1.0, 2.0, None, 3.0, 4.0), color="train", marker=2.0, key="a")
    band = Band(x=(0.0, 1.0, 2.0, 3.0), low=(1.0, None, 1.0, 1.0), high=(2.0, 2.0, 3.0, 3.0), color="val", key="b")
    paths = [each for each in elements(panel_svg(panel_of(line, band)), "path") if "data-key" in each.attrib]
    assert [each.attrib["data-key"] for each in paths] == ["a", "a", "b", "b"]
    assert len(elements(panel_svg(panel_of(line)), "circle")) == 4
    assert panel_svg(panel_of(replace(line, y=(None,) * 5))) == panel_svg(panel_of())


def test_marks_can_be_found_again_and_say_what_they_are():
    dot = Dot(5.0, 5.0, 4.0, key="dropout:3", reference="dropout-seed3", tip="seed 3: <b>")
    svg = panel_svg(panel_of(Dots(dots=(dot,), color="other", size=4.0, shape="circle", opacity=0.8)))
    [circle] = elements(svg, "circle")
    assert (circle.attrib["data-key"], circle.attrib["data-reference"]) == ("dropout:3", "dropout-seed3")
    assert circle.attrib["fill-opacity"] == "0.8"
    assert [title.text for title in elements(svg, "title")] == ["seed 3: <b>"]


def test_marks_lie_where_their_values_say():
    panel = panel_of(Dots(dots=(Dot(0.0, 0.0, 4.0), Dot(10.0, 10.0, 4.0), Dot(2.5, 5.0, 4.0)), color="other", size=4.0))
    place = layout(panel)
    circles = [tuple(float(each.attrib[key]) for key in ("cx", "cy")) for each in elements(panel_svg(panel), "circle")]
    middle = (place.left + place.width / 4, place.top + place.height / 2)
    expected = [(place.left, place.bottom), (place.right, place.top), middle]
    assert circles == [pytest.approx(each, abs=0.01) for each in expected]
    logarithmic = replace(panel, x=axis(0.1, 1000.0, log=True), marks=(Dots(dots=(Dot(10.0, 5.0, 4.0),), color="other",
                                                                            size=4.0),))  # fmt: skip
    [circle] = elements(panel_svg(logarithmic), "circle")
    assert float(circle.attrib["cx"]) == pytest.approx(place.left + place.width / 2, abs=0.01)


def test_a_legend_has_a_line_for_each_label_in_the_order_of_the_marks():
    marks = (
        Area(low=1.0, high=2.0, axis="x", color="margin", label="area"),
        Line(x=(), y=(), color="soft", label="line alone in the legend"),
        Dots(dots=(), color="other", size=3.0, shape="diamond", label="dot"),
        Bars(bars=(Bar(1.0, 2.0),), thickness=1.0, color="val", label="bars"),
        Band(x=(), low=(), high=(), color="soft", label="band"),
        Rule(at=3.0, axis="x", color="soft", label="rule"),
        Remark(label="remark"),
        Text(x=1.0, y=1.0, text="no entry"),
    )
    panel = panel_of(*marks)
    assert [entry.label for entry in layout(panel).legend] == [
        "area", "line alone in the legend", "dot", "bars", "band", "rule", "remark",
    ]  # fmt: skip
    texts = [each.text for each in lettering_of(panel_svg(panel))]
    assert texts == ["no entry", *(entry.label for entry in layout(panel).legend)]
    bottom = layout(panel).bottom
    assert all(entry.middle > bottom for entry in layout(panel).legend)


def test_a_title_that_is_too_long_has_two_lines_and_keeps_both_ends():
    panel = panel_of(title="batch_norm:momentum=0.9+dropout:rate=0.35+l2:rate=0.0005+augment:flip=0.0,shift=0.2: loss")
    place = layout(panel)
    assert len(place.title) == 2
    assert place.title[0].startswith("batch_norm")
    assert place.title[1].endswith("loss")
    assert layout(panel_of(title="none: loss")).title == ("none: loss",)


HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</svg></style><b>", "&lt;already&gt; 'quoted'",
    "]]><![CDATA[", "<!--", "\x00\ud800\ufffe", "javascript:alert(1)", "고양이", "{{ 7 * 7 }}",
]  # fmt: skip


class Reader(HTMLParser):
    """Notes the names of elements, and the attributes that could do something."""

    def __init__(self):
        super().__init__()
        self.tags, self.dangerous = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.dangerous |= {name for name, _ in attrs if name.startswith("on") or name in ("href", "src", "style")}


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_strangers_stay_text(name):
    ticks = (Tick(1.0, name),)
    panel = panel_of(
        Line(x=(0.0, 1.0), y=(0.0, 1.0), color="train", label=name, key=name),
        Text(x=1.0, y=1.0, text=name, ground=True, key=name),
        Dots(dots=(Dot(1.0, 1.0, 2.0, name, name, name),), color="other", size=2.0, label=name),
        Matrix(values=((0.5,),), texts=((name,),)),
        title=name, alternative=name, key=name, x=Axis(low=0, high=10, label=name, ticks=ticks, turned=True),
        y=Axis(low=0, high=10, label=name, ticks=ticks),
    )  # fmt: skip
    text = sheet([panel], 1)
    text.encode()
    root_of(text)
    reader = Reader()
    reader.feed(text)
    assert reader.tags <= {"svg", "path", "rect", "circle", "text", "title"}
    assert reader.dangerous == set()


def test_a_sheet_holds_its_panels_row_by_row(evidence):
    panels = FIGURES["gap_curves"][0](evidence)
    text = sheet(panels, 2)
    root = root_of(text)
    places = [(float(each.attrib["x"]), float(each.attrib["y"])) for each in elements(text, "svg")[1:]]
    high = POINTS * panels[0].height
    assert places == [pytest.approx(place) for place in ((0, 0), (POINTS * WIDTH, 0), (0, high))]
    assert root.attrib["viewBox"] == f"0 0 {2 * POINTS * WIDTH:g} {2 * high:g}"
    assert root.attrib["width"] == f"{2 * POINTS * WIDTH:g}pt"
    labels = [each.attrib["aria-label"] for each in elements(text, "svg")[1:]]
    assert labels == [panel.alternative for panel in panels]
    first = root[0]
    assert (first.attrib["fill"], first.attrib["width"]) == (COLORS["surface"].light, "100%")
    root_of(sheet([], 3))


def test_digits_in_a_confusion_matrix_can_be_read(evidence):
    svg = panel_svg(confusion(evidence)[0])
    cells = [each for each in elements(svg, "path") if re.fullmatch("#[0-9a-f]{6}", each.get("fill", ""))]
    grounds = {}
    for cell in cells:
        for outline in cell.attrib["d"].split("Z")[:-1]:
            corners = [tuple(map(float, corner.split())) for corner in re.split("[ML]", outline)[1:]]
            grounds[min(corners), max(corners)] = cell.attrib["fill"]
    digits = [each for each in elements(svg, "text") if "class" not in each.attrib]
    assert len(digits) >= 10
    for digit in digits:
        x, y = float(digit.attrib["x"]), float(digit.attrib["y"])
        [ground] = [color for ((left, top), (right, bottom)), color in list(grounds.items())[1:]
                    if left < x < right and top < y < bottom]  # fmt: skip
        assert contrast(*(rgb(color) for color in (digit.attrib["fill"], ground))) > 4.4


def rgb(color):
    return [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]


def test_a_matrix_of_a_hundred_classes_is_no_burden():
    values = tuple(tuple(0.9 if row == column else ((row * column) % 7) / 100 for column in range(100))
                   for row in range(100))  # fmt: skip
    panel = panel_of(Matrix(values=values, texts=(("",) * 100,) * 100), x=Axis(low=-0.5, high=99.5),
                     y=Axis(low=99.5, high=-0.5))  # fmt: skip
    assert len(panel_svg(panel)) < 600_000
    assert len(elements(panel_svg(panel), "path")) < 20
