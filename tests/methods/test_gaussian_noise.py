"""Gaussian noise: its distribution, against SciPy and Keras's `GaussianNoise`."""

import numpy as np
import pytest
import scipy.stats
import torch

from overfitlab.methods import registry
from overfitlab.randomness import Key

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own


def noise(std, shape=(40, 3, 16, 16), step=1):
    """In channels-last memory, as batches come."""
    x = torch.zeros(shape, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    y = torch.ones(len(x), 2)
    noisy, labels = registry.make("gaussian_noise", std=std).batch(x, y, (Key(1) / step).generator())
    assert labels is y
    assert noisy.is_contiguous(memory_format=torch.channels_last)
    return noisy


@pytest.mark.parametrize("std", [0.05, 0.1, 1.0])
def test_it_is_normal_with_that_deviation_and_no_mean(std):
    values = noise(std).numpy().ravel()
    n = values.size
    assert values.mean() == pytest.approx(0, abs=4 * std / np.sqrt(n))
    assert values.std() == pytest.approx(std, rel=4 / np.sqrt(2 * n))
    assert scipy.stats.kstest(values, scipy.stats.norm(0, std).cdf).pvalue > 0.01
    theirs = keras.ops.convert_to_numpy(keras.layers.GaussianNoise(std, seed=1)(np.zeros((n, 1)), training=True))
    assert scipy.stats.ks_2samp(values, theirs.ravel()).pvalue > 0.01


def test_every_value_has_a_draw_of_its_own():
    values = noise(1.0, (400, 3, 4, 4)).numpy()
    assert np.unique(values).size == values.size
    correlations = np.corrcoef(values.reshape(400, -1), rowvar=False) - np.eye(48)
    assert np.abs(correlations).max() < 5 / np.sqrt(400)  # between the values of one image
    assert not np.array_equal(values, noise(1.0, (400, 3, 4, 4), step=2).numpy())


def test_it_is_added_to_the_images():
    x = torch.randn(5, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    method = registry.make("gaussian_noise", std=0.3)
    noisy, _ = method.batch(x.clone(), torch.ones(5, 2), Key(0).generator())
    alone, _ = method.batch(torch.zeros_like(x), torch.ones(5, 2), Key(0).generator())
    torch.testing.assert_close(noisy - x, alone)


def test_on_a_linear_model_it_is_tikhonov_regularization():
    """Bishop: the expected squared error with noise is the one without, plus variance * |w|^2."""
    rng = np.random.default_rng(0)
    weights, image, target, std = rng.normal(size=12), rng.normal(size=12), 0.7, 0.4
    many = torch.from_numpy(np.tile(image, (20_000, 1))).reshape(-1, 3, 2, 2)
    noisy, _ = registry.make("gaussian_noise", std=std).batch(many, torch.ones(20_000, 1), Key(0).generator())
    errors = (noisy.reshape(20_000, -1).numpy() @ weights - target) ** 2
    wanted = (image @ weights - target) ** 2 + std**2 * (weights @ weights)
    assert errors.mean() == pytest.approx(wanted, abs=4 * errors.std() / np.sqrt(20_000))


def test_validation_sees_no_noise(trainer_of):
    """Noise that drowns everything: the measured loss is the network's on the images as they are."""
    trainer = trainer_of("gaussian_noise:std=1000")
    rows = trainer.material.split.validation
    assert trainer.measure(rows).loss == trainer_of("none").measure(rows).loss
