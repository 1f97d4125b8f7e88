"""A trained network, loaded from its folder."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from refusals import refused
from scipy.special import log_softmax

import overfitlab
from overfitlab.api.predicting import predict_and_write
from overfitlab.data.sources import digits
from overfitlab.errors import DamagedError, DivergedError, OverfitlabError, UsageError
from overfitlab.inference.trained import computing, load_trained
from overfitlab.records.record_file import sealed
from overfitlab.runs.run import load_run

PARTS_OF_A_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def load(folder, **options):
    return load_trained(load_run(folder), **options)


def test_it_computes_what_the_weights_say(digits_run):
    """Against the network written out by hand in float64, Keras's way of counting channels last included."""
    w = {
        name: value.double() for name, value in safetensors.torch.load_file(digits_run / "weights.safetensors").items()
    }
    record = json.loads((digits_run / "run.json").read_text())
    images = digits.load().images[:7]
    mean, std = (torch.tensor(record["data"][name], dtype=torch.float64) for name in ("mean", "std"))
    x = (torch.from_numpy(images).double() - mean) / std
    x = x.permute(0, 3, 1, 2)

    def norm(x, name):
        shape = (1, -1, 1, 1) if x.ndim == 4 else (1, -1)
        scale, shift, mean, variance = (w[f"{name}.batch_norm.{part}"].reshape(shape) for part in PARTS_OF_A_NORM)
        return (x - mean) / torch.sqrt(variance + 1e-3) * scale + shift

    for layer in range(1, 7):
        x = torch.nn.functional.conv2d(x, w[f"conv{layer}.weight"], w[f"conv{layer}.bias"], padding=1)
        x = norm(x, f"norm{layer}").relu()
        if layer % 2 == 0:
            x = torch.nn.functional.max_pool2d(x, 2, ceil_mode=True)
    x = x.permute(0, 2, 3, 1).flatten(1)
    x = norm(x @ w["dense1.weight"].T + w["dense1.bias"], "norm7").relu()
    logits = x @ w["dense2.weight"].T + w["dense2.bias"]

    trained = load(digits_run, precision="float64")
    (inputs,) = trained.inputs(images)
    np.testing.assert_allclose(trained.log_probabilities(inputs), log_softmax(logits.numpy(), axis=1), atol=1e-10)


def test_lower_precision_is_close_to_float64(digits_run):
    images = digits.load().images[:50]
    found = {}
    for precision in ("float64", "float32", "bfloat16"):
        trained = load(digits_run, precision=precision)
        (x,) = trained.inputs(images)
        found[precision] = np.exp(trained.log_probabilities(x))
        np.testing.assert_allclose(found[precision].sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(found["float32"], found["float64"], atol=1e-5)
    np.testing.assert_allclose(found["bfloat16"], found["float64"], atol=0.05)
    assert np.abs(found["bfloat16"] - found["float64"]).max() > 1e-6, "bfloat16 was not used"


def test_batches_are_smaller_where_images_are_larger(digits_run):
    run = load_run(digits_run)
    assert load_trained(run).batch_size == 200
    run.record.data.image_shape = [224, 224, 3]
    trained = load_trained(load_run(digits_run))
    large = type(trained)(run, trained.model, trained.compute, trained.standardization)
    assert 1 <= large.batch_size <= 10


def test_threads_are_as_before_afterwards(digits_run):
    before = torch.get_num_threads()
    with computing(load(digits_run, threads=before + 1)):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def change(folder, **values):
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_bytes(sealed(record | values))


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        ("interrupted", OverfitlabError, "run_unfinished"),
        ("running", OverfitlabError, "run_unfinished"),
        ("diverged", DivergedError, "run_diverged"),
    ],
)
def test_only_a_finished_run_is_loaded(own_digits_run, status, kind, code):
    change(own_digits_run, status=status)
    with refused(kind, code, folder=own_digits_run):
        load(own_digits_run)


def test_changed_weights_are_refused(own_digits_run):
    path = own_digits_run / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with refused(DamagedError, "run_weights_changed"):
        load(own_digits_run)
    path.unlink()
    with refused(DamagedError, "run_weights_missing"):
        load(own_digits_run)


def test_weights_of_another_network_are_one_clear_error(own_digits_run):
    record = json.loads((own_digits_run / "run.json").read_text())
    two = {
        "classes": ["a", "b"],
        "class_images": {"training": [503, 503], "validation": [216, 216], "test": [180, 179]},
    }
    change(own_digits_run, data=record["data"] | two)
    with refused(OverfitlabError, "weights_of_another_version"):
        load(own_digits_run)


