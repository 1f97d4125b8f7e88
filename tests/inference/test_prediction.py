"""Predictions of files and arrays: the right ones, in order, whatever the files are."""

import io
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

import overfitlab
from overfitlab.api.predicting import predict_and_write
from overfitlab.data.sources import digits
from overfitlab.errors import CancelledError, DataError, UsageError
from overfitlab.events import Listener, TaskAdvanced, TaskBegan, TaskEnded
from overfitlab.inference import pictures, prediction
from overfitlab.inference.trained import load_trained
from overfitlab.reasons import Reason
from overfitlab.runs.run import load_run
from overfitlab.words.language import ENGLISH


def test_files_are_predicted_as_the_same_images_of_the_dataset(digits_run, digit_files):
    evaluated = overfitlab.evaluate(digits_run)
    found = overfitlab.predict(digits_run, digit_files)
    assert found.files == [str(path) for path in digit_files]
    np.testing.assert_allclose(found.probabilities, evaluated.probabilities[:30], atol=1e-5)
    assert found.class_names == tuple("0123456789")
    assert found.classes == [str(k) for k in evaluated.probabilities[:30].argmax(axis=1)]
    assert not found.unreadable
    assert len(found) == 30


def test_arrays_are_predicted_as_files_are(digits_run, digit_files):
    dataset = digits.load()
    images = dataset.images[dataset.test[:30]]
    from_files = overfitlab.predict(digits_run, digit_files)
    for array in (images, images[..., 0], np.asfortranarray(images), images[::-1][::-1]):
        found = overfitlab.predict(digits_run, array)
        np.testing.assert_allclose(found.probabilities, from_files.probabilities, atol=1e-5)
    assert found.files[:2] == ["image 0", "image 1"]
    one = overfitlab.predict(digits_run, images[3])
    np.testing.assert_allclose(one.probabilities[0], from_files.probabilities[3], atol=1e-5)
    read_only = images.copy()
    read_only.flags.writeable = False
    assert len(overfitlab.predict(digits_run, read_only)) == 30
    assert overfitlab.predict(digits_run, images[:0]).probabilities.shape == (0, 10)


def test_whatever_an_image_is_it_is_predicted_as_its_file_is(digits_run, digit_files):
    dataset = digits.load()
    images = dataset.images[dataset.test[:6]]
    expected = overfitlab.predict(digits_run, digit_files[:6]).probabilities
    pictures = [Image.open(file) for file in digit_files[:6]]
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    forms = {
        "pictures": pictures,
        "in colour": [picture.convert("RGB") for picture in pictures],
        "fractions": images / 16,
        "single fractions": (images / 16).astype(np.float32),
        "floats": images.astype(np.float64),
        "tensors": tensor,
        "tensors of fractions": tensor / 16,
        "half precision": (tensor / 16).to(torch.bfloat16),
        "a list of tensors": list(tensor),
        "coloured tensors": tensor.repeat(1, 3, 1, 1),
        "coloured arrays": np.repeat(images, 3, axis=3),
        "some of each": [digit_files[0], images[1], pictures[2], str(digit_files[3]), tensor[4:6]],
    }
    for name, given in forms.items():
        np.testing.assert_allclose(
            overfitlab.predict(digits_run, given).probabilities, expected, atol=1e-5, err_msg=name
        )
    run = overfitlab.load_run(digits_run)
    np.testing.assert_allclose(run.predict(forms["some of each"], threads=1).probabilities, expected, atol=1e-5)
    found = run.predict(forms["some of each"])
    assert found.files == [str(digit_files[0]), "image 1", "image 2", str(digit_files[3]), "image 4", "image 5"]
    for picture in pictures:
        picture.close()
    explained = overfitlab.explain(digits_run, [images[1], digit_files[1]])
    assert [image.file for image in explained.images] == ["image 0", str(digit_files[1])]
    np.testing.assert_allclose(explained.images[0].map, explained.images[1].map, atol=1e-4)
    assert np.abs(explained.images[0].picture.astype(int) - explained.images[1].picture).max() <= 8
    assert explained.brightest == 255


def test_arrays_and_pictures_of_another_size_are_resized_as_files_are(digits_run, tmp_path):
    plain = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 24), dtype=np.uint8))
    plain.save(tmp_path / "x.png")
    expected = overfitlab.predict(digits_run, tmp_path / "x.png").probabilities
    np.testing.assert_allclose(overfitlab.predict(digits_run, plain).probabilities, expected, atol=1e-5)
    fractions = torch.from_numpy(np.asarray(plain) / 255)[None]
    np.testing.assert_allclose(overfitlab.predict(digits_run, fractions).probabilities, expected, atol=0.05)


