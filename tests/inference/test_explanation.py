"""Explanations of files and arrays, and what is on their sheets."""

import json

import numpy as np
import pytest
from PIL import Image
from refusals import refused

import overfitlab
from overfitlab.data.sources import digits
from overfitlab.errors import UsageError


def test_files_and_arrays_have_the_same_maps(digits_run, digit_files):
    from_files = overfitlab.explain(digits_run, digit_files[:5], precision="float64")
    dataset = digits.load()
    from_array = overfitlab.explain(digits_run, dataset.images[dataset.test[:5]], precision="float64")
    predicted = overfitlab.predict(digits_run, digit_files[:5], precision="float64")
    assert from_files.layer.name == from_array.layer.name == "relu6"
    for one, other, probabilities in zip(from_files.images, from_array.images, predicted.probabilities, strict=True):
        assert one.map.shape == (2, 2)
        np.testing.assert_allclose(one.map, other.map, atol=1e-6)
        np.testing.assert_allclose(one.probabilities, probabilities, atol=1e-6)
        assert one.explained == one.predicted == probabilities.argmax()
        assert (one.map >= 0).all()
    assert from_files.brightest == 255
    assert from_array.brightest == 16
    np.testing.assert_array_equal(from_array.images[0].picture, dataset.images[dataset.test[0]])


def test_another_class_and_layer_can_be_asked_for(digits_run, digit_files):
    found = overfitlab.explain(digits_run, digit_files[:3], class_name="8", layer="relu4")
    assert {image.explained for image in found.images} == {8}
    assert {image.map.shape for image in found.images} == {(4, 4)}
    with refused(UsageError, "unknown_name_like", kind="class", name="88", near="8"):
        overfitlab.explain(digits_run, digit_files, class_name="88")
    with refused(UsageError, "unknown_layer_like", name="relu44"):
        overfitlab.explain(digits_run, digit_files, layer="relu44")
    with refused(UsageError, "arrays_of_another_kind"):
        overfitlab.explain(digits_run, np.zeros(3))


def test_pictures_keep_their_own_resolution_upright_up_to_512_pixels(digits_run, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.new("L", (1600, 400), 50).save(tmp_path / "wide.jpg", exif=exif)
    Image.new("L", (30, 40), 50).save(tmp_path / "small.png")
    found = overfitlab.explain(digits_run, [tmp_path / "wide.jpg", tmp_path / "small.png"])
    assert [image.picture.shape for image in found.images] == [(512, 128, 1), (40, 30, 1)]


def test_unreadable_files_do_not_stop_the_others(digits_run, digit_files, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    found = overfitlab.explain(digits_run, [tmp_path / "text.png", digit_files[0]])
    assert [image.file for image in found.images] == [str(digit_files[0])]
    assert [entry.file for entry in found.unreadable] == [str(tmp_path / "text.png")]


@pytest.mark.slow
def test_sheets_of_twelve_are_drawn_and_numbers_are_json(digits_run, digit_files):
    found = overfitlab.explain(digits_run, digit_files)
    assert found.sheets == 3
    drawn = [axes for axes in found.figure(3).axes if axes.get_images()]
    assert len(drawn) >= 2 * 6
    assert found._repr_png_().startswith(b"\x89PNG")
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert document["layer"] == {"name": "relu6", "channels": 128, "height": 2, "width": 2}
    assert len(document["images"]) == 30
    assert np.shape(document["images"][0]["map"]) == (2, 2)


def test_an_empty_map_is_said_to_be_empty(digits_run):
    found = overfitlab.explain(digits_run, digits.load().images[:1])
    image = found.images[0]
    empty = type(image)(image.file, image.probabilities, image.explained, image.map * 0, image.picture)
    assert empty.nothing_found
    drawn = type(found)([empty], found.layer, found.class_names, [], 16).figure()
    assert "the map is zero everywhere" in [axes.get_xlabel() for axes in drawn.axes]
