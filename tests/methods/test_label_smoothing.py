"""Label smoothing against Keras's loss; test_against_keras.py has a whole training."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch.nn import functional as F

from overfitlab.methods import registry
from overfitlab.randomness import Key

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own
SMOOTHINGS = pytest.mark.parametrize("smoothing", [0.05, 0.1, 0.4, 0.99])


def smoothed(smoothing, y):
    x = torch.zeros(len(y), 1, 2, 2)
    images, labels = registry.make("label_smoothing", smoothing=smoothing).batch(x, y.clone(), Key(0).generator())
    assert images is x
    return labels


def examples(classes=7, count=12):
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.integers(0, classes, count))
    return torch.from_numpy(rng.normal(size=(count, classes)) * 3), labels, torch.eye(classes).double()[labels]


@pytest.mark.usefixtures("float64_keras")
@SMOOTHINGS
def test_the_loss_is_kerass_and_pytorchs(smoothing):
    logits, labels, y = examples()
    ours = F.cross_entropy(logits, smoothed(smoothing, y)).item()
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)(y, logits)
    assert ours == pytest.approx(float(theirs), rel=1e-12)
    assert ours == pytest.approx(F.cross_entropy(logits, labels, label_smoothing=smoothing).item(), rel=1e-12)


@SMOOTHINGS
def test_the_mass_stays_one_and_each_other_class_gets_an_even_share(smoothing):
    _, labels, y = examples()
    found = smoothed(smoothing, y).numpy()
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-12)
    for row, label in zip(found, labels, strict=True):
        np.testing.assert_allclose(np.delete(row, label), smoothing / 7, rtol=1e-12)
        assert row[label] == pytest.approx(1 - smoothing + smoothing / 7)


def test_the_training_loss_cannot_fall_below_the_entropy_of_the_labels():
    _, _, y = examples()
    labels = smoothed(0.2, y)
    entropy = scipy.stats.entropy(labels.numpy(), axis=1).mean()
    best = F.cross_entropy(labels.log(), labels).item()
    assert best == pytest.approx(entropy)
    for logits in (labels.log() * 2, labels.log() / 2, y * 50):
        assert F.cross_entropy(logits, labels).item() > entropy
    np.testing.assert_allclose(scipy.special.softmax(labels.log().numpy(), axis=1), labels.numpy())


def test_labels_that_are_mixed_already_are_smoothed_too():
    y = torch.tensor([[0.7, 0.3, 0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(smoothed(0.2, y), 0.8 * y + 0.05)