def test_arrays_a_little_beyond_the_scale_are_cut_off_and_not_rounded_to_black_and_white(digits_run, digit_files):
    images = np.random.default_rng(2).integers(0, 17, (4, 8, 8), dtype=np.uint8)
    expected = overfitlab.predict(digits_run, images).probabilities
    for factor in (1.0000001, 1.02):
        beyond = overfitlab.predict(digits_run, images / 16 * factor).probabilities
        np.testing.assert_array_equal(
            beyond, overfitlab.predict(digits_run, np.minimum(images / 16 * factor, 1)).probabilities
        )
    np.testing.assert_allclose(overfitlab.predict(digits_run, images / 16 - 1e-3).probabilities, expected, atol=1e-6)


def test_arrays_of_more_bits_are_read_as_in_training(tmp_path):
    rng = np.random.default_rng(3)
    levels = rng.integers(0, 4096, (40, 8, 8), dtype=np.uint16)
    levels[0, 0, 0] = 4095
    labels = np.arange(40) % 2
    run = overfitlab.train("none", (levels, labels), protocol="quick", epochs=1, out=tmp_path / "run", threads=1)
    eight = np.rint(levels * (255 / 4095)).astype(np.uint8)
    expected = run.predict(eight).probabilities
    for name, given in {"dark": levels // 20, "all": levels}.items():
        whole = np.rint(given * (255 / 4095)).astype(np.uint8)
        np.testing.assert_array_equal(run.predict(given).probabilities, run.predict(whole).probabilities, err_msg=name)
    np.testing.assert_array_equal(run.predict(levels.astype(np.int64)).probabilities, expected)
    np.testing.assert_array_equal(run.predict(levels.astype(np.float64)).probabilities, expected)
    for kind in (np.int32, np.float32):  # a dark one alone could be on either scale
        with refused(UsageError, "array_on_either_scale", white=4095):
            run.predict((levels // 20).astype(kind))
    np.testing.assert_allclose(run.predict(levels / 4095).probabilities, expected, atol=1e-6)
    with refused(UsageError, "array_too_bright", high=65535.0, most=4095):
        run.predict(np.full((8, 8), 65535, dtype=np.uint16))


def test_a_picture_that_cannot_be_decoded_is_named(digits_run, tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:900])
    with Image.open(path) as broken:
        found = overfitlab.predict(digits_run, [np.zeros((8, 8), np.uint8), broken])
    assert (found.files, [entry.file for entry in found.unreadable]) == (["image 0"], ["image 1"])


@pytest.mark.parametrize(
    ("given", "code", "values"),
    [
        (np.zeros(64, dtype=np.uint8), "arrays_of_another_kind", {"found": "an array uint8 [64]"}),
        (np.zeros((8, 0)), "arrays_of_another_kind", {}),
        (np.zeros((1, 4, 8, 8)), "arrays_of_another_kind", {"height": 8, "width": 8, "channels": 1}),
        (np.zeros((8, 8), dtype=complex), "arrays_of_another_kind", {}),
        (np.full((8, 8), -1.0), "images_were_standardized", {"low": -1.0}),
        (np.full((8, 8), np.nan), "images_not_finite", {"row": 0}),
        (np.full((8, 8), 300), "array_too_bright", {"high": 300.0, "most": 255}),
        (5, "nothing_to_look_at", {"value": "5"}),
        ([None], "nothing_to_look_at", {"value": "None"}),
        (b"x.png", "nothing_to_look_at", {}),
        ({"a": 1}, "nothing_to_look_at", {}),
    ],
)
def test_what_is_no_image_is_one_line(digits_run, given, code, values):
    with refused(UsageError, code, **values):
        overfitlab.predict(digits_run, given)


def test_a_file_of_predictions_stays_where_nothing_can_be_predicted(digits_run, tmp_path):
    out = tmp_path / "old.csv"
    out.write_text("mine\n")
    with refused(DataError, "nothing_predicted"):
        predict_and_write(digits_run, [tmp_path / "gone.png"], out=out, output=sys.stdout, errors=io.StringIO())
    assert out.read_text() == "mine\n"


def test_unreadable_files_do_not_stop_the_others(digits_run, digit_files, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty").mkdir()
    given = [digit_files[0], tmp_path / "gone.png", tmp_path / "text.png", digit_files[1], tmp_path / "empty"]
    found = overfitlab.predict(digits_run, given)
    assert found.files == [str(digit_files[0]), str(digit_files[1])]
    assert [(entry.file, ENGLISH.reason(entry.reason)) for entry in found.unreadable] == [
        (str(tmp_path / "gone.png"), "no such file or directory"),
        (str(tmp_path / "text.png"), "it is not an image of a known format"),
        (str(tmp_path / "empty"), "the folder holds no image files"),
    ]
    assert found.probabilities.shape == (2, 10)
    nothing = overfitlab.predict(digits_run, tmp_path / "gone.png")
    assert nothing.probabilities.shape == (0, 10)
    assert len(nothing.unreadable) == 1


def test_a_name_that_cannot_be_used_does_not_stop_the_others(digits_run, digit_files, monkeypatch):
    found = overfitlab.predict(digits_run, ["x" * 300, digit_files[0]])
    assert found.files == [str(digit_files[0])]
    assert found.unreadable[0].file == "x" * 300
    assert "too long" in found.unreadable[0].reason.message

    def refused(self, is_dir=Path.is_dir):
        if "locked" in str(self):
            raise PermissionError(13, "Permission denied", str(self))
        return is_dir(self)

    monkeypatch.setattr(Path, "is_dir", refused)
    assert overfitlab.predict(digits_run, ["locked/x.png"]).unreadable[0].file == "locked/x.png"


def test_a_folder_stands_for_all_images_below_it_at_its_place(digits_run, digit_files, tmp_path):
    (tmp_path / "a" / "deep").mkdir(parents=True)
    for place in ("a/2.png", "a/deep/1.png"):
        Image.new("L", (20, 30), 99).save(tmp_path / place)
    found = overfitlab.predict(digits_run, [digit_files[5], tmp_path / "a", digit_files[4]])
    assert found.files == [
        str(digit_files[5]), str(tmp_path / "a/2.png"), str(tmp_path / "a/deep/1.png"), str(digit_files[4])
    ]  # fmt: skip


def test_names_that_look_the_same_are_found(digits_run, digit_files, tmp_path):
    """Typed on a keyboard, and written by macOS."""
    folder = tmp_path / unicodedata.normalize("NFD", "숫자")
    folder.mkdir()
    digit_files[0].rename(folder / unicodedata.normalize("NFD", "é.png"))
    found = overfitlab.predict(digits_run, [tmp_path / "숫자" / "é.png", tmp_path / "숫자"])
    assert len(found) == 2
    assert not found.unreadable


def test_images_of_any_size_and_mode_are_resized_as_in_training(digits_run, tmp_path):
    plain = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 24), dtype=np.uint8))
    plain.save(tmp_path / "gray.png")
    plain.convert("RGB").save(tmp_path / "rgb.png")
    found = overfitlab.predict(digits_run, [tmp_path / "gray.png", tmp_path / "rgb.png"])
    np.testing.assert_allclose(found.probabilities[0], found.probabilities[1], atol=1e-5)
    small = np.asarray(plain.resize((8, 8), Image.Resampling.BILINEAR))
    array = np.rint(small * (16 / 255)).astype(np.uint8)
    np.testing.assert_allclose(overfitlab.predict(digits_run, array).probabilities, found.probabilities[:1], atol=1e-5)


