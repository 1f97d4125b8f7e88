"""`overfitlab evaluate`, `predict` and `explain` as a person types them."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typed import overfitlab, typed_anew

import overfitlab as package

EVALUATION_FILES = {
    "evaluation.json", "per_class.csv", "confusion.csv", "confusion.png", "confusion.svg", "calibration.png",
    "calibration.svg", "mistakes.png", "mistakes.svg", "probabilities.npz",
}  # fmt: skip


@pytest.mark.slow
def test_evaluate_prints_numbers_and_leaves_files(own_digits_run):
    done = typed_anew("evaluate", own_digits_run, check=0)
    assert {path.name for path in (own_digits_run / "evaluation" / "test").iterdir()} == EVALUATION_FILES
    assert "its test images" in done.stdout
    assert "choose with --part validation" in done.stdout
    assert f"Wrote {own_digits_run / 'evaluation' / 'test' / 'evaluation.json'}" in done.stdout
    assert done.stderr.splitlines()[0] == "Evaluating (359 images)"
    stored = json.loads((own_digits_run / "evaluation" / "test" / "evaluation.json").read_text())
    assert f"accuracy           {stored['accuracy']:.4f}" in done.stdout
    assert stored["accuracy"] == package.evaluate(own_digits_run).accuracy
    overfitlab("train", "--data", "digits", "--out", own_digits_run, check=2)  # still known as that run


@pytest.mark.slow
def test_evaluate_as_json_in_another_folder(own_digits_run):
    done = overfitlab(
        "evaluate", own_digits_run, "--part", "validation", "--json", "--out", "out", "--precision", "float64",
        "--threads", 1, check=0,
    )  # fmt: skip
    document = json.loads(done.stdout)
    assert document["part"] == "validation"
    assert document["precision"] == "float64"
    assert {path.name for path in Path("out").iterdir()} == EVALUATION_FILES == set(document["files"])
    assert document["folder"] == "out"
    assert not (own_digits_run / "evaluation").exists()


@pytest.mark.slow
def test_evaluate_on_a_folder_of_other_images(own_digits_run, digit_files):
    """The folder says which class each image is, by its subfolders; it lacks some of the classes."""
    for path in digit_files:
        place = Path("photos") / path.stem[-1] / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    Path("photos/3/text.png").write_text("no image")
    document = json.loads(overfitlab("evaluate", own_digits_run, "--data", "photos", "--json", check=0).stdout)
    assert document["part"] == "all"
    assert (document["images"], document["unreadable"]) == (30, 1)
    expected = package.predict(own_digits_run, digit_files)
    right = [path.stem[-1] == name for path, name in zip(digit_files, expected.classes, strict=True)]
    assert document["correct"] == sum(right)
    assert Path(document["folder"]).name.startswith("data-photos-")
    Path("one").mkdir()
    Path("one/0").symlink_to(Path("photos/0").absolute())
    text = overfitlab("evaluate", own_digits_run, "--data", "one", check=0).stdout
    assert "all images of other data" in text
    shutil.copytree("photos/0", "one/zero")
    *_, line = overfitlab("evaluate", own_digits_run, "--data", "one", check=1).stderr.splitlines()
    assert "a class that" in line
    assert "was not trained on: 'zero'" in line


@pytest.mark.slow
def test_a_run_is_found_by_its_id(own_digits_run):
    identity = json.loads((own_digits_run / "run.json").read_text())["id"]
    Path("runs").mkdir()
    Path("runs/mine").symlink_to(own_digits_run)
    for name in ("mine", identity[:6]):
        assert json.loads(overfitlab("evaluate", name, "--json", check=0).stdout)["run"] == identity
    [line] = overfitlab("evaluate", "mien", check=2).stderr.splitlines()
    assert line == "overfitlab: there is no run 'mien'; did you mean mine?"


def test_predict_prints_a_line_for_each_image(digits_run, digit_files):
    done = overfitlab("predict", digits_run, *digit_files[:3], "--top", 2, check=0)
    expected = package.predict(digits_run, digit_files[:3])
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    for line, name, row in zip(lines, expected.classes, expected.probabilities, strict=True):
        assert line.split()[1:3] == [name, f"{row.max():.3f}"]
        assert len(line.split()) == 5
    assert not done.stderr


@pytest.mark.parametrize("options", [["--format", "csv"], ["--out", "p.csv"], ["--out", "p.txt", "--format", "csv"]])
def test_predict_as_csv(digits_run, digit_files, options):
    done = overfitlab("predict", digits_run, *digit_files, *options, check=0)
    files = [path for path in Path().iterdir() if path.is_file()]
    content = files[0].read_text() if files else done.stdout
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    expected = package.predict(digits_run, digit_files)
    assert [row["file"] for row in rows] == expected.files
    assert [row["class"] for row in rows] == expected.classes
    found = np.array([[float(row[name]) for name in expected.class_names] for row in rows])
    np.testing.assert_allclose(found, expected.probabilities, atol=1e-5)


@pytest.mark.parametrize("options", [["--json"], ["--format", "json"], ["--out", "p.json"]])
def test_predict_as_json(digits_run, digit_files, options):
    done = overfitlab("predict", digits_run, digit_files[0].parent, *options, check=0)
    document = json.loads(done.stdout or Path("p.json").read_text())
    assert [entry["file"] for entry in document["predictions"]] == [str(path) for path in digit_files]
    assert len(document["predictions"][0]["top"]) == 3
    assert document["unreadable"] == []


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\0"])
def test_predict_reads_names_from_standard_input(digits_run, digit_files, separator):
    names = separator.join(map(str, digit_files[:4])).encode()
    done = overfitlab("predict", digits_run, digit_files[5], "-", digit_files[6], "--json", given=names, check=0)
    wanted = [digit_files[5], *digit_files[:4], digit_files[6]]
    assert [entry["file"] for entry in json.loads(done.stdout)["predictions"]] == list(map(str, wanted))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_predict_reads_lists_that_powershell_wrote(digits_run, digit_files, encoding):
    """Taken byte by byte, the slashes of such a list were the root folder: the whole disk was predicted."""
    given = "".join(f"{path}\r\n" for path in digit_files[:2]).encode(encoding)
    done = overfitlab("predict", digits_run, "-", "--format", "csv", given=given, check=0)
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == list(map(str, digit_files[:2]))


def test_a_list_in_no_encoding_is_refused(digits_run):
    done = overfitlab("predict", digits_run, "-", given=b"\xff\xfe" + b"/\0a", check=2)
    assert "in an unknown encoding; write them in UTF-8" in done.stderr
    assert done.stdout == ""


def test_unreadable_files_are_named_the_rest_goes_on_and_the_exit_code_says_so(digits_run, digit_files):
    Path("text.png").write_text("no image")
    Path("empty").mkdir()
    given = [digit_files[0], "text.png", "gone.png", digit_files[1], "empty"]
    done = overfitlab("predict", digits_run, *given, "--out", "p.json", check=1)
    assert [line for line in done.stderr.splitlines() if line.startswith("overfitlab: ")] == [
        "overfitlab: text.png: it is not an image of a known format",
        "overfitlab: gone.png: no such file or directory",
        "overfitlab: empty: the folder holds no image files",
        "overfitlab: 3 of 5 images could not be read; all others were predicted",
    ]
    document = json.loads(Path("p.json").read_text())
    assert [entry["file"] for entry in document["predictions"]] == [str(path) for path in digit_files[:2]]
    assert [entry["file"] for entry in document["unreadable"]] == ["text.png", "gone.png", "empty"]
    [_, line] = overfitlab("predict", digits_run, "gone.png", check=1).stderr.splitlines()
    assert line == "overfitlab: 1 of 1 images could not be read; nothing was predicted"


@pytest.mark.slow
def test_odd_names_of_files(digits_run, digit_files):
    odd = ["new\nline.png", "-dash.png", "=1+1.png", 'comma,"quote".png', "한글.png", "$x_1$.png", "a b.png"]
    if sys.platform == "linux":
        odd.append("bytes\udcff.png")
    for name in odd:
        Path(name).write_bytes(digit_files[0].read_bytes())
    done = typed_anew("predict", digits_run, "--format", "csv", "--", *odd, check=0)
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert [row["file"] for row in rows][:4] == ["new\nline.png", "./-dash.png", "./=1+1.png", 'comma,"quote".png']
    assert len({row["class"] for row in rows}) == 1
    assert len(overfitlab("predict", digits_run, "--", *odd, check=0).stdout.splitlines()) == len(odd)
    document = json.loads(overfitlab("predict", digits_run, "--json", "--", *odd, check=0).stdout)
    assert [entry["file"] for entry in document["predictions"]] == odd
    overfitlab("explain", digits_run, "--out", "sheet.svg", "--", *odd, check=0)
    names = b"\0".join(map(os.fsencode, odd))
    document = json.loads(typed_anew("predict", digits_run, "-", "--json", given=names, check=0).stdout)
    assert [entry["file"] for entry in document["predictions"]] == odd


def test_a_file_that_is_called_dash(digits_run, digit_files):
    shutil.copy(digit_files[0], "-")
    for command, *options in (["predict"], ["explain", "--out", "x.png"]):
        for name in ("./-", Path("-").absolute()):
            assert (
                str(digit_files[1])
                not in overfitlab(
                    command, digits_run, name, *options, given=os.fsencode(digit_files[1]), check=0
                ).stdout
            )


@pytest.mark.slow
def test_a_closed_pipe_ends_it_quietly(digits_run, digit_files):
    folders = f"'{digit_files[0].parent}' " * 200
    command = f"{sys.executable} -m overfitlab predict '{digits_run}' {folders} | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert len(done.stdout.splitlines()) == 1
    assert not done.stderr


@pytest.mark.slow
def test_an_interruption_says_that_it_starts_anew(digits_run, digit_files):
    command = [sys.executable, "-m", "overfitlab", "predict", str(digits_run), *[str(digit_files[0].parent)] * 1000]
    process = subprocess.Popen(
        [*command, "--out", "p.csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert process.stderr.readline().startswith("Predicting (30,000 images)")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "overfitlab: stopped before it was done; run the same command to start again"
    assert list(Path().iterdir()) == [], "not half a file"


@pytest.mark.slow
def test_explain_writes_a_sheet(own_digits_run, digit_files):
    done = typed_anew("explain", own_digits_run, *digit_files[:3], check=0)
    assert f"Wrote {own_digits_run / 'explain.png'}" in done.stdout
    with Image.open(own_digits_run / "explain.png") as sheet:
        assert sheet.size[0] > 1000
    assert len(done.stdout.splitlines()) == 4


@pytest.mark.slow
def test_explain_as_json_for_another_class_on_several_sheets(digits_run, digit_files):
    done = overfitlab(
        "explain", digits_run, *digit_files, "--class", "8", "--layer", "relu4", "--out", "sheet.svg", "--json", check=0
    )
    document = json.loads(done.stdout)
    assert document["sheets"] == ["sheet-1.svg", "sheet-2.svg", "sheet-3.svg"]
    assert all(Path(name).read_text().startswith("<?xml") for name in document["sheets"])
    assert document["layer"]["name"] == "relu4"
    assert len(document["images"]) == 30
    assert {entry["explained"] for entry in document["images"]} == {"8"}
    assert np.shape(document["images"][0]["map"]) == (4, 4)
    assert "Wrote sheet-3.svg" in done.stderr


def test_explain_names_what_it_cannot_read(digits_run, digit_files):
    Path("text.png").write_text("no image")
    done = overfitlab("explain", digits_run, "text.png", digit_files[0], "--out", "x.png", check=1)
    assert done.stderr.splitlines() == [
        "overfitlab: text.png: it is not an image of a known format",
        "overfitlab: 1 of 2 images could not be read",
    ]
    assert Path("x.png").exists()
    done = overfitlab("explain", digits_run, "text.png", "--out", "y.png", check=1)
    assert not Path("y.png").exists()


BAD = [
    (["evaluate", "RUN", "--part", "tset"], 2, "unknown part 'tset'; did you mean 'test'"),
    (["evaluate", "RUN", "--data", "digit"], 2, "did you mean 'digits'"),
    (["evaluate", "RUN", "--precision", "half"], 2, "unknown precision 'half'"),
    (["evaluate", "RUN", "--threads", "0"], 2, "threads must be"),
    (["evaluate", "RUN", "--out", "/dev/null"], 2, "/dev/null is not a folder"),
    (["evaluate", "RUN", "--data", "missing/"], 1, "missing/"),
    (["evaluate", "nothing-there"], 2, "there is no run 'nothing-there'"),
    (["evaluate", "."], 1, ". is not a run: it has no run.json"),
    (["evaluate"], 2, "Missing argument 'RUN'"),
    (["predict", "RUN"], 2, "Missing argument 'IMAGE...'"),
    (["predict", "RUN", "-"], 2, "no images were named"),
    (["predict", "RUN", "-", "-"], 2, "- is given twice"),
    (["predict", "RUN", "x.png", "--top", "0"], 2, "--top must be at least 1"),
    (["predict", "RUN", "x.png", "--format", "xml"], 2, "unknown format 'xml'"),
    (["predict", "RUN", "x.png", "--json", "--format", "csv"], 2, "contradict each other"),
    (["predict", "RUN", "x.png", "--out", "."], 2, ". is a folder; name a file"),
    (["predict", "RUN", "x.png", "--out", "no/such/folder.csv"], 1, "cannot write no/such/folder.csv"),
    (["predict", "RUN", "x.png", "--out", "~nobody-of-that-name/x"], 2, "~nobody-of-that-name"),
    (["explain", "RUN", "x.png", "--class", "cat"], 2, "unknown class 'cat'"),
    (["explain", "RUN", "x.png", "--layer", "relu99"], 2, "unknown layer 'relu99'"),
    (["explain", "RUN", "x.png", "--out", "x.pdf"], 2, "sheets are written as .png or .svg"),
    (["explain", "RUN", "-"], 2, "no images were named"),
    (["explain", "RUN", "x.png", "--out", "nodir/y.png"], 1, "cannot write to nodir"),
    (["evaluate", "RUN", "--out", "/proc/x/y"], 1, "cannot write to /proc/x/y"),
    (["evaluate", "RUN", "--out", "/dev/null/x"], 2, "/dev/null is not a folder"),
    (["evaluate", "RUN", "--out", "x" * 300], 1, "too long"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_bad_input_is_one_line_and_leaves_nothing(arguments, code, message, digits_run):
    before = sorted(digits_run.rglob("*"))
    done = overfitlab(*(digits_run if word == "RUN" else word for word in arguments), check=code, given=b"")
    [line] = done.stderr.splitlines()
    assert line.startswith("overfitlab: ")
    assert message in line
    assert not done.stdout
    assert list(Path().iterdir()) == []
    assert sorted(digits_run.rglob("*")) == before


def test_a_damaged_run_is_one_line(own_digits_run):
    weights = own_digits_run / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    for command, *images in (["evaluate"], ["predict", "x.png"], ["explain", "x.png"]):
        [line] = overfitlab(command, own_digits_run, *images, check=1).stderr.splitlines()
        assert "is not the file that the training wrote" in line
