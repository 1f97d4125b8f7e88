"""The pages: what stands on them, and what names in addresses can do."""

import io
import re
from html.parser import HTMLParser

import msgspec
import pytest
from PIL import Image

from overfitlab.records.study_folder import StudyFolder
from overfitlab.report.content import sections
from overfitlab.study.study import load_study
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import language_named

INLINE = re.compile(r"\son\w+=|style=|<style|javascript:|<script(?! type=\"module\" src=\"/static/)")


def scripted(record, name: str):
    """Return a record of a study whose classes have names that would be scripts in a careless page."""
    data = msgspec.structs.replace(record.data, classes=[f"{name}{number}" for number in range(10)])
    return msgspec.structs.replace(record, data=data)


class Seen(HTMLParser):
    """What a page has: links, ids, and its text."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src", "action", "data-reference", "data-events", "data-parts") and value:
                self.links.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.texts.append(data)


def page(reader, path, status=200):
    answer = reader.get(path)
    assert answer.status_code == status, answer.text[:2000]
    assert not INLINE.search(answer.text), INLINE.search(answer.text)
    return answer.text


def test_the_list_has_all_that_there_is(visitor):
    text = page(visitor, "/")
    for said in ("small", "half", "theirs", "finished", "interrupted", "Compared with none", "of 12 runs"):
        assert said in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text


def test_the_page_of_a_study_holds_all_that_the_report_holds(visitor, shared):
    text = page(visitor, "/study/small")
    seen = Seen(text)
    evidence = load_study(shared.runs / "small").evidence()
    wanted = [section.anchor for section in sections(evidence, ENGLISH)]
    assert set(wanted) <= set(seen.ids)
    assert len(seen.ids) == len(set(seen.ids)), "an id twice"
    assert text.count('data-reference="/study/small/run/') == 2 * 3 * 4  # a dot for each contrast, axis and seed
    for name in re.findall(r'data-reference="([^"?]*)', text):
        assert visitor.get(name).status_code == 200


@pytest.mark.slow
def test_every_link_of_a_page_leads_somewhere(visitor):
    for path in ("/", "/study/small", "/study/half", f"/study/small/run/{first(visitor)}", "/run/theirs"):
        for link in {each.partition("#")[0] for each in Seen(page(visitor, path)).links} - {"", "/new"}:
            if not link.endswith(("events", "stop", "resume", "/settings", "/new")):
                assert visitor.get(link).status_code == 200, (path, link)


def first(reader):
    return re.search(r"/study/small/run/([^\"?]+)", reader.get("/study/small").text)[1]


def test_a_study_that_is_half_done(visitor):
    text = page(visitor, "/study/half")
    assert "10 of 12 runs" in text
    assert "Not all runs have ended, so there is no verdict yet." in text
    assert "Resume" in text
    assert "run the same command again" not in text  # beside a button that does it
    assert "seed 2: epoch 2 done" in text  # of the run that is being trained


def test_the_page_of_a_run(visitor):
    name = first(visitor)
    text = page(visitor, f"/study/small/run/{name}")
    for said in ("Learning curves", "Class by class", "Worst mistakes", "Configuration", "The network", "Log"):
        assert said in text
    others = re.findall(r"<option>([^<]+)</option>", text)
    assert len(others) == 11
    beside = page(visitor, f"/study/small/run/{name}?beside={others[0]}&part=validation")
    assert "differs" in beside
    assert re.search(r'part=validation#images-title" aria-current="true"', beside)
    assert "differs" not in page(visitor, f"/study/small/run/{name}?beside=../../small")


def test_a_run_of_another_producer(visitor):
    text = page(visitor, "/run/theirs")
    assert "keras 3.13" in text
    assert "the onset of overfitting" in text
    assert "Predictions" not in text


def test_pictures_and_files(visitor):
    name = first(visitor)
    text = visitor.get(f"/study/small/run/{name}").text
    for path in [*re.findall(r'src="([^"]+\.png)"', text)[:2], f"/study/small/run/{name}/figure/curves.png"]:
        answer = visitor.get(path)
        assert answer.headers["content-type"] == "image/png", path
        assert Image.open(io.BytesIO(answer.content)).size[0] >= 8
    svg = visitor.get("/study/small/figure/learning_curves.svg?shown=1&metric=loss&method=1")
    assert svg.text.startswith("<svg")
    assert "attachment" in svg.headers["content-disposition"]
    assert "dropout: loss" in svg.text
    assert "none: loss" not in svg.text
    assert visitor.get("/study/small/figure/nothing.svg").status_code == 404
    assert visitor.get("/study/small/figure/noise.pdf").status_code == 404
    assert visitor.get("/study/small/image/99999999.png").status_code == 404


@pytest.mark.parametrize(
    "query",
    ["shown=1&smoothing=nan", "shown=1&smoothing=1e9", "shown=1&method=999&metric=x", "shown=1&smoothing=x&log=1"],
)
def test_a_view_that_makes_no_sense_shows_something(visitor, query):
    page(visitor, f"/study/small?{query}")


def test_the_view_is_what_is_asked_for(visitor):
    parts = visitor.get("/study/small/parts?shown=1&metric=acc&method=0&method=1&single=1&smoothing=0.5").json()
    assert "none: accuracy" in parts["curves"]
    assert "loss</text>" not in parts["curves"]
    assert "early_stopping" not in re.sub(r"<form.*?</form>", "", parts["curves"], flags=re.DOTALL)
    assert "thin: single runs" in parts["curves"]
    assert "smoothed, weight 0.5" in parts["curves"]


TRAVERSALS = [
    "/study/..%2fsmall",
    "/study/%2e%2e",
    "/study/small%00",
    "/study/small/run/..%2f..%2f..%2fetc",
    "/run/..%2fruns%2fhalf",
    "/study/%2e",
    "/run/%2e%2e",
    "/study/small/file/..%2f..%2fstudy.json",
    "/study/small/file/study.json",
    "/static/..%2fapp.py",
    "/static/%2e%2e%2fserver.py",
    "/study/small/run/%2e%2e%2f%2e%2e",
    "/study//etc",
    "/study/C:%5Cx",
    "/study/" + "a" * 5000,
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_names_are_no_paths(visitor, path):
    answer = visitor.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_class_names_stay_text(reader, runs):
    study = StudyFolder(runs / "small")
    study.write_record(scripted(study.record(), "<script>alert(7)</script>"))
    for path in ("/study/small", f"/study/small/run/{first(reader)}"):
        assert "<script>alert" not in page(reader, path)
    assert "&lt;script&gt;alert(7)" in reader.get("/study/small").text
    svg = reader.get("/study/small/figure/confusion.svg").text
    assert "<script" not in svg


def test_a_damaged_study_is_one_line(reader, runs):
    (runs / "small" / "study.json").write_text("{")
    text = page(reader, "/study/small", 500)
    assert "is damaged" in text
    assert "is damaged" in page(reader, "/")
    assert "Traceback" not in text


def test_a_damaged_run_is_said_and_the_rest_is_shown(reader, runs):
    broken = next((runs / "half" / "runs").iterdir())
    (broken / "run.json").write_text("{")
    assert "is damaged" in page(reader, "/study/half")


def test_language_and_colours_are_kept(visitor):
    assert visitor.post("/settings", data={"language": "ko", "back": "/study/half?shown=1"}).headers["location"] == (
        "/study/half?shown=1"
    )
    visitor.post("/settings", data={"theme": "dark"})
    text = page(visitor, "/study/half")
    assert '<html lang="ko" data-theme="dark">' in text
    assert "중단됨" in text
    assert language_named("ko")("All runs") in text
    for back in ("//evil.example", "http://evil.example/x", "javascript:alert(1)", ""):
        place = visitor.post("/settings", data={"language": "en", "back": back}).headers["location"]
        assert place.startswith("/")
        assert not place.startswith("//"), back
    visitor.post("/settings", data={"language": "xx", "theme": "pink"})
    assert '<html lang="en" data-theme="dark">' in page(visitor, "/")


def test_the_language_of_the_browser_is_spoken(visitor):
    assert 'lang="ko"' in visitor.get("/", headers={"accept-language": "ko-KR,ko;q=0.9"}).text
    assert 'html lang="en"' in visitor.get("/", headers={"accept-language": "de"}).text


@pytest.mark.parametrize("path", ["/", "/study/small", "/study/half", "/run/theirs"])
def test_every_page_speaks_korean(visitor, path):
    visitor.post("/settings", data={"language": "ko"})
    seen = Seen(page(visitor, path))
    assert any("가" <= sign <= "힣" for text in seen.texts for sign in text)
