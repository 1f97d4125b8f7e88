"""What comes out can be used without overfitlab: the user's own tensors under their own names."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from refusals import refused
from torch import nn

import overfitlab
from overfitlab.data.sources import digits
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.methods import registry as methods
from overfitlab.methods.base import Method
from overfitlab.models import registry
from overfitlab.models.weights_file import file_hash, load_weights
from overfitlab.randomness import Key
from overfitlab.records.record_file import sealed

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "trained-model.md"
NO_PLACE = {"as_is_without_bare", "network_without_sites", "network_without_the_site", "network_cannot_be_changed"}
OURS = [name for name in methods.names() if type(methods.make(name)).__module__.startswith("overfitlab.")]
CODE = """
from torch import nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 6, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.hidden = nn.LazyLinear(12)
        self.head = nn.Linear(12, num_classes)

    def forward(self, x):
        x = self.pool(F.relu(self.conv(x))).flatten(1)
        return self.head(F.relu(self.hidden(x)))
"""


class Net(nn.Module):
    """What is in `CODE`, for images of 8x8."""

    def __init__(self, in_channels=1, num_classes=10):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 6, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.hidden = nn.Linear(96, 12)
        self.head = nn.Linear(12, num_classes)

    def forward(self, x):
        x = self.pool(self.conv(x).relu()).flatten(1)
        return self.head(self.hidden(x).relu())


def trained(method="none", out="run", **options):
    settings = {"protocol": "quick", "epochs": 1, "training_images": 60, "threads": 1, "precision": "float32"}
    return overfitlab.train(
        method, "digits", **{"model": Net, "out": out, "verbose": False, **settings, **options}
    )  # fmt: skip


def alone(run, network=None):
    """Return the user's network with the weights of the file, as they would load it without us."""
    network = network or Net()
    network.load_state_dict(safetensors.torch.load_file(run.folder / "weights.safetensors"), strict=True)
    return network.eval()


def images(count=9):
    return digits.load().images[:count]


@pytest.mark.slow
@pytest.mark.parametrize("method", OURS)
def test_every_method_hands_over_tensors_that_the_users_network_takes(method):
    try:
        run = trained(method)
    except UsageError as error:
        if error.code not in NO_PLACE:
            raise
        pytest.skip(str(error))
    x = run.preprocess(images()).double()
    with torch.no_grad():
        together, by_itself = (model.double()(x).softmax(1).numpy() for model in (run.model(), alone(run)))
    predicted = overfitlab.predict(run, images(), threads=1, precision="float64").probabilities
    np.testing.assert_allclose(together, predicted, atol=1e-6)
    inserted = (run.folder / "inserted.safetensors").exists()
    assert ("inserted.safetensors" in run.record.files) == inserted
    assert np.allclose(by_itself, predicted, atol=1e-6) != inserted


class Scaling(Method):
    """Inserts a layer with a weight that counts in evaluation mode, before the last dense layer."""

    name = "scaling"
    sites = ("classifier",)

    def layer(self, site, key):
        """Return the layer."""
        return nn.BatchNorm1d(site.channels)


def built(method, seed=0):
    return registry.build(Net, (8, 8, 1), 10, method, Key(seed))


def test_inserted_layers_stand_apart_and_come_back():
    model = built(Scaling(), seed=1)
    own, inserted = model.own_tensors(), model.inserted_tensors()
    assert own.keys() == Net().state_dict().keys()
    assert {name.rpartition(".")[2] for name in inserted} == {
        "weight", "bias", "running_mean", "running_var", "num_batches_tracked",
    }  # fmt: skip
    for parts in ((own, inserted), (model.tensors(), {})):  # files of before have it all in one
        other = built(Scaling(), seed=2)
        other.load_tensors(*parts)
        assert all(torch.equal(value, other.state_dict()[name]) for name, value in model.state_dict().items())
    with pytest.raises(RuntimeError):
        built(Scaling()).load_tensors(own, {})


def test_our_own_networks_have_one_file():
    model = registry.build("resnet20", (8, 8, 1), 10, methods.parse("batch_norm"), Key(0))
    assert model.inserted_tensors() == {}
    assert model.own_tensors().keys() == model.state_dict().keys()


