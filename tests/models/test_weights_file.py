"""Weights from files: what fits is taken, what does not is said, and nothing in a file is run."""

import hashlib
import os
import pickle
import struct
import zipfile

import pytest
import safetensors.torch
import torch
from torch import nn

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.models.weights_file import load_weights
from overfitlab.randomness import Key
from overfitlab.reasons import reason

SHAPE = (16, 16, 3)


def build(spec="resnet20", method="batch_norm", classes=10, seed=0, shape=SHAPE):
    return registry.build(spec, shape, classes, methods.parse(method), Key(seed))


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def save(tensors, path):
    if path.suffix == ".safetensors":
        path.write_bytes(safetensors.torch.save({name: value.contiguous() for name, value in tensors.items()}))
    else:
        torch.save(tensors, path)
    return path


def other_weights(**given):
    """Weights of the same network after another start, with batch norms that have seen something."""
    model = build(seed=1, **given)
    model.train().at(1, 1)
    model(torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    return state(model)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".bin"])
def test_all_weights_are_taken(tmp_path, suffix):
    wanted = other_weights()
    path = save(wanted, tmp_path / f"weights{suffix}")
    model = build()
    done = load_weights(model, path)
    assert set(done.loaded) == wanted.keys()
    assert done.left_out == ()
    assert done.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert all(torch.equal(value, wanted[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_are_converted(tmp_path, dtype):
    wanted = other_weights()
    model = build()
    load_weights(model, save({name: value.to(dtype) for name, value in wanted.items()}, tmp_path / "w.safetensors"))
    assert model.state_dict()["conv1.weight"].dtype == torch.float32
    assert torch.equal(model.state_dict()["conv1.weight"], wanted["conv1.weight"].to(dtype).float())


@pytest.mark.parametrize("envelope", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model."])
def test_wrappers_are_taken_off(tmp_path, envelope, prefix):
    wanted = other_weights()
    content = {"epoch": 3, envelope: {f"{prefix}{name}": value for name, value in wanted.items()}, "optimizer": {}}
    model = build()
    assert set(load_weights(model, save(content, tmp_path / "w.pt")).loaded) == wanted.keys()
    assert all(torch.equal(value, wanted[name]) for name, value in model.state_dict().items())


def test_a_last_layer_for_other_classes_starts_afresh(tmp_path):
    wanted = other_weights(classes=7)
    model, fresh = build(), state(build())
    done = load_weights(model, save(wanted, tmp_path / "w.safetensors"))
    why = reason("weights_of_other_classes", there=7, here=10)
    assert dict(done.left_out) == {"dense1.weight": why, "dense1.bias": why}
    for name, value in model.state_dict().items():
        assert torch.equal(value, (fresh if name.startswith("dense1") else wanted)[name]), name


def test_weights_from_another_method_are_taken_as_far_as_they_go(tmp_path):
    model = build(method="batch_norm")
    done = load_weights(model, save(state(build(method="none", seed=1)), tmp_path / "w.safetensors"))
    reasons = dict(done.left_out)
    assert reasons["conv1.bias"] == reason("weights_not_in_the_model")
    assert reasons["norm1.batch_norm.gamma"] == reason("weights_not_in_the_file")
    assert len([name for name in done.loaded if name.endswith("weight")]) == 20


def test_a_runs_folder_is_one_of_its_weights(tmp_path):
    wanted = other_weights()
    save(wanted, tmp_path / "weights.safetensors")
    model = build()
    assert set(load_weights(model, tmp_path).loaded) == wanted.keys()


FOREIGN = """
from torch import nn
class Net(nn.Module):
    def __init__(self, image_shape, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
        self.fc = nn.Linear(8, classes)
    def forward(self, x):
        return self.fc(self.body(x).mean((2, 3)))
"""


@pytest.mark.parametrize("prefix", ["", "module.", "network."])
def test_a_foreign_network_takes_its_own_names(tmp_path, monkeypatch, prefix):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(FOREIGN)
    source = build("net.py:Net", "none", seed=1)
    source.get_submodule("network.body.1").num_batches_tracked += 12
    bare = {name.removeprefix("network."): value for name, value in state(source).items()}
    model = build("net.py:Net", "dropout", classes=3)
    done = load_weights(model, save({f"{prefix}{name}": value for name, value in bare.items()}, tmp_path / "w.pt"))
    assert [name for name, _ in done.left_out] == ["network.fc.weight", "network.fc.bias"]
    assert torch.equal(model.state_dict()["network.body.0.weight"], bare["body.0.weight"])
    assert int(model.state_dict()["network.body.1.num_batches_tracked"]) == 12


def refused(model, path, message, kind=OverfitlabError):
    before = state(model)
    with pytest.raises(kind, match=message) as caught:
        load_weights(model, path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_weights_of_another_network_are_refused(tmp_path):
    tensors = nn.Sequential(nn.Linear(3, 4)).state_dict()
    refused(build(), save(tensors, tmp_path / "a.pt"), r"0 of its \d+ tensors are there; .*0\.weight", UsageError)
    few = dict(list(other_weights().items())[:30])
    refused(build(), save(few, tmp_path / "b.pt"), r"\d of its 19 tensors are there; choose the model", UsageError)


def test_a_shape_that_differs_in_the_body_is_refused(tmp_path):
    gray = state(build(shape=(16, 16, 1)))
    path = save(gray, tmp_path / "gray.safetensors")
    refused(build(), path, r"conv1\.weight has shape \[16, 1, 3, 3\] in the file and \[16, 3, 3, 3\] here", UsageError)
    larger = save(state(build("notebook_cnn", shape=(32, 32, 3))), tmp_path / "larger.safetensors")
    refused(build("notebook_cnn"), larger, r"dense1\.weight has shape \[256, 2048\] in the file", UsageError)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(tmp_path, bad):
    tensors = other_weights()
    tensors["block3.conv6.weight"][0, 0, 0, 0] = bad
    refused(build(), save(tensors, tmp_path / "w.safetensors"), r"block3\.conv6\.weight has values that are not fin")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.pt", "there is no file"),
        ("notes.txt", "its name must end with .safetensors, .pt, .pth, .bin"),
        ("folder", "has no weights.safetensors; name a finished run"),
        ("~nobody_of_that_name/w.pt", "nobody|home|no file"),
        ("null\0byte.pt", "null"),
    ],
)
def test_what_is_no_file_of_weights_is_said(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder").mkdir()
    refused(build(), name, message, UsageError)


def test_a_device_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    refused(build(), tmp_path / "pipe.pt", "there is no file", UsageError)


class Canary:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def hostile_zip(path, canary):
    torch.save({"conv1.weight": Canary(canary)}, path)


def hostile_legacy(path, canary):
    torch.save({"conv1.weight": Canary(canary)}, path, _use_new_zipfile_serialization=False)


def hostile_pickle(path, canary):
    path.write_bytes(pickle.dumps({"conv1.weight": Canary(canary)}))


def hostile_eval(path, canary):
    program = f"c__builtin__\neval\n(V__import__('pathlib').Path({str(canary)!r}).touch()\ntR.".encode()
    path.write_bytes(program)


@pytest.mark.parametrize("write", [hostile_zip, hostile_legacy, hostile_pickle, hostile_eval])
def test_a_pickle_that_runs_a_program_does_not(tmp_path, write):
    path, canary = tmp_path / "w.pt", tmp_path / "canary"
    write(path, canary)
    refused(build(), path, r"w\.pt (holds more than tensors|is damaged)")
    assert not canary.exists()
    torch_would = pickle.loads if write is hostile_pickle else lambda content: torch.load(path, weights_only=False)
    if write is not hostile_eval:
        torch_would(path.read_bytes())
        assert canary.exists(), "the canary would not have shown anything"


def damaged_files():
    good = safetensors.torch.save({"conv1.weight": torch.zeros(16, 3, 3, 3)})
    return {
        "empty.safetensors": b"",
        "short.safetensors": good[: len(good) // 2],
        "header.safetensors": struct.pack("<Q", 2**62) + b"{}",
        "noise.safetensors": bytes(range(256)) * 40,
        "empty.pt": b"",
        "noise.pt": bytes(range(256)) * 40,
        "text.pth": b"hello\n",
        "text.bin": b"<html>not found</html>",
    }


@pytest.mark.parametrize("name", damaged_files())
def test_damaged_files_are_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(damaged_files()[name])
    refused(build(), tmp_path / name, "is damaged, or not what its name says|holds more than tensors")


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.99])
def test_truncated_files_of_pytorch_are_one_line(tmp_path, keep):
    path = save(other_weights(), tmp_path / "w.pt")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    refused(build(), path, "is damaged, or not what its name says")


@pytest.mark.parametrize(
    "content", [[1, 2], {"epoch": 3}, {"state_dict": {}}, {"state_dict": {"a": 3}}, {1: torch.zeros(2)}, "text", None]
)
def test_a_file_without_named_weights_is_one_line(tmp_path, content):
    torch.save(content, tmp_path / "w.pt")
    refused(build(), tmp_path / "w.pt", r"holds no weights by name; save model\.state_dict\(\)")


def test_a_whole_model_is_refused_with_advice(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "w.pt")
    refused(build(), tmp_path / "w.pt", r"holds more than tensors.*save only model\.state_dict\(\)")


def test_a_torchscript_file_is_one_line(tmp_path):
    with pytest.warns(DeprecationWarning, match="deprecated"):
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), tmp_path / "w.pt")
    refused(build(), tmp_path / "w.pt", "holds more than tensors|is damaged")


def test_files_far_larger_than_the_model_are_not_read(tmp_path):
    with (tmp_path / "w.safetensors").open("wb") as stream:
        stream.truncate(10 * 2**30)  # a hole: it takes no room on the disk
    refused(build(), tmp_path / "w.safetensors", r"holds 10,240 MB, far more than resnet20 has")


def test_a_compressed_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.pt", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("w/data/0", "w") as out:
        for _ in range(300):
            out.write(bytes(2**20))
    assert (tmp_path / "w.pt").stat().st_size < 2**20
    refused(build(), tmp_path / "w.pt", r"holds 300 MB, far more")


def test_odd_tensors_are_left_out(tmp_path):
    tensors = other_weights()
    tensors["conv1.weight"] = tensors["conv1.weight"].to_sparse()
    tensors["norm1.batch_norm.gamma"] = torch.ones(16, dtype=torch.int64)
    model, fresh = build(), state(build())
    done = load_weights(model, save(tensors, tmp_path / "w.pt"))
    reasons = dict(done.left_out)
    assert reasons["conv1.weight"] == reason("weights_not_in_the_file")
    types = {"there": "torch.int64", "here": "torch.float32"}
    assert reasons["norm1.batch_norm.gamma"] == reason("weights_of_another_type", **types)
    assert torch.equal(model.state_dict()["conv1.weight"], fresh["conv1.weight"])


def test_weights_of_a_bare_timm_network_fit(tmp_path):
    from overfitlab.models import timm_models

    try:
        timm = timm_models._timm()
    except OverfitlabError:
        pytest.skip("needs timm, which the test extra brings")
    torch.manual_seed(0)
    bare = timm.create_model("resnet10t", pretrained=False, num_classes=1000)
    model = build("timm:resnet10t", "dropout", shape=(32, 32, 3))
    done = load_weights(model, save(bare.state_dict(), tmp_path / "w.safetensors"))
    assert dict(done.left_out).keys() == {"network.fc.weight", "network.fc.bias"}
    assert torch.equal(model.state_dict()["network.conv1.0.weight"], bare.state_dict()["conv1.0.weight"])
