"""The files of a report: what is written, from what, and what is refused."""

import csv
import json
import re
import shutil
from xml.etree import ElementTree as ET

import msgspec
import pandas
import pytest
from PIL import Image

import overfitlab
from overfitlab.api import reporting
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.report import figures
from overfitlab.report.figures import DisplayedFigure
from overfitlab.report.page import page
from overfitlab.study.evidence import Evidence
from overfitlab.words.languages import language_named, speak


@pytest.fixture(scope="module")
def written(small_study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports") / "small"
    assert overfitlab.load_study(small_study).report(folder) == folder / "report.html"
    return folder


@pytest.mark.slow
def test_everything_is_written_and_readable(written):
    names = {path.name for path in written.iterdir() if path.name != ".lock"}
    assert names == {
        "report.html", "report.ko.html", "report.md", "report.ko.md", "verdict.json", "contrasts.csv", "contrasts.tex",
        "contrasts.ko.tex", "methods.txt", "methods.ko.txt", "runs.csv", "history.csv", "figures",
    }  # fmt: skip
    drawn = {path.name for path in (written / "figures").iterdir()}
    endings = ("png", "svg", "ko.png", "ko.svg")
    assert drawn == {f"{name}.{ending}" for name in reporting.FIGURE_NAMES for ending in endings}
    for path in (written / "figures").glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 2 / 3 * figures.PAPER_DPI
    for path in (written / "figures").glob("*.svg"):
        root = ET.parse(path).getroot()
        assert root.tag.endswith("svg")
        titles = [element.text for element in root if element.tag.endswith("title")]  # those of marks are their tips
        labels = [element.attrib["aria-label"] for element in root.iter() if "aria-label" in element.attrib]
        assert min(map(len, titles + labels)) > 40, path.name  # each says what it shows
        assert bool(titles) == path.name.startswith("disputed")


def test_the_page_is_made_from_verdict_json_alone(small_study, written):
    evidence = msgspec.json.decode((written / "verdict.json").read_bytes(), type=Evidence)
    study = overfitlab.load_study(small_study)
    pictures = reporting.disputed_pictures(study, evidence)
    assert len(pictures) == len(evidence.disputed) > 0
    images = {row: reporting.picture_png(picture, 16) for row, picture in pictures.items()}
    for code, other in (("en", {"ko": "report.ko.html"}), ("ko", {"en": "report.html"})):
        [(_, file)] = other.items()
        mine = written / ("report.html" if code == "en" else "report.ko.html")
        assert page(evidence, images, language_named(code), other) == mine.read_text(encoding="utf-8")
        assert f'href="{file}"' in mine.read_text(encoding="utf-8")


def links(path):
    """Return the files that a page or a text links to, but for places within itself and files that it holds."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r'href="([^"#:]+)"', text) if path.suffix == ".html" else re.findall(r"\]\(([^)]+)\)", text)
    return set(found)


@pytest.mark.slow
def test_each_language_has_files_of_its_own_and_links_to_what_is_there(small_study, tmp_path, monkeypatch):
    study = overfitlab.load_study(small_study)
    drawn = []
    files = {f"{name}.{kind}": b"x" for name in reporting.FIGURE_NAMES for kind in ("png", "svg")}
    monkeypatch.setattr(reporting, "_figure_files", lambda *given: drawn.append(given[-1].code) or files)
    folder = tmp_path / "report"
    assert study.report(folder, "ko") == folder / "report.ko.html"
    assert not (folder / "report.html").exists()
    for name in ("report.ko.html", "report.ko.md"):
        assert all((folder / link).is_file() for link in links(folder / name)), links(folder / name)
    assert "figures/noise.ko.png" in links(folder / "report.ko.md")
    assert links(folder / "report.ko.html") == set()
    korean = (folder / "methods.ko.txt").read_bytes()
    assert study.report(folder, "en") == folder / "report.html"
    assert drawn == ["ko", "en"]  # figures of the other language, of the same numbers, stay
    assert (folder / "methods.ko.txt").read_bytes() == korean
    assert "report.html" in links(folder / "report.ko.html")
    assert "report.ko.html" in links(folder / "report.html")
    for path in folder.glob("report.*"):
        assert all((folder / link).is_file() for link in links(path)), path.name
    (folder / "verdict.json").write_text("of other runs")
    study.report(folder, "en")
    assert drawn == ["ko", "en", "en", "ko"]
    assert study.report(tmp_path / "both").name == "report.html"
    speak("ko")
    assert study.report(tmp_path / "both").name == "report.ko.html"


@pytest.mark.slow
def test_a_run_has_a_report_too(small_study, tmp_path):
    [run, *_] = overfitlab.load_study(small_study).runs
    folder = tmp_path / "report"
    assert run.report(folder) == folder / "report.html"
    names = {path.name for path in folder.iterdir() if path.name != ".lock"}
    assert names == {
        "report.html",
        "report.ko.html",
        "report.md",
        "report.ko.md",
        "numbers.json",
        "history.csv",
        "figures",
    }
    for path in folder.glob("report.*"):
        assert all((folder / link).is_file() for link in links(path)), path.name
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert f"{100 * run.measured['end']['test']['acc']:.1f}" in text
    assert str(small_study) not in text
    numbers = json.loads((folder / "numbers.json").read_text())
    assert numbers["history"]["val_loss"] == [row.val_loss for row in run.rows]
    assert sum(map(sum, numbers["predictions"]["confusion"])) == run.record.measured.end.test.images
    assert str(small_study) not in (folder / "numbers.json").read_text()
    assert pandas.read_csv(folder / "history.csv")["val_acc"].tolist() == pytest.approx(
        [row.val_acc for row in run.rows]
    )
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        run.report(folder)


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes(small_study, written, tmp_path):
    overfitlab.load_study(small_study).report(tmp_path / "again")
    for path in written.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(written)).read_bytes(), path.name


def test_the_tables_are_the_frames(small_study, written):
    study = overfitlab.load_study(small_study)
    for name, frame in (
        ("runs.csv", study.results()), ("history.csv", study.history()),
        ("contrasts.csv", study.verdict().reset_index()),
    ):  # fmt: skip
        read = pandas.read_csv(written / name)
        assert list(read.columns) == list(frame.columns)
        for column in read.columns:
            if read[column].dtype == float:
                assert read[column].tolist() == pytest.approx(
                    frame[column].astype(float).tolist(), rel=0, abs=0, nan_ok=True
                )
    with (written / "history.csv").open(newline="") as stream:
        assert next(csv.reader(stream)) == [
            "method", "seed", "epoch", "seconds", "loss", "acc", "val_loss", "val_acc", "train_loss", "train_acc",
        ]  # fmt: skip


@pytest.mark.slow
def test_a_report_is_replaced_and_other_files_are_left_alone(small_study, tmp_path):
    study = overfitlab.load_study(small_study)
    folder = tmp_path / "report"
    study.report(folder, "en")
    (folder / "figures" / "noise.png").write_bytes(b"old")
    (folder / "report.html").write_text("old")
    study.report(folder, "en")
    assert 'lang="en"' in (folder / "report.html").read_text(encoding="utf-8")
    assert (folder / "figures" / "noise.png").read_bytes() != b"old"
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match=r"report holds other files; choose another --out"):
        study.report(folder)
    assert (folder / "thesis.tex").read_text() == "mine"
    (folder / "thesis.tex").unlink()
    (folder / "figures" / "photo.png").write_bytes(b"mine")
    with pytest.raises(UsageError, match="holds other files"):
        study.report(folder)
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "runs.csv").write_text("mine")  # a name of ours, but no report
    with pytest.raises(UsageError, match="holds other files"):
        study.report(strange)
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        study.report(folder / "thesis.tex")
    with pytest.raises(UsageError, match="unknown language 'xx'"):
        study.report(tmp_path / "other", "xx")
    assert not (tmp_path / "other").exists()


def test_a_study_that_has_hardly_begun(small_study, tmp_path):
    folder = shutil.copytree(small_study, tmp_path / "begun")
    for path in sorted((folder / "runs").iterdir())[1:]:
        shutil.rmtree(path)
    page_path = overfitlab.load_study(folder).report(language="en")
    assert page_path == folder / "report" / "report.html"
    assert "Provisional" in page_path.read_text(encoding="utf-8")
    shutil.rmtree(folder / "runs")
    (folder / "runs").mkdir()
    assert "Provisional" in overfitlab.load_study(folder).report(language="en").read_text(encoding="utf-8")
    assert not (folder / "report" / "figures" / "learning_curves.png").exists()  # of the report before


@pytest.mark.slow
def test_images_that_are_gone_leave_a_report_without_pictures(small_study, tmp_path, monkeypatch):
    study = overfitlab.load_study(small_study)
    data = msgspec.structs.replace(study.record.data, source="cifar10", origin="gone", data_dir="gone")
    gone = type(study)(study.folder, msgspec.structs.replace(study.record, data=data), study.stored)
    page_path = gone.report(tmp_path / "report", "en")
    assert "The images are no longer where they were" in page_path.read_text(encoding="utf-8")
    assert not (tmp_path / "report" / "figures" / "disputed.png").exists()


@pytest.mark.slow
def test_figures_display_themselves(small_study):
    study = overfitlab.load_study(small_study)
    for name in reporting.FIGURE_NAMES:
        figure = study.figure(name)
        assert isinstance(figure, DisplayedFigure)
        assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="unknown figure 'curves'"):
        study.figure("curves")
    empty = type(study)(study.folder, study.record, [])
    with pytest.raises(OverfitlabError, match="has nothing to show in the figure noise"):
        empty.figure("noise")
