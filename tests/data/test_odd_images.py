"""Images that decoders stumble over, files that stand for others, and images of cameras with 12 bits."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from refusals import refused

from overfitlab.data import loading
from overfitlab.data.prepare.images import image_size, is_gray, of_sixteen_bits, read_image
from overfitlab.data.prepare.unreadable import UnreadableImageError
from overfitlab.errors import DataError
from overfitlab.reasons import reason

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunks(path: Path, *chunks: bytes, at_the_end: bool = False) -> Path:
    """Save `PIXELS` as a PNG with further chunks before its pixels, or after them."""
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "PNG")
    content = stream.getvalue()
    place = content.index(b"IEND") - 4 if at_the_end else content.index(b"IDAT") - 4
    path.write_bytes(content[:place] + b"".join(chunks) + content[place:])
    return path


@pytest.mark.parametrize("megabytes", [2, 40])
@pytest.mark.parametrize("at_the_end", [False, True])
def test_what_a_png_says_besides_its_pixels_is_no_damage(tmp_path, megabytes, at_the_end):
    text = zlib.compress(b"\0" * (megabytes * 2**20))
    for name, content in (
        ("profile", chunk(b"iCCP", b"icc\0\0" + text)),
        ("xmp", chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + text)),
        ("texts", b"".join(chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 2**20)) for _ in range(megabytes * 2))),
    ):
        path = with_chunks(tmp_path / f"{name}.png", content, at_the_end=at_the_end)
        np.testing.assert_array_equal(read_image(path, (20, 30), 3), PIXELS)
        assert image_size(path) == (20, 30)
        assert is_gray(path) is False


def test_pillow_is_left_as_it_was(tmp_path):
    """A limit of the user's own program is none of ours to lift."""
    before = PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY
    path = with_chunks(tmp_path / "x.png", chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"\0" * 2**22)))
    read_image(path, (20, 30), 3)
    assert before == (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY)
    with pytest.raises(ValueError, match="MAX_TEXT"):
        Image.open(path)


def test_a_png_whose_orientation_and_transparency_matter_keeps_them(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("P", (30, 20)).save(tmp_path / "x.png", exif=exif, transparency=0, icc_profile=b"\0" * 2**21)
    assert image_size(tmp_path / "x.png") == (30, 20)
    assert read_image(tmp_path / "x.png", (30, 20), 3).min() == 255


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "file_is_lfs_pointer"),
        (b"/annex/objects/SHA256E-s1--00.jpg\n", "file_is_annex_pointer"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "image_is_web_page"),
        (b"\xef\xbb\xbf<HTML>", "image_is_web_page"),
        (b"\0" * 5000, "image_of_zeros"),
        (b"\xff\xd8\xff\xd8" + b"\xff" * 100, "image_damaged"),
        (b"GIF89a", "image_damaged"),
        (b"hello", "image_format_unknown"),
    ],
)
def test_what_is_no_image_is_called_what_it_is(tmp_path, content, code):
    (tmp_path / "x.jpg").write_bytes(content)
    with refused(UnreadableImageError, code):
        read_image(tmp_path / "x.jpg", (8, 8), 3)


def test_links_to_what_is_not_there(tmp_path):
    (tmp_path / "x.jpg").symlink_to("gone.jpg")
    (tmp_path / "y.jpg").symlink_to("../.git/annex/objects/aa/bb/SHA256E-s1--00.jpg/SHA256E-s1--00.jpg")
    for name, code in (("x", "link_leads_nowhere"), ("y", "file_is_annex_pointer")):
        with refused(UnreadableImageError, code):
            read_image(tmp_path / f"{name}.jpg", (8, 8), 3)


