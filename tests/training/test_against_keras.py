"""Keras as an independent oracle: the same network, initial weights and batches give the same trained weights."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from overfitlab.config import RunConfig, protocol_named
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.material import Material
from overfitlab.data.prepare.splits import Split
from overfitlab.data.prepare.standardize import channel_statistics
from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.models.network import Network
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import Key
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer
from overfitlab.training.optimizer import KerasAdam

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

SHAPE, CLASSES = (14, 14, 3), 10  # 14 -> 7 -> 4 -> 2: an odd edge on the way
LEARNING_RATE = 1e-4


def keras_network(method: str, shape=SHAPE, learning_rate=LEARNING_RATE):
    """The notebook's code, with logits instead of a softmax and what `method` means in Keras."""
    layers, regularizers = keras.layers, keras.regularizers
    parts = {part.name: part for part in registry.parse(method).parts}
    normalizations = {
        "batch_norm": layers.BatchNormalization,
        "layer_norm": layers.LayerNormalization,
        "group_norm": lambda: layers.GroupNormalization(parts["group_norm"].groups),
    }
    normalized = [layer for name, layer in normalizations.items() if name in parts]
    penalties = {"l1": regularizers.L1, "l2": regularizers.L2}
    penalty = next((penalties[name](parts[name].rate) for name in penalties if name in parts), None)
    stack = [keras.Input(shape)]
    for number, filters in enumerate((32, 32, 64, 64, 128, 128), start=1):
        stack.append(layers.Conv2D(filters=filters, kernel_size=3, padding="same", kernel_regularizer=penalty))
        stack += [layer() for layer in normalized]
        stack.append(layers.Activation("relu"))
        if number % 2 == 0:
            stack.append(layers.MaxPool2D(pool_size=(2, 2), strides=2, padding="same"))
            if "dropout" in parts:
                stack.append(layers.Dropout(0.0))
    stack += [layers.Flatten(), layers.Dense(256, kernel_regularizer=penalty), *(layer() for layer in normalized)]
    stack += [layers.Activation("relu"), layers.Dense(CLASSES, kernel_regularizer=penalty)]
    model = keras.Sequential(stack)
    optimizer = keras.optimizers.Adam(learning_rate)
    if "weight_decay" in parts:
        optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=parts["weight_decay"].rate)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if "label_smoothing" in parts:
        smoothing = parts["label_smoothing"].smoothing
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    model.compile(optimizer=optimizer, loss=loss, metrics=["acc"])
    return model


def in_keras_order(ours: Network) -> list[np.ndarray]:
    """Our weights as Keras's `get_weights()` lists and shapes them."""
    found = []
    for name, value in ours.state_dict().items():
        array = value.detach().numpy()
        if name.endswith("weight"):
            array = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
        found.append(array)
    return found


def networks(method: str, dtype: torch.dtype):
    ours = notebook_cnn(SHAPE, CLASSES, registry.parse(method), Key(5)).to(dtype).train()
    theirs = keras_network(method)
    theirs.set_weights(in_keras_order(ours))
    return ours, theirs


def batches(dtype: str, sizes: list[int]):
    rng = np.random.default_rng(0)
    for size in sizes:
        x = rng.normal(size=(size, *SHAPE)).astype(dtype)
        yield x, rng.integers(0, CLASSES, size)


def our_step(model: Network, optimizer: KerasAdam, x: np.ndarray, y: np.ndarray, step: int) -> float:
    model.at(1, step)
    loss = F.cross_entropy(model(torch.from_numpy(x).permute(0, 3, 1, 2)), torch.from_numpy(y))
    loss.backward()
    optimizer.step(LEARNING_RATE)
    return loss.item()


METHODS = ["none", "batch_norm", "dropout:rate=0", "batch_norm+dropout:rate=0"]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("float64_keras")
def test_every_weight_equals_keras_after_50_steps_in_float64(method):
    ours, theirs = networks(method, torch.float64)
    start = [weight.copy() for weight in in_keras_order(ours)]
    optimizer = KerasAdam(ours)
    sizes = [8] * 23 + [7, 1] + [8] * 23 + [5, 1]  # two epochs with a partial last batch, and batches of one
    for step, (x, y) in enumerate(batches("float64", sizes), start=1):
        our_loss = our_step(ours, optimizer, x, y, step)
        their_loss = theirs.train_on_batch(x, y)[0]
        if step == 1:
            assert our_loss == pytest.approx(float(their_loss), abs=1e-6)  # Keras reports it in float32
    assert step == 50
    trained = in_keras_order(ours)
    for mine, yours in zip(trained, theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, yours, rtol=0, atol=1e-8)  # 1e-13 where it was measured
    moved = [np.abs(after - before).max() for after, before in zip(trained, start, strict=True)]
    assert sum(change > 1e-4 for change in moved) >= 12  # the comparison is not one of untouched weights


