"""Evaluation against what the training itself measured, scikit-learn, and data that is not what it was."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from refusals import refused
from sklearn import metrics

import overfitlab
from overfitlab.api import evaluation_files
from overfitlab.data import loading as loading_room
from overfitlab.data.sources import digits
from overfitlab.display import display_name
from overfitlab.errors import DataError, UsageError
from overfitlab.events import TaskAdvanced, TaskBegan, TaskEnded
from overfitlab.inference.pictures import as_channels, scaled
from overfitlab.inference.trained import load_trained
from overfitlab.reasons import reason
from overfitlab.records.record_file import sealed
from overfitlab.runs.run import load_run

PARTS = ("test", "validation", "training")


@pytest.mark.parametrize("part", PARTS)
def test_it_finds_what_the_training_measured_at_its_end(digits_run, part):
    measured = getattr(load_run(digits_run).record.measured.end, part)
    found = overfitlab.evaluate(digits_run, part, threads=1)
    assert found.part == part
    assert found.scores.images == measured.images
    assert found.accuracy == measured.acc
    # on another number of threads: of a probability near 1, which is what a small loss is made of, float32 keeps 2^-24
    assert found.scores.loss == pytest.approx(measured.loss, rel=1e-6, abs=2**-24)
    assert found.scores.balanced_accuracy == pytest.approx(measured.balanced_acc, rel=1e-6)


def test_the_parts_are_those_of_the_split_and_the_test_part_is_the_default(digits_run):
    rows = {part: set(overfitlab.evaluate(digits_run, part).images.rows.tolist()) for part in PARTS}
    assert sum(map(len, rows.values())) == len(set().union(*rows.values())) == 1797
    assert overfitlab.evaluate(digits_run).images.rows.tolist() == digits.load().test.tolist()


def test_against_scikit_learn(digits_run):
    found = overfitlab.evaluate(digits_run)
    labels, probabilities = found.images.labels, found.probabilities
    predicted = probabilities.argmax(axis=1)
    np.testing.assert_array_equal(labels, digits.load().labels[found.images.rows])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    document = found.as_dict()
    assert document["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert document["loss"] == pytest.approx(metrics.log_loss(labels, probabilities))
    assert document["confusion"] == metrics.confusion_matrix(labels, predicted).tolist()
    assert sum(document["calibration"]["images"]) == document["images"] == len(labels)
    assert document["precision"] == "float32"


def test_the_precision_is_honoured(digits_run):
    single, double = (overfitlab.evaluate(digits_run, precision=precision) for precision in ("float32", "float64"))
    assert double.precision == "float64"
    assert 0 < np.abs(single.log_probabilities - double.log_probabilities).max() < 1e-3


def test_it_can_be_followed(digits_run):
    told = []
    overfitlab.evaluate(digits_run, "training", listener=told.append)
    began = told.index(TaskBegan(reason("evaluating"), 1006, "images"))
    *between, ended = told[began + 1 :]
    assert ended == TaskEnded()
    assert all(isinstance(event, TaskAdvanced) for event in between)
    assert between[-1].done == 1006


def loading(monkeypatch, **changes):
    """Let every source be the digits with these changes."""
    dataset = replace(digits.load(), **changes)
    monkeypatch.setattr(loading_room, "load", lambda *_, **__: dataset)
    return dataset


def test_other_images_than_those_of_the_training_are_refused(digits_run, monkeypatch):
    images = digits.load().images.copy()
    images[0, 0, 0, 0] ^= 1
    loading(monkeypatch, images=images, pixel_hash=None)
    with refused(DataError, "images_are_others_now"):
        overfitlab.evaluate(digits_run)
    with refused(UsageError, "data_without_images_of_the_run"):
        overfitlab.evaluate(digits_run, "test", data="digits")


def test_missing_data_says_what_is_missing(own_digits_run):
    record = json.loads((own_digits_run / "run.json").read_text())
    record["data"]["source"] = "/gone/pictures"
    (own_digits_run / "run.json").write_bytes(sealed(record))
    with refused(DataError, "own_images_not_where_they_were", match="/gone/pictures"):
        overfitlab.evaluate(own_digits_run)
    moved = overfitlab.evaluate(own_digits_run, "validation", data="digits")
    assert moved.part == "validation"


def test_other_data_is_evaluated_as_a_whole_with_its_classes_found_by_name(digits_run, monkeypatch):
    whole = overfitlab.evaluate(digits_run, data="digits")
    assert whole.part == "all"
    assert whole.scores.images == 1797
    order = np.random.default_rng(0).permutation(10)
    original = digits.load()
    loading(monkeypatch, labels=order[original.labels], class_names=tuple(str(k) for k in np.argsort(order)))
    shuffled = overfitlab.evaluate(digits_run, data="x")
    np.testing.assert_array_equal(shuffled.images.labels, original.labels)
    assert shuffled.accuracy == whole.accuracy


def test_other_data_with_some_of_the_classes_is_fine(digits_run, monkeypatch):
    original = digits.load()
    rows = np.flatnonzero(original.labels >= 8)
    loading(
        monkeypatch, images=original.images[rows], labels=original.labels[rows] - 8, class_names=("8", "9"),
        test=rows[:0], pixel_hash=None,
    )  # fmt: skip
    found = overfitlab.evaluate(digits_run, data="x").as_dict()
    assert found["classes"][0]["recall"] is None
    assert found["classes"][8]["images"] == int((original.labels == 8).sum())
    assert len(found["confusion"]) == 10


def test_other_data_with_unknown_classes_or_shapes_is_refused(digits_run, monkeypatch):
    original = digits.load()
    loading(monkeypatch, class_names=("zero", *original.class_names[1:]))
    with refused(DataError, "data_has_another_class", name="zero"):
        overfitlab.evaluate(digits_run, data="x")
    loading(monkeypatch, images=np.repeat(original.images, 2, axis=1), pixel_hash=None)
    with refused(DataError, "images_of_another_size", there="16x8x1", here="8x8x1"):
        overfitlab.evaluate(digits_run, data="x")


def test_colour_is_evaluated_by_a_gray_run_as_pillow_converts_it(digits_run, monkeypatch):
    colour = np.random.default_rng(0).integers(0, 256, (1797, 8, 8, 3), dtype=np.uint8)
    loading(monkeypatch, images=colour, pixel_hash=None, source="/a/folder", name="digits")
    found = overfitlab.evaluate(digits_run, data="x")
    gray = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in colour])[..., None]
    np.testing.assert_array_equal(as_channels(colour, 1), gray)
    np.testing.assert_array_equal(as_channels(gray, 3), np.repeat(gray, 3, axis=-1))
    expected = overfitlab.predict(digits_run, scaled(gray, 16))  # a folder that is called digits has a white of 255
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
    assert evaluation_files.worst_mistakes(found)[0].picture.shape == (8, 8, 1)


def test_a_folder_that_is_called_digits_is_not_the_digits(own_digits_run):
    record = json.loads((own_digits_run / "run.json").read_text())
    record["data"]["source"] = "/somewhere/digits"
    (own_digits_run / "run.json").write_bytes(sealed(record))
    assert load_trained(load_run(own_digits_run)).brightest == 255
    with refused(UsageError, "data_dir_for_own_images", folder="photos", name="test"):
        overfitlab.evaluate(own_digits_run, data_dir="photos")
    with refused(DataError, "own_images_not_where_they_were", name="validation"):
        overfitlab.evaluate(own_digits_run, "validation")


def test_unknown_parts_are_refused(digits_run):
    with refused(UsageError, "unknown_name_like", kind="part", name="tests", near="test"):
        overfitlab.evaluate(digits_run, "tests")


@pytest.mark.slow
def test_the_files_hold_the_same_numbers(digits_run, tmp_path):
    found = overfitlab.evaluate(digits_run)
    names = evaluation_files.write(found, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(names)
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text(), parse_constant=pytest.fail)
    assert document == json.loads(json.dumps(found.as_dict()))
    rows = list(csv.DictReader((tmp_path / "out" / "per_class.csv").read_text().splitlines()))
    assert [row["class"] for row in rows] == list("0123456789")
    assert [float(row["recall"]) for row in rows] == [row["recall"] for row in document["classes"]]
    header, *lines = csv.reader((tmp_path / "out" / "confusion.csv").read_text().splitlines())
    assert header[1:] == list("0123456789")
    assert [[int(cell) for cell in line[1:]] for line in lines] == document["confusion"]
    with np.load(tmp_path / "out" / "probabilities.npz") as stored:
        assert stored["probabilities"].dtype == np.float16
        np.testing.assert_allclose(stored["probabilities"], found.probabilities, atol=1e-3)
        np.testing.assert_array_equal(stored["rows"], found.images.rows)
        np.testing.assert_array_equal(stored["labels"], found.images.labels)


@pytest.mark.slow
def test_writing_again_gives_the_same_bytes(digits_run, tmp_path):
    for folder in ("one", "two"):
        evaluation_files.write(overfitlab.evaluate(digits_run, threads=1), tmp_path / folder)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.slow
def test_a_file_in_the_place_of_the_folder_is_one_clear_error(digits_run, tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with refused(UsageError, "out_is_no_folder"):
            evaluation_files.write(overfitlab.evaluate(digits_run), place)


def test_the_worst_mistakes_come_first(digits_run):
    found = overfitlab.evaluate(digits_run)
    worst = evaluation_files.worst_mistakes(found, 8)
    assert all(mistake.true != mistake.predicted for mistake in worst)
    assert [m.true_probability for m in worst] == sorted(m.true_probability for m in worst)
    wrong = found.probabilities.argmax(axis=1) != found.images.labels
    assert worst[0].true_probability == pytest.approx(np.exp(-found.losses[wrong].max()))
    row = int(worst[0].name.removeprefix("image "))
    np.testing.assert_array_equal(worst[0].picture, digits.load().images[row])


HOSTILE = ("=1+1", "$x_1$", "<b>\n", "", "한글", "\udcff", "\N{RIGHT-TO-LEFT OVERRIDE}abc", "a,b", '"', "x" * 300)


@pytest.mark.slow
def test_hostile_class_names_reach_every_file(own_digits_run, monkeypatch, tmp_path):
    record = json.loads((own_digits_run / "run.json").read_text())
    record["data"]["classes"] = list(HOSTILE)
    (own_digits_run / "run.json").write_bytes(sealed(record))
    loading(monkeypatch, class_names=HOSTILE)
    evaluation_files.write(overfitlab.evaluate(own_digits_run, data="x"), tmp_path / "out")
    with (tmp_path / "out" / "per_class.csv").open(encoding="utf-8", newline="") as stream:
        _, *rows = csv.reader(stream)
    shown = [display_name(name) for name in HOSTILE]  # as a record has them
    assert [row[0] for row in rows] == ["'=1+1", *shown[1:]]
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert [row["class"] for row in document["classes"]] == shown


@pytest.mark.slow
def test_images_that_a_variable_named_are_found_without_it(small_cifar10, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("OVERFITLAB_DATA", str(small_cifar10))
        overfitlab.train("none", "cifar10", epochs=1, threads=1, out="run", verbose=False)
    assert overfitlab.evaluate("run", threads=1).accuracy <= 1
