"""The interval of seeds and images together, beside statsmodels' analysis of variance, and by simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from overfitlab.stats import paired
from overfitlab.stats.crossed import crossed


def drawn(rng, seeds, images, of_seed, of_image, rest, mean=0.0):
    return (
        mean
        + rng.normal(0, of_seed, (seeds, 1))
        + rng.normal(0, of_image, (1, images))
        + rng.normal(0, rest, (seeds, images))
    )


def test_it_is_made_of_the_mean_squares_of_statsmodels():
    seeds, images = 5, 40
    values = drawn(np.random.default_rng(0), seeds, images, 0.3, 0.8, 1.0, 0.2)
    frame = pd.DataFrame(
        {"y": values.ravel(), "seed": np.repeat(range(seeds), images), "image": np.tile(range(images), seeds)}
    )
    table = anova_lm(ols("y ~ C(seed) + C(image)", frame).fit())
    of_seed, of_image, rest = table["mean_sq"]
    total, count = of_seed + of_image - rest, seeds * images
    freedom = total**2 / sum(square**2 / df for square, df in zip((of_seed, of_image, rest), table["df"], strict=True))
    found = crossed(values)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(total / count)
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.mean == pytest.approx(half, rel=1e-9)
    assert found.mean - found.low == pytest.approx(half, rel=1e-9)
    assert found.seed_deviation == pytest.approx(np.sqrt(of_seed / count), rel=1e-9)
    assert found.image_deviation == pytest.approx(np.sqrt((of_image - rest) / count), rel=1e-9)


@pytest.mark.parametrize("of_image", [0.0, 0.5, 2.0])
def test_it_covers_the_truth(of_image):
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(600):
        found = crossed(drawn(rng, 6, 50, 0.15, of_image, 1.0))
        covered.append(found.low <= 0 <= found.high)
    assert 0.93 <= np.mean(covered) <= 1  # conservative where one kind of noise hides in the other


def test_seeds_alone_miss_the_noise_of_images():
    rng = np.random.default_rng(2)
    values = [drawn(rng, 6, 50, 0.05, 2.0, 0.5) for _ in range(400)]
    alone = [paired.estimate(each.mean(1)) for each in values]
    assert np.mean([found.low <= 0 <= found.high for found in alone]) < 0.6


@pytest.mark.parametrize("seed", range(30))
def test_it_is_never_narrower_than_seeds_alone(seed):
    values = drawn(np.random.default_rng(seed), 3, 20, 0.3, 0.3 * (seed % 3), 1.0)
    found, alone = crossed(values), paired.estimate(values.mean(1))
    assert found.low <= alone.low + 1e-9
    assert found.high >= alone.high - 1e-9


@pytest.mark.parametrize("values", [np.zeros((1, 9)), np.zeros((4, 1)), np.zeros((4, 9)), np.full((3, 5), 2.0)])
def test_nothing_to_estimate(values):
    assert crossed(values) is None


def test_few_seeds_and_images_give_no_absurd_interval():
    """Where image noise barely exceeds the rest, Satterthwaite's degrees of freedom fall below any mean square's."""
    rng = np.random.default_rng(0)
    widest = stats.t.ppf(0.975, 2)
    for _ in range(300):
        found = crossed(100.0 * rng.integers(-1, 2, (3, 52)))
        deviation = np.hypot(found.seed_deviation, found.image_deviation)
        assert found.high - found.mean <= widest * deviation * (1 + 1e-9)
