"""`overfitlab report`, as a person types it, and its page in a real browser."""

import http.server
import json
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from typed import overfitlab

import overfitlab as package
from overfitlab.api import reporting
from overfitlab.cli.main import cli
from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.lettering import can_write
from overfitlab.report.page import page

pytestmark = pytest.mark.slow

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture
def study(small_study):
    Path("runs").mkdir()
    return Path(shutil.copytree(small_study, "runs/small"))


def test_it_writes_below_the_study_or_elsewhere(study):
    done = overfitlab("report", "small", check=0)
    assert done.stdout == (
        "Wrote runs/small/report/report.html (and contrasts.csv, contrasts.ko.tex, contrasts.tex, figures/, "
        "history.csv, methods.ko.txt, methods.txt, report.ko.html, report.ko.md, report.md, runs.csv, verdict.json); "
        "open it in a browser\n"
    )
    assert not done.stderr or not can_write("한글"), done.stderr
    document = json.loads(overfitlab("report", study, "--lang", "ko", "--out", "mine", "--json", check=0).stdout)
    assert document == {"study": "runs/small", "folder": "mine", "page": "mine/report.ko.html"}
    assert "배치" not in Path("runs/small/report/report.html").read_text(encoding="utf-8")
    assert "드롭아웃" in Path("mine/report.ko.html").read_text(encoding="utf-8")
    assert "finished" in overfitlab("list", check=0).stdout  # a study with a report is still one
    again = overfitlab("show", "small", check=0)
    assert "What weakens this answer:" in again.stdout


def files():
    return sorted(Path().rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "line", "code"),
    [
        (["nothing"], "there is no study 'nothing'", 2),
        (["small", "--lang", "fr"], "unknown language 'fr'", 2),
        (["small", "--out", "file"], "file is a file, not a folder; choose another --out", 2),
        (["small", "--out", "runs"], "runs holds other files; choose another --out", 2),
        ([], "Missing argument 'STUDY|RUN'", 2),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(study, arguments, line, code):
    Path("file").write_text("mine")
    shutil.copytree(next(study.glob("runs/none-seed0-*")), "run")
    before = files()
    done = overfitlab("report", *arguments, check=code)
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout
    assert files() == before


def test_a_run_has_a_report_of_its_own(study):
    shutil.copytree(next(study.glob("runs/none-seed0-*")), "runs/alone")
    done = overfitlab("report", "alone", "--lang", "en", check=0)
    assert done.stdout == (
        "Wrote runs/alone/report/report.html (and figures/, history.csv, numbers.json, report.md); open it in a "
        "browser\n"
    )
    document = json.loads(overfitlab("report", "runs/alone", "--lang", "ko", "--json", check=0).stdout)
    assert document == {"run": "runs/alone", "folder": "runs/alone/report", "page": "runs/alone/report/report.ko.html"}
    assert "finished" in overfitlab("show", "alone", check=0).stdout
    weights = Path("runs/alone/probabilities.safetensors")
    weights.write_bytes(weights.read_bytes()[:-40])
    assert "is damaged" in overfitlab("report", "alone", check=1).stderr


def test_a_study_of_which_nothing_has_finished_says_so(study):
    shutil.rmtree(study / "runs")
    (study / "runs").mkdir()
    said = overfitlab("show", "small", check=0).stdout
    assert "No run of this study has finished yet, so there is nothing to compare." in said
    assert "test acc" not in said
    assert "끝난 실행이 아직 없어" in overfitlab("show", "small", "--lang", "ko", check=0).stdout


def test_a_damaged_run_is_one_line(study):
    path = next(study.glob("runs/none-seed0-*")) / "probabilities.safetensors"
    path.write_bytes(path.read_bytes()[:-40])
    done = overfitlab("report", "small", check=1)
    assert "is damaged (its checksum differs); move the folder of its run away" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (study / "report").exists()


class Recorder(http.server.BaseHTTPRequestHandler):
    """Notes what was asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def recorder():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def shown(path, profile):
    """Return the document that a browser has made of a page."""
    command = [
        BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        f"--user-data-dir={profile}", "--virtual-time-budget=3000", "--dump-dom", Path(path).absolute().as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")
def test_no_request_leaves_the_page_in_a_browser(small_study, recorder, tmp_path):
    leak = f"http://127.0.0.1:{recorder.server_port}"
    bait = (
        f"<img src='{leak}/img'><script>fetch('{leak}/script');document.title='owned'</script>"
        f"<link rel=stylesheet href='{leak}/link'><style>@import '{leak}/import';</style>"
        f"<iframe src='{leak}/frame'></iframe>"
    )
    Path("bait.html").write_text(f"<!DOCTYPE html><title>x</title>{bait}")
    shown("bait.html", tmp_path / "profile")
    assert {"/img", "/link", "/frame"} <= set(recorder.asked), "the browser did not ask for what it should have"
    recorder.asked.clear()

    evidence = package.load_study(small_study).evidence()
    data = msgspec.structs.replace(evidence.data, classes=[f"{bait}{number}" for number in range(10)])
    text = page(replace(evidence, data=data, study=bait, command=bait))
    Path("page.html").write_text(text, encoding="utf-8")
    document = shown("page.html", tmp_path / "profile")
    assert recorder.asked == []
    assert "owned</title>" not in document
    assert "Learning curves" in document

    # were the escaping to fail, the policy would still hold everything back
    Path("open.html").write_text(text.replace("</main>", f"{bait}</main>"), encoding="utf-8")
    document = shown("open.html", tmp_path / "profile")
    assert recorder.asked == []
    assert "owned</title>" not in document


def test_figures_that_cannot_be_written_in_a_language_are_said(study, monkeypatch):
    monkeypatch.setattr(reporting, "can_write", str.isascii)
    monkeypatch.setattr(reporting, "figure_of", lambda *_: DisplayedFigure())  # to draw all of them takes seconds
    done = CliRunner().invoke(cli, ["report", str(study), "--lang", "ko"])
    assert done.exit_code == 0
    assert "참고: 이 컴퓨터에 ko 글꼴이 없어, 글꼴이 필요한 그림은 영어로 그렸습니다" in done.stderr
    assert "Note: figures that need one are in English" in CliRunner().invoke(cli, ["report", str(study)]).stderr
    assert "Note" not in CliRunner().invoke(cli, ["report", str(study), "--lang", "en"]).stderr