@pytest.fixture
def two_threads():
    """Two threads, however many the tests before left: how float32 sums are shared out decides how they are rounded."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("method", METHODS)
def test_every_weight_equals_keras_after_one_step_in_float32(method):
    ours, theirs = networks(method, torch.float32)
    optimizer = KerasAdam(ours)
    [(x, y)] = batches("float32", [32])
    our_step(ours, optimizer, x, y, 1)
    theirs.train_on_batch(x, y)
    names = list(ours.state_dict())
    layers = dict(ours.named_children())
    for name, mine, yours in zip(names, in_keras_order(ours), theirs.get_weights(), strict=True):
        layer, _, kind = name.partition(".")
        if kind == "bias" and not layers[layer].bias_trains:
            assert not mine.any(), "a bias in front of a batch norm has no gradient and stays exactly zero"
        else:
            # Adam's first step is lr * g / (|g| + 3.2e-6): a rounding error of 1e-7 in a gradient near zero is one
            # of up to 3 % of the step, everywhere else it is far less
            off = np.abs(mine - yours) / LEARNING_RATE
            assert off.max() < 0.1, name
            assert np.mean(off > 0.005) < 1e-3, name


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_equal_keras_in_evaluation_mode(method):
    ours, theirs = networks(method, torch.float32)
    rng = np.random.default_rng(1)
    for step, (x, y) in enumerate(batches("float32", [32] * 5), start=1):  # give the moving statistics a value
        our_step(ours, KerasAdam(ours), x, y, step)
    theirs.set_weights(in_keras_order(ours))
    x = rng.normal(size=(40, *SHAPE)).astype("float32")
    ours.eval()
    with torch.inference_mode():
        mine = ours(torch.from_numpy(x).permute(0, 3, 1, 2)).softmax(1).numpy()
    yours = keras.ops.convert_to_numpy(keras.ops.softmax(theirs(x, training=False)))
    np.testing.assert_allclose(mine, yours, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "total", "trainable"), [("batch_norm", 816_938, 815_530), ("none", 814_122, 814_122)]
)
def test_parameter_counts_are_those_of_the_notebook(method, total, trainable):
    ours = notebook_cnn((32, 32, 3), CLASSES, registry.parse(method), Key(0))
    theirs = keras_network(method, (32, 32, 3))
    assert ours.parameter_counts() == (total, trainable)
    assert theirs.count_params() == total
    assert sum(int(np.prod(weight.shape)) for weight in theirs.trainable_weights) == trainable


def test_dropout_stands_after_each_pooling():
    """Where Keras has its Dropout layers in `keras_network`; their masks are of course others."""
    ours = notebook_cnn(SHAPE, CLASSES, registry.parse("dropout"), Key(0))
    theirs = [type(layer).__name__ for layer in keras_network("dropout").layers]
    mine = [type(layer).__name__ for layer in ours.children()]
    keras_names = {"ReLU": "Activation", "MaxPool2D": "MaxPooling2D", "Sequential": "Dropout"}
    assert [keras_names.get(name, name) for name in mine] == theirs


@pytest.mark.slow
@pytest.mark.usefixtures("float64_keras")
@pytest.mark.parametrize(
    ("method", "schedule"),
    [
        ("none", "constant"),
        ("none", "cosine"),
        ("batch_norm", "constant"),
        ("layer_norm", "constant"),
        ("group_norm:groups=4", "constant"),
        ("l1:rate=0.001", "constant"),
        ("l2:rate=0.01", "constant"),
        ("weight_decay:rate=30", "cosine"),
        ("batch_norm+weight_decay:rate=30", "constant"),
        ("label_smoothing:smoothing=0.3", "constant"),
    ],
)
def test_a_whole_training_equals_kerass_fit(method, schedule):
    """Two epochs of our trainer, data path and metrics included, against the notebook's `fit`.

    Keras adds the penalties to its `val_loss`, and smooths its labels; ours is the plain cross-entropy.
    """
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (130, *SHAPE), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, len(images))
    split = Split(training=rng.permutation(130)[:50], validation=np.arange(30), test=np.arange(0))
    dataset = Dataset("random", images, labels, tuple("0123456789"), split.test, "", "x", official=False)
    chosen = registry.parse(method)
    protocol = protocol_named("notebook", epochs=2, schedule=schedule)
    config = RunConfig(protocol, chosen.spec, "random", seed=5)
    model = notebook_cnn(SHAPE, CLASSES, chosen, Key(5))
    material = Material(dataset, split, channel_statistics(images, np.arange(130)))
    trainer = Trainer(config, material, model, Compute("float64", threads=2))
    cosine = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, decay_steps=2 * 2)  # two steps an epoch
    theirs = keras_network(method, learning_rate=cosine if schedule == "cosine" else LEARNING_RATE)
    theirs.set_weights(in_keras_order(model))
    trainer.train(lambda: None, Listener())

    x = (images - np.mean(images, axis=(0, 1, 2))) / np.std(images, axis=(0, 1, 2))
    y = np.eye(CLASSES)[labels] if "label_smoothing" in method else labels
    validation = x[split.validation], y[split.validation]
    for epoch, row in enumerate(trainer.progress.rows, start=1):
        order = split.training[(Key(5) / "order" / epoch).generator().permutation(50)]
        history = theirs.fit(
            x[order], y[order], batch_size=32, shuffle=False, validation_data=validation, verbose=0
        ).history
        for name in ("loss", "acc", "val_acc"):
            assert getattr(row, name) == pytest.approx(history[name][0], abs=2e-6), name  # Keras's means are float32
        logits = keras.ops.convert_to_tensor(theirs(x[split.validation], training=False))
        plain = keras.losses.sparse_categorical_crossentropy(labels[split.validation], logits, from_logits=True)
        assert row.val_loss == pytest.approx(float(keras.ops.mean(plain)), abs=1e-6)
        if "smoothing" not in method:
            penalties = float(sum(theirs.losses))
            assert (penalties > 0.1) == method.startswith("l1:") | method.startswith("l2:")
            assert row.val_loss + penalties == pytest.approx(history["val_loss"][0], abs=2e-6)
    for mine, yours in zip(in_keras_order(model), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, yours, rtol=0, atol=1e-8)