def test_many_files_come_in_order_in_small_batches(digits_run, digit_files, monkeypatch):
    trained = load_trained(load_run(digits_run))
    whole = overfitlab.predict(digits_run, digit_files)
    monkeypatch.setattr("overfitlab.inference.trained.LARGEST_BATCH", 7)
    paths = pictures.expand(digit_files * 3)
    gap = pictures.Unreadable("x", Reason("because"))
    paths.insert(10, gap)
    outcomes = list(prediction.stream(trained, paths))
    assert outcomes.pop(10) == gap
    assert [outcome.file for outcome in outcomes] == whole.files * 3
    np.testing.assert_allclose(
        [outcome.probabilities for outcome in outcomes], np.tile(whole.probabilities, (3, 1)), atol=1e-5
    )


def test_files_are_read_only_a_little_ahead(digits_run, digit_files, monkeypatch):
    """What keeps the memory bounded: of 3,000 files few are read before the first prediction is taken."""
    trained = load_trained(load_run(digits_run), threads=1)
    monkeypatch.setattr("overfitlab.inference.trained.LARGEST_BATCH", 10)
    read = []
    original = pictures.read_images

    def counted(paths, *others):
        for image in original(paths, *others):
            read.append(1)
            yield image

    monkeypatch.setattr(pictures, "read_images", counted)
    outcomes = prediction.stream(trained, pictures.expand(digit_files * 100))
    for _ in range(15):
        next(outcomes)
    outcomes.close()
    assert 10 <= len(read) <= 60


def test_an_error_while_reading_reaches_the_caller(digits_run, digit_files, monkeypatch):
    def broken(*_):
        raise MemoryError
        yield

    monkeypatch.setattr(pictures, "read_images", broken)
    with pytest.raises(MemoryError):
        overfitlab.predict(digits_run, digit_files)


def test_a_listener_is_told_and_can_end_it(digits_run, digit_files):
    for work, given in ((overfitlab.predict, digit_files[0].parent), (overfitlab.explain, digit_files[0].parent)):
        heard = []
        work(digits_run, given, listener=heard.append)
        began, *advanced, ended = heard
        assert (type(began), type(ended)) == (TaskBegan, TaskEnded)
        assert [event.done for event in advanced] == list(range(1, began.total + 1))
        listener = Listener()
        listener.cancel()
        with pytest.raises(CancelledError):
            work(digits_run, given, listener=listener)


def test_a_listener_is_told_of_arrays_too(digits_run):
    heard = []
    overfitlab.predict(digits_run, np.zeros((3, 8, 8, 1), dtype=np.uint8), listener=heard.append)
    assert [type(event) for event in heard] == [TaskBegan, *[TaskAdvanced] * 3, TaskEnded]
