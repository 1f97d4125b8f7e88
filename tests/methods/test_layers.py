"""Each layer against an independent reference, and one test of its mathematics."""

import numpy as np
import pytest
import torch

from overfitlab.methods.batch_norm import BatchNormLayer
from overfitlab.methods.dropout import LEVELS, DropoutLayer
from overfitlab.randomness import Key


def dropped(rate, x, step=1):
    layer = DropoutLayer(rate, Key(0) / "mask").train()
    layer.at(1, step)
    return layer(x)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.9])
def test_dropout_has_its_rate_and_keeps_the_mean(rate):
    y = dropped(rate, torch.ones(50, 8, 16, 16))
    n = y.numel()
    measured = (y == 0).double().mean().item()
    assert measured == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / n) + 1 / LEVELS)
    assert y.mean().item() == pytest.approx(1, abs=5 * np.sqrt(rate / (1 - rate) / n))
    assert y[y > 0].unique().numel() == 1


def test_dropout_equals_numpy_given_the_mask():
    x = torch.randn(4, 3, 5, 7)
    y = dropped(0.3, x)
    mask = (dropped(0.3, torch.ones_like(x)) != 0).numpy()
    levels = round(0.3 * LEVELS)
    np.testing.assert_allclose(y.numpy(), x.numpy() * mask * (LEVELS / (LEVELS - levels)), rtol=1e-6)


def test_dropout_masks_are_independent_of_channel_step_and_layout():
    x = torch.ones(64, 16, 8, 8)
    y = dropped(0.5, x)
    by_channel = (y == 0).double().mean((0, 2, 3))
    assert (by_channel - 0.5).abs().max() < 5 * 0.5 / np.sqrt(64 * 64)
    assert not torch.equal(y, dropped(0.5, x, step=2))
    assert torch.equal(y, dropped(0.5, x.to(memory_format=torch.channels_last)))


def test_dropout_gradient_goes_through_the_mask():
    x = torch.randn(4, 3, 5, 7, requires_grad=True)
    y = dropped(0.3, x)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x.detach(), y.detach())


def test_dropout_in_training_insists_on_its_moment():
    with pytest.raises(RuntimeError, match="needs at"):
        DropoutLayer(0.5, Key(0)).train()(torch.ones(2, 2))


@pytest.mark.parametrize("shape", [(32, 6), (8, 6, 5, 7), (1, 6), (1, 6, 3, 3)])
def test_batch_norm_equals_numpy(shape):
    rng = np.random.default_rng(0)
    layer = BatchNormLayer(6, momentum=0.99, epsilon=1e-3).double().train()
    with torch.no_grad():
        layer.gamma.copy_(torch.from_numpy(rng.normal(size=6)))
        layer.beta.copy_(torch.from_numpy(rng.normal(size=6)))
    x = rng.normal(3, 2, size=shape)
    axes = (0, *range(2, len(shape)))
    per_channel = (1, 6) + (1,) * (len(shape) - 2)
    mean, variance = x.mean(axes).reshape(per_channel), x.var(axes).reshape(per_channel)  # the biased variance
    gamma, beta = (t.detach().numpy().reshape(per_channel) for t in (layer.gamma, layer.beta))
    wanted = gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), wanted, atol=1e-9)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.01 * mean.ravel(), atol=1e-12)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.99 + 0.01 * variance.ravel(), atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 5, 2)])
def test_batch_norm_gradients_are_right(shape):
    layer = BatchNormLayer(4, momentum=0.99, epsilon=1e-3).double().train()
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)


def test_batch_norm_removes_a_constant_in_front_of_it():
    layer = BatchNormLayer(4, momentum=0.99, epsilon=1e-3).double().train()
    x = torch.randn(8, 4, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(layer(x), layer(x + 5))


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99, 1.0])
def test_batch_norm_warm_up_equals_numpy(momentum):
    """The t-th batch weighs max(1 - momentum, 1/t): a plain mean first, a moving one from 1 / (1 - momentum) on."""
    rng = np.random.default_rng(0)
    layer = BatchNormLayer(6, momentum=momentum, epsilon=1e-3, warm_up=True).double().train()
    mean, variance = np.zeros(6), np.ones(6)
    for t in range(1, 201):
        x = rng.normal(3, 2, size=(8, 6))
        layer(torch.from_numpy(x))
        weight = max(1 - momentum, 1 / t)
        mean += weight * (x.mean(0) - mean)
        variance += weight * (x.var(0) - variance)
        if t == 1:
            np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(0), atol=1e-9)
            np.testing.assert_allclose(layer.moving_variance.numpy(), x.var(0), atol=1e-9)
    np.testing.assert_allclose(layer.moving_mean.numpy(), mean, atol=1e-9)
    np.testing.assert_allclose(layer.moving_variance.numpy(), variance, atol=1e-9)


def test_batch_norm_warm_up_changes_only_the_moving_statistics():
    x = torch.randn(8, 4, 3, 3)
    cold, warm = (BatchNormLayer(4, momentum=0.99, epsilon=1e-3, warm_up=on).train() for on in (False, True))
    assert torch.equal(cold(x), warm(x))
    assert not torch.equal(cold.moving_mean, warm.moving_mean)
    assert warm.state_dict().keys() - cold.state_dict().keys() == {"batches"}
    assert cold.state_dict().keys() <= warm.state_dict().keys()


def test_batch_norm_counts_its_batches_in_training_only_and_goes_on_from_a_checkpoint():
    layer, resumed = (BatchNormLayer(4, momentum=0.99, epsilon=1e-3, warm_up=True).train() for _ in range(2))
    batches = torch.randn(6, 8, 4)
    for x in batches[:3]:
        layer(x)
    layer.eval()(batches[3])
    assert layer.batches.dtype == torch.int64
    assert int(layer.batches) == 3
    resumed.load_state_dict(layer.state_dict())
    layer.train()
    for x in batches[3:]:
        layer(x)
        resumed(x)
    assert torch.equal(layer.moving_mean, resumed.moving_mean)
    assert torch.equal(layer.moving_variance, resumed.moving_variance)
