"""Mixup and CutMix: weights and areas read back from what they return, against the papers' distributions."""

import numpy as np
import pytest
import scipy.stats
import torch

from overfitlab.methods import registry
from overfitlab.randomness import Key

COUNT = 1500


def batch(height=2, width=2, count=COUNT):
    """Images that can be told apart by any pixel, each with a class of its own, so that labels name the partners."""
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(count, 2, height, width)))
    return x.contiguous(memory_format=torch.channels_last), torch.eye(count, dtype=torch.float64)


def mixed(method, x, y, step=0):
    images, labels = method.batch(x.clone(memory_format=torch.preserve_format), y.clone(), (Key(0) / step).generator())
    assert images.shape == x.shape
    assert images.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(labels.sum(1), torch.ones(len(y)).double(), rtol=1e-12, atol=0)
    assert labels.min() >= 0
    return images, labels


def partners(labels):
    """Return whose class each image has besides its own; its own index where there is no other."""
    others = labels - torch.diag(labels.diag())
    return torch.where(others.sum(1) > 0, others.argmax(1), torch.arange(len(labels)))


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 5.0])
def test_mixup_weights_are_beta_distributed_one_for_each_image(alpha):
    _, labels = mixed(registry.make("mixup", alpha=alpha), *batch())
    assert scipy.stats.kstest(labels.diag().numpy(), scipy.stats.beta(alpha, alpha).cdf).pvalue > 0.01
    assert labels.diag().var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.15)


def test_mixup_blends_images_as_it_blends_their_labels():
    x, y = batch()
    images, labels = mixed(registry.make("mixup", alpha=1.0), x, y)
    wanted = np.einsum("bk,kchw->bchw", labels.numpy(), x.numpy())  # image k is the only one of class k
    np.testing.assert_allclose(images.numpy(), wanted, atol=1e-12)
    assert len(partners(labels).unique()) == COUNT, "a permutation: each image is a partner once"


def test_mixup_draws_anew_in_every_step():
    x, y = batch(count=10)
    method = registry.make("mixup", alpha=1.0)
    assert not torch.equal(mixed(method, x, y)[1], mixed(method, x, y, step=1)[1])


HEIGHT, WIDTH = 60, 40


@pytest.fixture(scope="module", params=[0.3, 1.0, 4.0], ids=lambda alpha: f"alpha={alpha}")
def cut(request):
    """Images, labels, and which pixels are from the partner [B, H, W]."""
    x, y = batch(HEIGHT, WIDTH, 600)
    images, labels = mixed(registry.make("cutmix", probability=1.0, alpha=request.param), x, y)
    return request.param, x, images, labels, (images != x).any(1)


def test_cutmix_labels_follow_the_shares_of_pixels(cut):
    _, _, _, labels, foreign = cut
    share = 1 - foreign.double().mean((1, 2))
    other = partners(labels) != torch.arange(len(labels))
    torch.testing.assert_close(labels.diag()[other], share[other], rtol=0, atol=1e-12)
    assert (labels.diag()[~other] == 1).all()


def test_cutmix_pixels_come_from_the_same_place_in_the_partner(cut):
    _, x, images, labels, foreign = cut
    wanted = torch.where(foreign[:, None], x[partners(labels)], x)
    assert torch.equal(images, wanted)
    down, across = foreign.any(2).sum(1), foreign.any(1).sum(1)
    assert torch.equal(foreign.sum((1, 2)), down * across), "one full rectangle"
    assert len(partners(labels)[foreign.any(2).any(1)].unique()) == foreign.any(2).any(1).sum(), "of a permutation"


def test_cutmix_has_the_papers_share_of_foreign_pixels(cut):
    """A side s around a uniform centre shows s - s^2 / 4 of itself on average, the rest lies beyond the edges."""
    alpha, _, _, _, foreign = cut
    side = np.sqrt(scipy.stats.beta(alpha, alpha).rvs(200_000, random_state=0))  # 1 - w is distributed as w
    visible = (side - side**2 / 4) ** 2
    found = foreign.double().mean((1, 2)).numpy()
    assert found.mean() == pytest.approx(visible.mean(), abs=4 * visible.std() / np.sqrt(len(found)) + 1 / WIDTH)
    if alpha == 1:
        assert visible.mean() == pytest.approx(1 / 2 - 1 / 5 + 1 / 48, abs=2e-3)  # integrated by hand


def test_cutmix_rectangles_have_the_shape_of_the_image_and_any_centre(cut):
    _, _, _, _, foreign = cut
    down, across = foreign.any(2).numpy(), foreign.any(1).numpy()
    inside = foreign.any(2).any(1).numpy()
    for span in (down, across):
        inside = inside & ~span[:, 0] & ~span[:, -1]  # not cut at an edge
    assert inside.sum() > 50
    assert np.abs(down[inside].mean(1) - across[inside].mean(1)).max() <= 2 / HEIGHT + 2 / WIDTH
    for span in (down, across):
        assert span.any(0).all(), "every row and column is reached"
        assert span.mean(0)[0] < span.mean(0)[span.shape[1] // 2], "the middle more often than the edges"


@pytest.mark.parametrize("probability", [0.25, 0.5, 0.9])
def test_cutmix_leaves_the_other_images_alone(probability):
    x, y = batch(32, 32)
    images, labels = mixed(registry.make("cutmix", probability=probability, alpha=1.0), x, y)
    changed = (images != x).flatten(1).any(1)
    assert torch.equal(changed, labels.diag() < 1)
    empty = (2 / 32) ** 2  # of those that are to be cut: sides of less than two pixels
    spread = 4 * np.sqrt(probability * (1 - probability) / COUNT)
    assert changed.double().mean().item() == pytest.approx(probability * (1 - empty), abs=spread)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_a_batch_of_one_image_stays_as_it_is(name):
    x, y = batch(8, 8, count=1)
    images, labels = mixed(registry.parse(name), x, y)
    torch.testing.assert_close(images, x)
    torch.testing.assert_close(labels, y)
