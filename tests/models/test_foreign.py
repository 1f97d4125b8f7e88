"""What holds for networks that somebody else wrote: draws, resume, single images, saved state."""

import copy
import importlib.util
import random

import numpy as np
import pytest
import safetensors.torch
import torch
from torch.nn import functional as F

from overfitlab.config import RunConfig, protocol_named
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.material import Material
from overfitlab.data.prepare.splits import Split
from overfitlab.data.prepare.standardize import channel_statistics
from overfitlab.events import Listener
from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.randomness import Key
from overfitlab.records.run_folder import RunFolder
from overfitlab.training import checkpoint
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer

SHAPE, CLASSES = (8, 8, 3), 4

NOISY = """
import random
import numpy as np
import torch
from torch import nn

class Net(nn.Module):
    '''Draws from all three global generators, and skips a layer now and then.'''

    def __init__(self, image_shape, classes):
        super().__init__()
        self.conv = nn.Conv2d(image_shape[2], 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.sometimes = nn.Linear(8, 8)
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(8, classes)

    def forward(self, x):
        x = self.norm(self.conv(x)).relu().mean((2, 3))
        if self.training:
            x = x * (1 + 0.1 * np.random.rand())
            if random.random() < 0.5:
                return self.fc(x)
        return self.fc(self.drop(self.sometimes(x)))
"""
BATCH_NORM_OF_VECTORS = """
from torch import nn

def net(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, classes))
"""
TIED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, image_shape, classes):
        super().__init__()
        self.one = nn.Linear(image_shape[2], 6)
        self.back = nn.Linear(6, image_shape[2])
        self.back.weight = nn.Parameter(self.one.weight.t())
        self.other = nn.Linear(image_shape[2], 6)
        self.other.weight = self.one.weight
        self.fc = nn.Linear(6, classes)
        memory = torch.arange(8.0)
        self.register_buffer("first", memory[:4])
        self.register_buffer("wide", torch.ones(1).expand(5))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mask", torch.tensor([True, False]))

    def forward(self, x):
        if self.training:
            self.seen += len(x)
        x = self.back(self.one(x.mean((2, 3))))
        return self.fc(self.other(x))
