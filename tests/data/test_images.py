"""Image files of all kinds, and files that only claim to be images."""

import contextlib
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from overfitlab.data.prepare import decoders
from overfitlab.data.prepare.found_files import image_files
from overfitlab.data.prepare.images import image_size, read_image, read_images
from overfitlab.data.prepare.unreadable import UnreadableImageError
from overfitlab.display import display_name

RNG = np.random.default_rng(0)
SMOOTH = np.add.outer(np.arange(40), np.arange(56))[..., None] * np.array([1, 2, 2.5]) % 256  # [40, 56, 3]
PHOTO = Image.fromarray(SMOOTH.astype(np.uint8))


def png(width: int, height: int) -> bytes:
    """Return a PNG that promises that many gray pixels in a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "ppm", "webp", "gif", "jpg", "jp2", "avif"])
def test_every_common_format_gives_the_same_picture(tmp_path, ending):
    lossless = {"webp": {"lossless": True}, "jpg": {"quality": 98}, "avif": {"quality": 98}}
    PHOTO.save(tmp_path / f"photo.{ending}", **lossless.get(ending, {}))
    found = read_image(tmp_path / f"photo.{ending}", (40, 56), 3)
    assert found.shape == (40, 56, 3)
    assert found.dtype == np.uint8
    if ending in ("png", "bmp", "tif", "ppm", "webp"):
        np.testing.assert_array_equal(found, np.asarray(PHOTO))
    else:
        assert np.abs(found.astype(int) - np.asarray(PHOTO)).mean() < 12  # GIF has 256 colours only


def test_a_file_of_the_right_size_is_taken_bit_for_bit(tmp_path):
    pixels = RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    np.testing.assert_array_equal(read_image(tmp_path / "x.png", (32, 32), 3), pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(40, 56), (16, 24)])
def test_exif_orientation_is_respected(tmp_path, orientation, size):
    """Every file is stored so that it stands upright once its orientation is applied."""
    undo = {1: None, 2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90",
            7: "TRANSVERSE", 8: "ROTATE_270"}[orientation]  # fmt: skip
    stored = PHOTO.transpose(Image.Transpose[undo]) if undo else PHOTO
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    PHOTO.save(tmp_path / "upright.png")
    turned, upright = (read_image(tmp_path / f"{name}.png", size, 3).astype(int) for name in ("turned", "upright"))
    assert np.abs(turned - upright).max() <= 1  # resizing rounds


@pytest.mark.parametrize("stored", [np.uint16, np.dtype(">u2")])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bit_gray_is_scaled_to_eight_bits(tmp_path, stored, ending):
    levels = np.array([[0, 257], [65535, 128 * 257]], dtype=np.uint16)
    Image.fromarray(levels.astype(stored)).save(tmp_path / f"deep.{ending}")
    assert read_image(tmp_path / f"deep.{ending}", (2, 2), 1)[..., 0].tolist() == [[0, 1], [255, 128]]
    assert read_image(tmp_path / f"deep.{ending}", (2, 2), 3)[1, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "LAB", "RGBA", "LA", "PA", "RGBX"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_gray_or_rgb(tmp_path, mode, channels):
    kinds = {"CMYK": "tif", "YCbCr": "tif", "LAB": "tif", "PA": "tif", "RGBX": "tif"}
    image = PHOTO.convert("P").convert("PA") if mode == "PA" else None
    if mode == "LAB":
        from PIL import ImageCms

        lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        image = ImageCms.applyTransform(PHOTO, lab)
    image = image or PHOTO.convert(mode)
    path = tmp_path / f"x.{kinds.get(mode, 'png')}"
    try:
        image.save(path)
    except OSError:
        pytest.skip(f"Pillow cannot write {mode}")
    found = read_image(path, (40, 56), channels).astype(int)
    seen = PHOTO.convert(mode) if mode in ("1", "L") else PHOTO.convert("L") if mode == "LA" else PHOTO
    expected = np.asarray(seen.convert("L" if channels == 1 else "RGB")).reshape(40, 56, channels).astype(int)
    of_few_colours = mode in ("P", "PA")
    assert np.abs(found - expected).mean() < (30 if of_few_colours else 4)


def test_what_is_transparent_is_shown_over_white(tmp_path):
    pixels = np.zeros((2, 2, 4), dtype=np.uint8)
    pixels[0, 0, 3], pixels[0, 1, 3] = 255, 128
    Image.fromarray(pixels).save(tmp_path / "rgba.png")
    assert read_image(tmp_path / "rgba.png", (2, 2), 3)[..., 0].tolist() == [[0, 127], [255, 255]]
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.putpixel((0, 0), 0)
    palette.save(tmp_path / "p.gif", transparency=1)
    assert read_image(tmp_path / "p.gif", (2, 2), 1)[..., 0].tolist() == [[0, 255], [255, 255]]


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tif"])
def test_an_animation_is_its_first_frame(tmp_path, ending):
    frames = [Image.new("RGB", (8, 8), (shade, shade, shade)) for shade in (200, 100, 0)]
    options = {"webp": {"lossless": True}}.get(ending, {})
    frames[0].save(tmp_path / f"x.{ending}", save_all=True, append_images=frames[1:], **options)
    assert set(read_image(tmp_path / f"x.{ending}", (8, 8), 3).ravel().tolist()) == {200}


def test_shrinking_averages_instead_of_picking_pixels(tmp_path):
    """A fine checkerboard becomes gray; without an antialiasing filter it would become black, white or moire."""
    board = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "board.png")
    found = read_image(tmp_path / "board.png", (32, 32), 1)
    assert found.min() > 120
    assert found.max() < 135


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def saved(kind: str, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "image_file_empty"),
        (b"hello, this is text", "image_format_unknown"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_format_unknown"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image_format_unknown"),  # Ghostscript is never started
        (saved("JPEG")[:1500], "image_unreadable"),
        (saved("PNG")[:3000], "image_unreadable"),
        (saved("WEBP")[:1000], "image_unreadable"),
        (saved("TIFF")[:2000], "image_unreadable"),
        (saved("BMP")[:2000], "image_unreadable"),
        (png(60_000, 60_000), "image_has_too_many_pixels"),
        (png(9_500, 9_500), "image_has_too_many_pixels"),
        (png(5_000, 5_000), "image_unreadable"),  # not too large, but there are fewer rows than promised
    ],
)
def test_what_cannot_be_read_says_why(tmp_path, content, code):
    with refused(UnreadableImageError, code) as caught:
        read_image(write(tmp_path / "x.jpg", content), (32, 32), 3)
    assert "\n" not in str(caught.value)


def test_pixels_without_a_range_are_refused(tmp_path):
    for name, kind in (("int", np.int32), ("float", np.float32)):
        Image.fromarray(np.full((4, 4), 300, dtype=kind)).save(tmp_path / f"{name}.tif")
        with refused(UnreadableImageError, "image_of_32_bits"):
            read_image(tmp_path / f"{name}.tif", (4, 4), 1)


def test_pipes_folders_and_missing_files_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", tmp_path):
        with refused(UnreadableImageError, "image_is_no_file"):
            read_image(path, (8, 8), 3)
    with refused(UnreadableImageError, "image_unreadable", reason="no such file or directory"):
        read_image(tmp_path / "no.png", (8, 8), 3)


def test_damaged_bytes_never_do_more_than_make_a_file_unreadable(tmp_path):
    rng = np.random.default_rng(1)
    read = 0
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "PPM", "AVIF"):
        good = np.frombuffer(saved(kind), dtype=np.uint8)
        for _ in range(25):
            bad = good.copy()
            bad[rng.integers(0, len(bad), 8)] = rng.integers(0, 256, 8)
            with contextlib.suppress(UnreadableImageError):
                assert read_image(write(tmp_path / "x", bad.tobytes()), (16, 16), 3).shape == (16, 16, 3)
                read += 1
    assert read > 20  # many such images still open: the test did exercise the decoders


def test_a_bomb_costs_little_memory(tmp_path):
    write(tmp_path / "bomb.png", png(60_000, 60_000))
    code = (
        "from overfitlab.machine import peak_memory_mb\n"
        "from pathlib import Path\nfrom overfitlab.data.prepare.images import *\n"
        "before = peak_memory_mb()\n"
        "try: read_image(Path('bomb.png'), (32, 32), 3)\n"
        "except UnreadableImageError: pass\n"
        "print(peak_memory_mb() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50  # MB; decoded it would be 3.6 GB


def test_many_images_come_in_order_with_their_errors(tmp_path):
    paths = []
    for number in range(100):
        path = tmp_path / f"{number}.png"
        if number % 10 == 3:
            path.write_bytes(b"no image")
        else:
            Image.new("L", (8, 8), number).save(path)
        paths.append(path)
    for number, found in enumerate(read_images(paths, (8, 8), 1, threads=4)):
        if number % 10 == 3:
            assert isinstance(found, UnreadableImageError)
        else:
            assert set(found.ravel().tolist()) == {number}


def test_reading_can_be_left_early(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "x.png")
    reading = read_images([tmp_path / "x.png"] * 10_000, (8, 8), 1)
    next(reading)
    reading.close()  # returns at once; 10,000 images would not have to be read


def test_files_are_found_once_sorted_and_hidden_ones_are_left_out(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.png", "sub/c.webp", ".git/d.png", "noending"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "z.png").symlink_to("z.png")  # to itself
    found, others = image_files(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.png", "b.JPG", "sub/c.webp", "z.png"]
    assert [path.name for path in others] == ["noending", "notes.txt"]
    with refused(UnreadableImageError, "image_unreadable", match="symbolic links"):
        read_image(tmp_path / "z.png", (8, 8), 3)


def test_odd_names_are_read_and_shown_on_one_line(tmp_path):
    raw = os.fsencode(tmp_path) + b"/a\nb\x1b[31m\xff\xe2\x80\xae.png"
    try:
        with open(raw, "wb") as stream:  # noqa: PTH123 - a path of bytes
            Image.new("L", (8, 8), 7).save(stream, "PNG")
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    (path,), _ = image_files(tmp_path)
    assert read_image(path, (8, 8), 1).max() == 7
    shown = display_name(path.name)
    assert shown == "a\\nb\\x1b[31m\\udcff\\u202e.png"
    shown.encode()  # not a surrogate left


def test_heif_under_another_name_is_told_what_reads_it(tmp_path, monkeypatch):
    monkeypatch.setattr("overfitlab.data.prepare.images.formats", lambda: ("JPEG", "PNG"))
    (tmp_path / "x.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with refused(UnreadableImageError, "image_needs_heif"):
        read_image(tmp_path / "x.jpg", (8, 8), 3)


def test_heif_is_read_where_its_package_is_there(tmp_path):
    heif = pytest.importorskip("pillow_heif", reason="needs the extra heif")
    heif.register_heif_opener()
    decoders.formats.cache_clear()
    PHOTO.save(tmp_path / "x.heic", quality=95)
    assert np.abs(read_image(tmp_path / "x.heic", (40, 56), 3).astype(int) - np.asarray(PHOTO)).mean() < 12


def test_the_size_of_an_image_is_known_without_decoding_it(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (30, 20)).save(tmp_path / "lying.jpg", exif=exif)
    Image.new("L", (30, 20)).save(tmp_path / "plain.png")
    content = (tmp_path / "plain.png").read_bytes()
    (tmp_path / "half.png").write_bytes(content[: len(content) - 20])
    assert image_size(tmp_path / "plain.png") == image_size(tmp_path / "half.png") == (20, 30)
    assert image_size(tmp_path / "lying.jpg") == (30, 20)
    (tmp_path / "text.png").write_text("no image")
    with refused(UnreadableImageError, "image_format_unknown"):
        image_size(tmp_path / "text.png")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "ending"), [("I;16", "png"), ("RGBA", "png"), ("P", "png"), ("RGB", "jp2"), ("CMYK", "tif")]
)
def test_large_images_take_a_few_times_their_pixels(tmp_path, mode, ending):
    """50 million pixels: 100 MB in 16 bits, 200 MB as Pillow keeps colours; conversions must not multiply that."""
    image = Image.new("I;16" if mode == "I;16" else mode, (8000, 6250))
    image.save(tmp_path / f"large.{ending}")
    del image
    code = (
        "from overfitlab.machine import peak_memory_mb\n"
        "from pathlib import Path\nfrom overfitlab.data.prepare.images import read_image\n"
        "before = peak_memory_mb()\n"
        f"print(read_image(Path('large.{ending}'), (32, 32), 3).shape)\n"
        "print(peak_memory_mb() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shape, megabytes = done.stdout.splitlines()
    assert shape == "(32, 32, 3)"
    assert int(megabytes) < 700


def test_a_large_image_looks_like_the_small_one(tmp_path):
    big = PHOTO.resize((4000, 3000), Image.Resampling.BICUBIC)
    for ending in ("png", "gif"):
        big.save(tmp_path / f"big.{ending}")
        found = read_image(tmp_path / f"big.{ending}", (30, 40), 3).astype(int)
        expected = np.asarray(big.resize((40, 30), Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(found - expected).mean() < (2 if ending == "png" else 12)