def test_a_runs_folder_gives_what_was_inserted_too(tmp_path):
    source, target = built(Scaling(), seed=1), built(Scaling(), seed=2)
    safetensors.torch.save_file(source.own_tensors(), tmp_path / "weights.safetensors")
    before = file_hash(tmp_path)
    assert before == file_hash(tmp_path / "weights.safetensors")
    safetensors.torch.save_file(source.inserted_tensors(), tmp_path / "inserted.safetensors")
    assert file_hash(tmp_path) != before == file_hash(tmp_path / "weights.safetensors")
    done = load_weights(target, tmp_path)
    assert done.left_out == ()
    assert done.sha256 == file_hash(tmp_path)
    assert all(torch.equal(value, target.state_dict()[name]) for name, value in source.state_dict().items())


def change(run, files, **values):
    path = run.folder / "run.json"
    record = json.loads(path.read_text())
    path.write_bytes(sealed(record | {"files": record["files"] | files} | values))


def test_files_of_before_with_our_prefix_still_load():
    run = trained()
    path = run.folder / "weights.safetensors"
    before = overfitlab.predict(run, images(), threads=1).probabilities
    weights = safetensors.torch.load_file(path)
    safetensors.torch.save_file({f"network.{name}": value for name, value in weights.items()}, path)
    change(run, {"weights.safetensors": file_hash(path)})
    again = overfitlab.load_run(run.folder)
    assert np.array_equal(overfitlab.predict(again, images(), model=Net, threads=1).probabilities, before)


def test_a_run_of_somebody_elses_network_is_opened_only_with_it():
    run = trained()
    again = overfitlab.load_run(run.folder)
    for use in (again.model, lambda: overfitlab.predict(again, images())):
        with refused(UsageError, "model_is_in_python", name="Net", folder=run.folder):
            use()
    assert again.model(Net)(again.preprocess(images(2))).shape == (2, 10)

    class Other(Net):
        def forward(self, x):
            return super().forward(x) * 2

    with refused(OverfitlabError, "model_file_changed", model="python:Other"):
        again.model(Other)


def test_a_network_of_a_notebook_is_known_again_in_a_file():
    """Whoever trained in a notebook predicts at the command line: the code is the same, wherever it stands."""
    namespace = {"__name__": "__main__"}
    exec(compile(CODE, "cell", "exec"), namespace)
    run = trained(model=namespace["Net"])
    Path("net.py").write_text(f"'''My network.'''\n\n{CODE}")
    again = overfitlab.load_run(run.folder)
    wanted = overfitlab.predict(run, images(), threads=1).probabilities
    assert np.array_equal(overfitlab.predict(again, images(), model="net.py", threads=1).probabilities, wanted)
    Path("net.py").write_text(CODE.replace("F.relu(self.hidden", "F.gelu(self.hidden"))
    with refused(OverfitlabError, "model_file_changed", model="net.py:Net"):
        again.model("net.py")


def test_the_model_can_be_trained_on():
    model = trained().model()
    assert not model.training
    assert all(value.requires_grad and value.dtype == torch.float32 for value in model.parameters())


def test_a_run_of_one_of_our_networks_needs_nothing(digits_run):
    run = overfitlab.load_run(digits_run)
    probabilities = run.model().double()(run.preprocess(images()).double()).softmax(1).detach().numpy()
    predicted = overfitlab.predict(run, images(), precision="float64").probabilities
    np.testing.assert_allclose(probabilities, predicted, atol=1e-6)


@pytest.mark.slow
def test_the_lines_in_the_docs_predict_what_we_predict():
    """Typed into a file beside the user's network, in a folder with a run and a picture."""
    Path("net.py").write_text(CODE)
    rng = np.random.default_rng(0)
    for number in range(40):
        folder = Path("photos") / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 200, (40, 50, 3)) + 50 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    overfitlab.train(
        "none", "photos", model="net.py", protocol="quick", epochs=2, threads=1, precision="float32",
        out="runs/mine", verbose=False,
    )  # fmt: skip
    Image.open("photos/b/1.png").save("photo.png")
    wanted = overfitlab.predict("runs/mine", "photo.png", model="net.py", threads=1).probabilities
    section = PAGE.read_text(encoding="utf-8").partition("## Outside of overfitlab")[2]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        namespace = {}
        code = compile(f"import sys\nsys.path.insert(0, '.')\nsys.modules.pop('net', None)\n{block}", "page", "exec")
        exec(code, namespace)
        np.testing.assert_allclose(namespace["probabilities"].detach().numpy(), wanted, atol=1e-5)
