"""Decoupled weight decay against PyTorch's AdamW; test_against_keras.py has whole trainings against Keras's."""

import math

import pytest
import torch
from torch import nn

from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import Key
from overfitlab.training.optimizer import KerasAdam
from overfitlab.training.regularization import Regularization


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 4)).double()


def optimizer_for(model, rate):
    method = registry.make("weight_decay", rate=rate)
    return KerasAdam(model, {name: method.weight_decay(name, value) for name, value in model.named_parameters()})


def test_twenty_steps_equal_pytorchs_adamw():
    """With the epsilon that makes PyTorch's Adam Keras's: 1e-7 / sqrt(1 - b2^t) at step t."""
    ours, theirs = network(), network()
    optimizer = optimizer_for(ours, 3.0)
    kernels, biases = ([value for value in theirs.parameters() if (value.ndim > 1) == many] for many in (True, False))
    groups = [{"params": kernels, "weight_decay": 3.0}, {"params": biases, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=0.01)
    x = torch.randn(20, 8, 2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for t, batch in enumerate(x, start=1):
        for model in (ours, theirs):
            model(batch).square().mean().backward()
        optimizer.step(0.01)
        for group in adamw.param_groups:
            group["eps"] = 1e-7 / math.sqrt(1 - 0.999**t)
        adamw.step()
        adamw.zero_grad()
    for mine, yours in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, yours, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("rate", "learning_rate", "steps"), [(1.0, 1e-3, 1000), (10.0, 1e-4, 500), (0.01, 1e-4, 100)])
def test_without_gradients_a_kernel_shrinks_exponentially_and_a_bias_stays(rate, learning_rate, steps):
    model = network()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = optimizer_for(model, rate)
    for _ in range(steps):
        for value in model.parameters():
            value.grad = torch.zeros_like(value)
        optimizer.step(learning_rate)
    for name, value in model.named_parameters():
        shrunk = math.exp(-steps * learning_rate * rate) if value.ndim > 1 else 1.0
        torch.testing.assert_close(
            value.detach(), shrunk * before[name], rtol=2e-3 * rate * learning_rate * 1e3, atol=0
        )


def test_it_decays_the_kernels_of_a_network_and_nothing_else():
    method = registry.parse("weight_decay:rate=2+batch_norm")
    decays = Regularization(method, notebook_cnn((8, 8, 3), 10, method, Key(0)), Key(0)).weight_decays
    kernels = [*(f"conv{number}.weight" for number in range(1, 7)), "dense1.weight", "dense2.weight"]
    assert decays == dict.fromkeys(kernels, 2.0)


def test_in_the_loop_the_weights_shrink_once_a_step(trainer_of):
    norms = {}
    for method in ("none", "weight_decay:rate=100"):
        trainer = trainer_of(method, learning_rate=1e-3, epochs=1)
        trainer.train(lambda: None, Listener())
        norms[method] = math.sqrt(sum(value.square().sum().item() for value in trainer.model.parameters()))
    steps = math.ceil(40 / 16)
    assert norms["weight_decay:rate=100"] / norms["none"] == pytest.approx((1 - 1e-3 * 100) ** steps, abs=0.02)