def write_weights(folder, tensors):
    """Put other weights in place, with a checksum that fits, as somebody who makes up a run would."""
    safetensors.torch.save_file(tensors, folder / "weights.safetensors")
    checksum = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    record = json.loads((folder / "run.json").read_text())
    change(folder, files=record["files"] | {"weights.safetensors": checksum})


@pytest.mark.parametrize(
    ("number", "code"), [(np.nan, "run_weights_not_finite"), (3e38, "network_computes_no_numbers")]
)
def test_weights_that_give_no_probabilities_are_refused(own_digits_run, capsysbinary, number, code):
    tensors = safetensors.torch.load_file(own_digits_run / "weights.safetensors")
    write_weights(
        own_digits_run,
        {
            name: torch.full_like(value, number) if name.startswith("dense2") else value
            for name, value in tensors.items()
        },
    )
    images = digits.load().images[:2]
    for use in (lambda: overfitlab.predict(own_digits_run, images), lambda: overfitlab.explain(own_digits_run, images)):
        with refused(OverfitlabError, code):
            use()
    Image.fromarray(images[0, ..., 0]).save("x.png")
    with refused(OverfitlabError, code):
        predict_and_write(own_digits_run, ["x.png"], kind="json", output=sys.stdout, errors=sys.stderr)
    assert capsysbinary.readouterr().out == b"", "half a document"


def test_bad_options(digits_run):
    with refused(UsageError, "unknown_name", kind="precision", name="half"):
        load(digits_run, precision="half")
    with refused(UsageError, "no_whole_number_between", what="threads"):
        load(digits_run, threads=0)


OWN = """
from torch import nn

def network(image_shape, classes):
    height, width, channels = image_shape
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, classes),
    )
"""


@pytest.mark.slow
@pytest.mark.parametrize("model", ["resnet20", "own.py:network"])
def test_other_models_than_the_notebooks_are_built_again(model):
    Path("own.py").write_text(OWN)
    run = overfitlab.train(
        "none", "digits", model=model, protocol="clean", epochs=1, threads=1, precision="float32", out="run",
        verbose=False,
    )  # fmt: skip
    consent = {"model": model} if model.startswith("own") else {}
    found = overfitlab.evaluate(run, threads=1, **consent)
    measured = run.record.measured.end.test
    assert found.accuracy == measured.acc
    assert found.scores.loss == pytest.approx(measured.loss, rel=1e-6)
    explained = overfitlab.explain(run, digits.load().images[:2], class_name="3", **consent)
    assert explained.layer.shape[1:] == ((8, 8) if model.startswith("own") else (2, 2))


def test_a_changed_source_of_ones_own_network_is_refused():
    Path("own.py").write_text(OWN)
    overfitlab.train(
        "none", "digits", model="own.py:network", epochs=1, threads=1, out="run", verbose=False
    )  # fmt: skip
    Path("own.py").write_text(OWN.replace("8", "9"))
    with refused(OverfitlabError, "model_file_changed", model="own.py:network", folder="run"):
        overfitlab.predict("run", digits.load().images[:2], model="own.py:network")


@pytest.mark.parametrize("spec", ["own.py:network", "own:network"])
def test_a_run_from_a_stranger_runs_nothing(spec):
    """Whoever sends a folder may send a program beside it, and a record that names it."""
    Path("own.py").write_text(OWN)
    overfitlab.train("none", "digits", model=spec, epochs=1, threads=1, out="run", verbose=False)
    Path("own.py").write_text("open('canary', 'w').close()\n" + OWN)
    record = json.loads(Path("run/run.json").read_text())
    record["config"]["model_source"] = hashlib.sha256(Path("own.py").read_bytes()).hexdigest()
    Path("run/run.json").write_bytes(sealed(record))
    for use in (overfitlab.evaluate, lambda run: overfitlab.predict(run, []), lambda run: overfitlab.explain(run, [])):
        with refused(UsageError, "model_is_a_program", model=spec, folder="run"):
            use("run")
    assert not Path("canary").exists()
    overfitlab.predict("run", digits.load().images[:2], model=spec)
    assert Path("canary").exists()  # the test can fail


def test_a_model_that_the_run_does_not_have_is_refused():
    overfitlab.train("none", "digits", epochs=1, threads=1, out="run", verbose=False)
    with refused(UsageError, "trained_with_another_model", recorded="notebook_cnn", model="resnet20"):
        overfitlab.evaluate("run", model="resnet20")
