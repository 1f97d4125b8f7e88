"""From a folder of photographs to a trained, measured and explained network: `python photographs.py FOLDER`.

It makes a folder of some 470 photographs as people have them, in all sizes and formats, some stored sideways, some
saved twice, some broken: four classes of CIFAR-10 where it is on this machine, else tiles of the two photographs that
come with scikit-learn. Then it runs the commands that you would run on your own folder, and shows each of them.
"""

import argparse
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

import overfitlab
from overfitlab.data import loading

CLASSES = {"airplane": 150, "automobile": 150, "frog": 100, "ship": 60}  # images of each: not the same, as in life
TILES = {"china.jpg": ("temple", 150), "flower.jpg": ("flower", 90)}
MADE_HERE = ".made-by-the-example"  # a folder with this file may be made anew
SAVED_TWICE = 6  # images, as near-duplicates
EXIF_ORIENTATION, TURNED = 0x0112, 6


def main() -> None:
    """Make the photographs, and run the commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to put everything; must not exist, or be of this example")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--figures", type=Path, help="copy the figures into this folder, as for docs/photographs.md")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    if (folder / MADE_HERE).exists():
        shutil.rmtree(folder)
    elif folder.exists():
        sys.exit(f"{folder} exists, and this example did not make it; name another folder")
    folder.mkdir(parents=True)
    (folder / MADE_HERE).touch()
    images, run = folder / "photographs", folder / "run"
    shown = make(images)
    settings = ["--protocol", "clean", "--learning-rate", "1e-3", "--epochs", str(arguments.epochs)]
    overfitlab_command("train", "--data", images, "--method", "dropout", *settings, "--out", run)
    overfitlab_command("evaluate", run)
    overfitlab_command("predict", run, *shown)
    overfitlab_command("explain", run, *shown, "--out", folder / "explained.png")
    if arguments.figures:
        arguments.figures.mkdir(parents=True, exist_ok=True)
        measured = run / "evaluation" / "test"
        for figure in (
            *(run / name for name in ("curves.png", "duplicates.png")),
            *(measured / name for name in ("confusion.png", "calibration.png", "mistakes.png")),
            folder / "explained.png",
        ):
            shutil.copy(figure, arguments.figures)
        contact_sheet(images).save(arguments.figures / "photographs.png")


def overfitlab_command(*arguments: str | Path) -> None:
    """Show the command, run it, and stop where it fails."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ overfitlab {shlex.join(words)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "overfitlab", *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def contact_sheet(folder: Path, columns: int = 12, side: int = 72) -> Image.Image:
    """Return the first photographs of each class in a row, as they are stored, sideways ones too."""
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    sheet = Image.new("RGB", (columns * side, len(classes) * side), "white")
    for row, place in enumerate(classes):
        for column, path in enumerate(sorted(place.glob("[0-9]*"))[:columns]):
            with Image.open(path) as image:
                small = image.point(lambda level: level / 256).convert("L") if image.mode == "I;16" else image
                small = small.convert("RGB")
            small.thumbnail((side - 4, side - 4))
            sheet.paste(small, (column * side + 2, row * side + 2))
    return sheet


def make(folder: Path) -> list[Path]:
    """Write the photographs, one subfolder per class, and return a few of them to look at."""
    rng = np.random.default_rng(0)
    shown = []
    for kind, images in photographs():
        place = folder / kind
        place.mkdir(parents=True)
        for number, pixels in enumerate(images):
            path = save(Image.fromarray(pixels), place, number, rng)
            if number < 3:
                shown.append(path)
            if number < SAVED_TWICE and kind in ("airplane", "temple"):
                copy = ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(1.15)
                copy.resize((90, 90)).save(place / f"{number:03} (copy).jpg", quality=80)
        print(f"{place}: {len(list(place.iterdir()))} photographs")
    first = shown[0].parent
    whole = (first / "000.jpg").read_bytes()
    (first / "half a download.jpg").write_bytes(whole[: len(whole) // 2])
    (first / "empty.png").touch()
    (first / "notes.txt").write_text("taken in August\n")
    return shown


def photographs() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield classes and their photographs [N, H, W, 3]."""
    try:
        data = loading.load("cifar10")
    except overfitlab.OverfitlabError:
        from sklearn.datasets import load_sample_image

        print("CIFAR-10 is not here: these are tiles of scikit-learn's two sample photographs.")
        rng = np.random.default_rng(0)
        for file, (kind, count) in TILES.items():
            picture = load_sample_image(file)
            corners = rng.integers(0, (picture.shape[0] - 96, picture.shape[1] - 96), (count, 2))
            yield kind, np.stack([picture[top : top + 96, left : left + 96] for top, left in corners])
        return
    for kind, count in CLASSES.items():
        rows = np.flatnonzero(data.labels == data.class_names.index(kind))[:count]
        yield kind, data.images[rows]


def save(image: Image.Image, place: Path, number: int, rng: np.random.Generator) -> Path:
    """Save the image in one of ten ways, at a size of its own."""
    height = int(rng.integers(30, 150))
    width = int(height * rng.uniform(0.75, 1.35))
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    name = f"{number:03}"
    match number % 10:
        case 1:
            path, options = place / f"{name}.png", {}
        case 2:  # stored sideways, as telephones do
            exif = Image.Exif()
            exif[EXIF_ORIENTATION] = TURNED
            image = image.transpose(Image.Transpose.ROTATE_90)
            path, options = place / f"{name}.JPG", {"exif": exif, "quality": 90}
        case 3:
            path, options = place / f"{name}.webp", {"quality": 85}
        case 4:  # 256 colours
            path, options = place / f"{name}.gif", {}
        case 5:
            path, options = place / f"{name}.tiff", {"compression": "tiff_lzw"}
        case 6:  # as printers want it
            image = image.convert("CMYK")
            path, options = place / f"{name} cmyk.jpg", {"quality": 90}
        case 7:  # 16-bit gray
            image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
            path, options = place / f"{name} gray.png", {}
        case 8:  # with a transparent corner
            image.putalpha(255)
            image.paste((0, 0, 0, 0), (0, 0, width // 6, height // 6))
            path, options = place / f"{name}.png", {}
        case 9:
            path, options = place / f"{name}.bmp", {}
        case _:
            path, options = place / f"{name}.jpg", {"quality": 75}
    image.save(path, **options)
    return path


if __name__ == "__main__":
    main()