"""


@pytest.fixture
def user_net(tmp_path, monkeypatch):
    """Return the spec of a file with that text in the working folder."""
    monkeypatch.chdir(tmp_path)

    def written(text, function="Net"):
        (tmp_path / "net.py").write_text(text)
        return f"net.py:{function}"

    return written


def build(spec, method="none", shape=SHAPE, seed=3):
    return registry.build(spec, shape, CLASSES, methods.parse(method), Key(seed))


def material(shape=SHAPE, count=49):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, count)
    dataset = Dataset("random", images, labels, tuple("abcd"), np.arange(0), "", "x", official=False)
    split = Split(training=np.arange(count - 16), validation=np.arange(count - 16, count), test=np.arange(0))
    return Material(dataset, split, channel_statistics(images, np.arange(count)))


def trainer(spec, method="none", precision="float32", epochs=3, shape=SHAPE):
    settings = protocol_named(
        "notebook", epochs=epochs, batch_size=16, learning_rate=1e-3
    )  # 33 images: the last is one
    config = RunConfig(settings, methods.parse(method).spec, "random", seed=3)
    return Trainer(config, material(shape), build(spec, method, shape), Compute(precision, threads=1))


def rows(done):
    return [(row.loss, row.acc, row.val_loss, row.val_acc) for row in done.progress.rows]


def check_resume(spec, method, tmp_path, precision="float32", shape=SHAPE):
    whole = trainer(spec, method, precision, shape=shape)
    whole.train(lambda: None, Listener())

    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    begun = trainer(spec, method, precision, epochs=2, shape=shape)
    begun.train(lambda: checkpoint.save(folder, "id", begun.learner, begun.progress), Listener())
    torch.manual_seed(77)
    np.random.seed(77)
    random.seed(77)
    resumed = trainer(spec, method, precision, shape=shape)
    resumed.progress = checkpoint.restore(folder, "id", resumed.learner).progress
    assert len(resumed.progress.rows) == 2
    resumed.train(lambda: None, Listener())

    assert rows(resumed) == rows(whole)
    one, other = whole.model.state_dict(), resumed.model.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    start = build(spec, method, shape).state_dict()
    assert any(not torch.equal(one[name], start[name]) for name in one), "nothing was trained"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", ["none", "dropout"])
def test_a_resumed_training_equals_an_uninterrupted_one_to_the_bit(user_net, method, precision, tmp_path):
    check_resume(user_net(NOISY), method, tmp_path, precision)


FUNCTIONS = """
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self, image_shape, classes):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(image_shape[2], 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
        self.fc = nn.Linear(32, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.dropout(F.max_pool2d(self.conv2(x).relu(), 2), 0.3, self.training)
        return self.fc(x.flatten(1))
"""


@pytest.mark.parametrize("method", ["batch_norm+dropout+weight_averaging", "spatial_dropout"])
def test_so_it_does_with_layers_behind_functions(user_net, method, tmp_path):
    check_resume(user_net(FUNCTIONS), method, tmp_path)


def test_so_it_does_with_tied_weights(user_net, tmp_path):
    check_resume(user_net(TIED), "none", tmp_path)


@pytest.mark.slow
def test_so_it_does_with_timm(tmp_path):
    if importlib.util.find_spec("timm") is None:
        pytest.skip("needs timm, which the test extra brings")
    check_resume("timm:resnet18", "dropout", tmp_path, shape=(16, 16, 3))


def test_training_leaves_global_generators_alone(user_net):
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state()
    model = build(user_net(NOISY)).train()
    model.at(1, 1)
    model(torch.zeros(2, 3, 8, 8))
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_draws_follow_seed_epoch_and_step(user_net):
    spec = user_net(NOISY.replace("if random.random() < 0.5", "if False"))
    x = torch.randn(64, 3, 8, 8)

    def drawn(epoch, step, seed=3):
        model = build(spec, seed=seed).train()
        model.load_state_dict(build(spec).state_dict())
        model.at(epoch, step)
        return model(x)

    assert torch.equal(drawn(1, 2), drawn(1, 2))
    for other in (drawn(1, 3), drawn(2, 2), drawn(1, 2, seed=4)):
        assert not torch.equal(drawn(1, 2), other)


def test_a_training_step_insists_on_its_moment(user_net):
    with pytest.raises(RuntimeError, match="needs at"):
        build(user_net(NOISY)).train()(torch.zeros(2, 3, 8, 8))


def test_images_arrive_in_the_memory_that_view_needs(user_net):
    spec = user_net(
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self, image_shape, classes):\n"
        "        super().__init__()\n        self.fc = nn.LazyLinear(classes)\n"
        "    def forward(self, x):\n        return self.fc(x.view(x.size(0), -1))\n"
    )
    x = torch.randn(2, 8, 8, 3).permute(0, 3, 1, 2)  # as a batch source has them
    model = build(spec).eval()
    weight, bias = model.get_submodule("network.fc").parameters()
    torch.testing.assert_close(model(x), x.contiguous().flatten(1) @ weight.T + bias)


def test_a_single_image_that_batch_norm_cannot_take_is_given_twice(user_net):
    """As in Keras: the mean is the image, the variance zero, so what comes out is the bias."""
    model = build(user_net(BATCH_NORM_OF_VECTORS, "net"))
    assert model.needs_batches_of_two
    assert model.own_batch_norms == 1
    model.train().at(1, 1)
    logits = model(torch.randn(1, 3, 8, 8))
    head = model.get_submodule("network.4")
    torch.testing.assert_close(logits, head(torch.zeros(1, 6)))
    assert not build(user_net(NOISY)).needs_batches_of_two


def test_trying_it_out_leaves_no_trace(user_net):
    model = build(user_net(NOISY))
    assert int(model.state_dict()["network.norm.num_batches_tracked"]) == 0
    assert not model.state_dict()["network.norm.running_mean"].any()


def test_a_copied_model_runs_its_own_inserted_layers(user_net):
    model = build(user_net(NOISY.replace("if random.random() < 0.5", "if False")), "dropout:rate=0.9")
    twin = copy.deepcopy(model)
    model.train().at(1, 1)
    twin.eval()
    x = torch.randn(4, 3, 8, 8)
    assert torch.equal(twin(x), build("net.py:Net").eval()(x)), "the copy used the dropout of its original"
    twin.train().at(5, 5)
    assert model.inserted.pool1.dropout._moment == (1, 1)


def test_counts_are_of_floating_point_numbers_and_each_once(user_net):
    model = build(user_net(TIED))
    parameters = 3 * 6 + 6 + 6 * 3 + 3 + 6 + 6 * CLASSES + CLASSES
    assert model.parameter_counts() == (parameters + 4 + 5, parameters)


def test_frozen_parameters_do_not_count_as_trained(user_net):
    model = build(user_net(NOISY.replace("self.fc =", "self.conv.requires_grad_(False)\n        self.fc =")))
    total, trained = model.parameter_counts()
    assert total - trained == (8 * 27 + 8) + 2 * 8  # the convolution, and moving mean and variance


def test_all_state_survives_a_file(user_net):
    model = build(user_net(TIED))
    with torch.no_grad():
        for value in model.parameters():
            value.add_(1)
    model.get_submodule("network").seen += 5
    loaded = safetensors.torch.load(safetensors.torch.save(model.tensors()))
    assert loaded.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert loaded[name].dtype == value.dtype
        assert torch.equal(loaded[name], value)
    assert loaded["network.seen"].dtype == torch.int64
    assert loaded["network.mask"].dtype == torch.bool


def test_integers_stay_integers_in_any_precision(user_net):
    model = build(user_net(TIED)).to(torch.float64)
    assert model.state_dict()["network.seen"].dtype == torch.int64


def test_inserted_layers_get_gradients_through_the_hook(user_net):
    model = build(user_net(NOISY.replace("if random.random() < 0.5", "if False")), "dropout:rate=0.5")
    model.train().at(1, 1)
    F.cross_entropy(model(torch.randn(8, 3, 8, 8)), torch.zeros(8, dtype=torch.int64)).backward()
    assert model.get_submodule("network.fc").weight.grad.isfinite().all()
