"""The way of a network to the processes of a study."""

import hashlib
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import torch
from refusals import refused
from torch import nn

from overfitlab.errors import DamagedError, OverfitlabError, UsageError
from overfitlab.models.handed import taken
from overfitlab.models.shipping import Shipment, received, shipped

WIDTH = 3


class Net(nn.Module):
    """A network whose module no other process can import by its name."""

    def __init__(self, num_classes):
        super().__init__()
        self.fc = nn.Linear(WIDTH, num_classes)

    def forward(self, x):
        return self.fc(x)


def test_what_has_a_name_needs_no_pickle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text("x = 1\n")
    for network in (None, taken("resnet20"), taken("net.py:x")):
        with shipped(network) as shipment:
            assert shipment is None
    assert received(None) is None


@pytest.mark.parametrize("network", [Net, nn.Linear(3, 2), lambda classes: nn.Sequential(Net(classes))])
def test_it_arrives_as_it_was_sent(network):
    handed = taken(network)
    with shipped(handed) as shipment:
        there = received(shipment)
        assert (there.spec, there.source, there.start) == (handed.spec, handed.source, handed.start)
        assert Path(shipment.file).exists()
    if isinstance(network, nn.Module):
        assert torch.equal(there.network.weight, network.weight)
    else:
        assert list(there.network(5).modules())[-1].out_features == 5


def test_it_lies_where_only_this_user_looks_and_is_gone_afterwards():
    with shipped(taken(Net)) as shipment:
        folder = Path(shipment.file).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


@pytest.mark.slow
def test_another_file_in_its_place_is_not_opened(tmp_path):
    class Canary:
        def __reduce__(self):
            return Path.touch, (tmp_path / "canary",)

    with shipped(taken(Net)) as shipment:
        Path(shipment.file).write_bytes(pickle.dumps(Canary()))
        with refused(DamagedError, "network_changed_on_its_way", file=shipment.file):
            received(shipment)
    assert not (tmp_path / "canary").exists()


def test_what_has_no_pickle_is_said():
    held = (number for number in range(3))
    with refused(UsageError, "network_has_no_pickle", model="<lambda>"), shipped(taken(lambda classes: held)):
        pass


def test_what_cannot_be_unpacked_is_said(tmp_path):
    content = b"cno_such_module_of_mine\nNet\n."
    (tmp_path / "n").write_bytes(content)
    shipment = Shipment("python:Net", None, None, str(tmp_path / "n"), hashlib.sha256(content).hexdigest(), [])
    with refused(OverfitlabError, "network_not_unpacked", model="Net", match="no_such_module_of_mine"):
        received(shipment)


@pytest.mark.slow
def test_another_process_builds_it_from_the_code_of_this_one(tmp_path):
    """Its module's file is not there, and the number that it uses is the one of now."""
    program = (
        "import sys, json, msgspec\n"
        "from overfitlab.models.shipping import Shipment, received\n"
        "print(received(msgspec.convert(json.loads(sys.argv[1]), Shipment)).network(7).fc.weight.shape)\n"
    )
    with shipped(taken(Net)) as shipment:
        sent = msgspec.json.encode(msgspec.structs.replace(shipment, folders=[])).decode()
        done = subprocess.run(
            [sys.executable, "-c", program, sent], capture_output=True, text=True, check=True, cwd=tmp_path
        )
    assert done.stdout.strip() == "torch.Size([7, 3])"
