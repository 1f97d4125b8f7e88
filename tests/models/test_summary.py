"""The table of a network."""

import re

import pytest

from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.models.summary import summary
from overfitlab.randomness import Key

NOTEBOOK = """\
Model: "notebook_cnn"
___________________________________________________________________
 Layer (type)                 Output Shape              Param #
===================================================================
 conv1 (Conv2D)               (None, 32, 32, 32)        896
 norm1.batch_norm (BatchNorm) (None, 32, 32, 32)        128
 relu1 (ReLU)                 (None, 32, 32, 32)        0
"""
END = """\
 relu7 (ReLU)                 (None, 256)               0
 dense2 (Dense)               (None, 10)                2570
===================================================================
Total params: 816,938
Trainable params: 815,530
Non-trainable params: 1,408
"""


def table(spec, method="none", shape=(32, 32, 3)):
    model = registry.build(spec, shape, 10, methods.parse(method), Key(0))
    return model, summary(model, shape, spec)


def body(text):
    return text.split("=\n")[1].splitlines()[:-1]


def test_the_notebooks_network_looks_as_in_keras():
    _, text = table("notebook_cnn", "batch_norm")
    assert text.startswith(NOTEBOOK)
    assert text.endswith(END)
    assert len(body(text)) == 26


@pytest.mark.parametrize(
    ("spec", "method"),
    [("resnet20", "batch_norm"), ("resnet56", "batch_norm+dropout"), ("resnet56", "none"), ("vgg16", "batch_norm"),
     ("notebook_cnn", "dropout")],
)  # fmt: skip
def test_rows_add_up_and_stay_readable(spec, method):
    model, text = table(spec, method)
    counts = [int(line.split()[-1]) for line in body(text)]
    assert sum(counts) == model.parameter_counts()[0]
    assert len(counts) <= 100
    assert len({line.index("(None") for line in body(text)}) == 1
    assert ("Blocks of layers are shown as one row each." in text) == (spec == "resnet56")


def test_a_block_follows_its_layers():
    _, text = table("resnet20", "batch_norm")
    rows = [line.split()[0] for line in body(text)]
    assert rows[3:10] == [
        "block1.conv2", "block1.norm2.batch_norm", "block1.relu2", "block1.conv3", "block1.norm3.batch_norm", "block1",
        "relu3",
    ]  # fmt: skip
    assert re.search(r"block4 \(Residual\) +\(None, 16, 16, 32\) +0\n", text)


USERS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, image_shape, classes):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 3)
        self.two.weight = self.one.weight
        self.unused = nn.Linear(5, 5)
        self.rnn = nn.LSTM(3, 4, batch_first=True)
        self.fc = nn.Linear(4, classes)

    def forward(self, x):
        x = self.two(self.one(x.mean((2, 3)) * self.scale))
        return self.fc(self.rnn(x[:, None])[0][:, 0])
"""


def test_a_users_network_with_parameters_everywhere(tmp_path, monkeypatch):
    """On the module itself, tied, never used, and behind an output that is no tensor."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(USERS)
    model, text = table("net.py:Net", "dropout")
    rows = {line.split()[0]: line.split()[-1] for line in body(text)}
    assert rows == {
        "network.one": "12", "network.two": "3", "network.unused": "30", "network.rnn": str(4 * 4 * (3 + 4 + 2)),
        "network.fc": "50", "network": "3", "inserted.pool1.dropout": "0",
    }  # fmt: skip
    assert model.parameter_counts()[0] == 12 + 3 + 30 + 144 + 50 + 3
    assert re.search(r"network\.unused \(Linear\) +\? +30", text)
    assert re.search(r"network\.rnn \(LSTM\) +\? +144", text)


def test_another_image_size_is_a_mistake():
    model = registry.build("resnet20", (32, 32, 3), 10, methods.parse("none"), Key(0))
    with pytest.raises(ValueError, match="was built for images of"):
        summary(model, (16, 16, 3), "resnet20")