def scans(root: Path, high: int, *, ending: str = "png", kinds: str = "ab", count: int = 4) -> Path:
    """Write gray images of 16 bits, the brightest pixel of all of them at that level."""
    for kind in kinds:
        (root / kind).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            levels = RNG.integers(0, high // 2, (32, 32)).astype(np.uint16)
            if kind == "a" and number == 2:
                levels[5, 5] = high
            Image.fromarray(levels).save(root / kind / f"{number}.{ending}")
    return root


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize(("high", "white"), [(200, 255), (1000, 1023), (4095, 4095), (9000, 16383), (40000, 65535)])
def test_images_of_cameras_with_fewer_bits_are_not_nearly_black(tmp_path, ending, high, white):
    data = loading.load(str(scans(tmp_path / "x", high, ending=ending)))
    row = list(data.image_names).index(f"a/2.{ending}")
    with Image.open(tmp_path / "x" / "a" / f"2.{ending}") as image:
        stored = np.asarray(image).astype(float)
    assert np.abs(data.images[row, ..., 0] - stored * 255 / white).max() <= 0.5 + 1e-9
    assert data.white == white
    noted = (reason("sixteen_bits_of_fewer", files=8, white=white),)
    assert data.notes == (() if white == 65535 else noted)
    assert loading.load(str(tmp_path / "x")).notes == data.notes  # out of the cache


def test_images_to_evaluate_are_read_as_those_of_the_training(tmp_path):
    """A dark set by itself would be taken for one of a camera with fewer bits."""
    scans(tmp_path / "x", 900)
    given = loading.load(str(tmp_path / "x"), trainable=False, white=4095)
    alone = loading.load(str(tmp_path / "x"), trainable=False)
    assert (given.white, alone.white) == (4095, 1023)
    assert given.images.max() == round(900 * 255 / 4095)


@pytest.mark.parametrize(("low", "high", "bright"), [(30000, 31000, False), (0, 4096, True)])
def test_rounding_sixteen_bits_to_next_to_nothing_is_refused(tmp_path, low, high, bright):
    """Images of a warm camera, and such as are dark beside one pixel."""
    root = tmp_path / "x"
    for name in "ab":
        (root / name).mkdir(parents=True)
        for number in range(6):
            levels = RNG.integers(low, high, (48, 48)).astype(np.uint16)
            if bright and (name, number) == ("a", 1):
                levels[0, 0] = 65535
            Image.fromarray(levels).save(root / name / f"{number}.png")
    with refused(DataError, "few_levels_would_be_left", image="a/0.png", images=12, lost=12, white=65535):
        loading.load(str(root))
    data = loading.load(str(root), trainable=False, white=65535)  # as a network was trained: looked at, and said
    assert {note.code for note in data.notes} >= {"few_levels_left"}


def test_what_is_right_as_it_is_is_not_refused(tmp_path):
    """A class that is nearly black beside one that is not, lines with a little noise, flat and binary images."""
    kinds = {
        "cells": lambda: RNG.integers(0, 65536, (32, 32)),
        "empty": lambda: 900 + RNG.integers(-60, 60, (32, 32)),
        "lines": lambda: np.where(np.arange(32) % 8 == 0, 8000, 60000) + RNG.integers(-150, 150, (32, 32)),
        "flat": lambda: np.full((32, 32), RNG.integers(65536)),
        "binary": lambda: 65535 * RNG.integers(0, 2, (32, 32)),
    }
    for name, made in kinds.items():
        (tmp_path / "x" / name).mkdir(parents=True)
        for number in range(10):
            Image.fromarray(made().astype(np.uint16)).save(tmp_path / "x" / name / f"{number}.png")
    (note,) = loading.load(str(tmp_path / "x")).notes
    assert (note.code, note.values["where"], note.values["lost"]) == ("few_levels_left", "empty", 10)


def test_images_of_sixteen_bits_that_are_dark_are_said(tmp_path):
    root = scans(tmp_path / "x", 65535, kinds="abc", count=6)
    Image.fromarray(RNG.integers(0, 4000, (24, 24)).astype(np.uint16)).save(root / "b" / "3.png")
    (note,) = [note for note in loading.load(str(root)).notes if note.code != "images_resized"]
    assert (note.code, note.values["image"], note.values["where"]) == ("few_levels_left", "b/3.png", "b")


def test_masks_of_zeros_and_ones_are_said_to_be_nearly_black(tmp_path):
    root = tmp_path / "masks"
    for name in "ab":
        (root / name).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(RNG.integers(0, 2, (32, 32)).astype(np.uint8)).save(root / name / f"{number}.png")
    (note,) = loading.load(str(root)).notes
    assert (note.code, note.values["low"], note.values["high"]) == ("few_levels_used", 0, 1)


def test_eight_bits_beside_sixteen_stay_as_they_are(tmp_path):
    scans(tmp_path / "x", 4095)
    gray = PIXELS[..., 0]
    Image.fromarray(gray).save(tmp_path / "x" / "b" / "8bit.png")
    data = loading.load(str(tmp_path / "x"), image_size=(20, 30))
    np.testing.assert_array_equal(data.images[list(data.image_names).index("b/8bit.png"), ..., 0], gray)


def deep_colour(path: Path, levels: np.ndarray) -> None:
    """Write a PNG of 16 bits a colour, which Pillow cannot write; `levels` is [H, W, 3]."""
    height, width, _ = levels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def test_colours_of_sixteen_bits_are_their_upper_eight_or_refused(tmp_path):
    for folder, high in (("full", 65536), ("dim", 4096)):
        for kind in "ab":
            for number in range(4):
                deep_colour(tmp_path / folder / kind / f"{number}.png", RNG.integers(0, high, (9, 9, 3)))
    first = tmp_path / "full" / "a" / "0.png"
    assert of_sixteen_bits([first]) == ([], [first])
    assert loading.load(str(tmp_path / "full")).images.max() > 200
    with refused(DataError, "colours_in_the_lower_bits", files=8):
        loading.load(str(tmp_path / "dim"))
    cache = Path(os.environ["HOME"]) / ".cache" / "overfitlab" / "images"
    assert [entry.name for entry in cache.iterdir() if "dim" in entry.name] == []


def test_the_size_before_is_said_where_nobody_asked_for_another(tmp_path):
    for kind in "ab":
        (tmp_path / "x" / kind).mkdir(parents=True)
        for number in range(5):
            Image.fromarray(RNG.integers(0, 256, (143 + number, 138 + number), dtype=np.uint8)).save(
                tmp_path / "x" / kind / f"{number}.png"
            )
    assert loading.load(str(tmp_path / "x")).notes == (
        reason("images_resized", before="145x140", after="32x32"),
    )  # fmt: skip
    assert loading.load(str(tmp_path / "x"), image_size=(48, 48)).notes == ()


@pytest.mark.parametrize(
    ("spoil", "code", "values"),
    [
        (lambda x: [path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n") for path in x.glob("*/*.png")],
         "class_unreadable", {"name": "a", "files": 4, "file": "a/0.png"}),
        (lambda x: [path.write_bytes(b"") for path in x.glob("b/*.png")],
         "class_unreadable", {"name": "b", "file": "b/0.png", "reason": "it is empty"}),
        (lambda x: [path.write_bytes(b"") for path in x.glob("b/[123].png")],
         "class_of_few_readable", {"name": "b", "files": 4, "count": 1, "file": "b/1.png"}),
        (lambda x: [path.rename(path.with_suffix(".raw")) for path in x.glob("b/*.png")],
         "class_of_other_files", {"name": "b", "files": 4, "file": "b/0.raw"}),
        (lambda x: [path.unlink() for path in x.glob("b/*.png")], "class_without_images", {"name": "b"}),
        (lambda x: [path.rename(path.with_suffix("")) for path in x.glob("*/*.png")],
         "folder_of_other_files", {"files": 8, "file": "a/0"}),
        (lambda x: [Image.new("L", (9, 9), 7).save(path) for path in x.glob("b/*.png")],
         "class_of_blanks", {"name": "b", "size": "32x32"}),
    ],
)  # fmt: skip
def test_a_class_that_cannot_be_trained_on_says_why(tmp_path, spoil, code, values):
    spoil(scans(tmp_path / "x", 65535))
    with refused(DataError, code, **values) as caught:
        loading.load(str(tmp_path / "x"))
    assert "\n" not in str(caught.value)


def test_a_part_that_cannot_be_read_says_why(tmp_path):
    for part in ("train", "test"):
        scans(tmp_path / "x" / part, 65535)
    for path in (tmp_path / "x" / "test").glob("*/*.png"):
        path.write_bytes(b"<html>")
    with refused(DataError, "part_unreadable", part="test", files=8, file="test/a/0.png"):
        loading.load(str(tmp_path / "x"))


def test_a_folder_to_evaluate_of_which_nothing_can_be_read(tmp_path):
    for path in scans(tmp_path / "x", 65535, kinds="a").glob("*/*.png"):
        path.write_bytes(b"")
    with refused(DataError, "no_image_readable", count=4, file="a/0.png", reason="it is empty"):
        loading.load(str(tmp_path / "x"), trainable=False)
