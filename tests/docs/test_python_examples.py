"""The Python of README and the pages runs as it stands there, only on fewer images and for one epoch."""

import re
from pathlib import Path

import matplotlib.pyplot
import numpy as np
import pytest
from PIL import Image

import overfitlab
from overfitlab.data.sources import digits

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"training_images": 60, "threads": 1, "precision": "float32"}
NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(in_channels, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.dense = nn.LazyLinear(num_classes)

    def forward(self, x):
        return self.dense(self.layers(x))
"""


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    for name, given in {"train": {"protocol": "quick"}, "compare": {"seeds": 1}}.items():
        asked = getattr(overfitlab, name)
        monkeypatch.setattr(
            overfitlab,
            name,
            lambda *values, _asked=asked, _given=given, **more: _asked(*values, **_given | more | SMALL | epochs(more)),
        )
    yield
    matplotlib.pyplot.close("all")


def epochs(asked):
    return {"epochs": 12 if "schedule" in asked else 1}  # after which that schedule has come to something


def run(code, **known):
    exec(compile(code, "example", "exec"), known)
    return known


def images(*names):
    random = np.random.default_rng(0)
    for name in names:
        Path(name).parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (40, 40, 3), np.uint8)).save(name)


def test_readme():
    [code] = blocks("README.md")
    known = run(code)
    assert Path("curves.png").exists()
    assert known["run"].onset == 1


def test_arrays_and_images_to_predict():
    data, predictions, shown = blocks("docs/python.md")
    dataset = digits.load()
    np.save("scans.npy", dataset.images[:600, :, :, 0])
    np.save("labels.npy", dataset.labels[:600])
    images("a.jpg", "b.png", "new/c.png")
    known = run(data)
    assert len(known["study"].runs) == 3
    run("import overfitlab\n" + predictions, run=known["run"], x=known["x"])
    run("import overfitlab\n" + shown)


def test_a_study_and_its_files():
    [study] = blocks("docs/study.md")
    known = run(study)
    known["study"].report()
    for code in blocks("docs/report.md"):
        run(code)
    assert Path("elsewhere/report.html").exists() or Path("elsewhere/report.ko.html").exists()
    assert Path("differences.pdf").exists()


def test_a_trained_model(small_cifar10, monkeypatch):
    predicted, explained, outside, both = blocks("docs/trained-model.md")
    overfitlab.train("none", "digits", out="runs/none")
    images("photo.jpg", "photo.png", "photos/one.png")
    known = run(predicted)
    assert known["found"].probabilities.shape == (2, 10)
    monkeypatch.setenv("OVERFITLAB_DATA", str(small_cifar10))
    run("import overfitlab\n" + explained)
    Path("net.py").write_text(NET)
    monkeypatch.syspath_prepend(Path.cwd())
    colour = np.random.default_rng(0).integers(0, 256, (300, 16, 16, 3), np.uint8)
    overfitlab.train("none", (colour, np.arange(300) % 3), model="net.py:Net", out="runs/mine")
    one, other = run(outside), run(both)
    assert one["probabilities"].shape == (1, 3)
    assert np.allclose(one["probabilities"].detach(), other["probabilities"].detach(), atol=1e-6)


def test_a_recipe():
    [code] = blocks("docs/recipes.md")
    run("import overfitlab\n" + code)
