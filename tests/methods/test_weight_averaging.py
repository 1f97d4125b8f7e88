"""Weight averaging against NumPy and PyTorch's `AveragedModel`, alone and in the loop."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from overfitlab.events import Listener, StepDone
from overfitlab.methods import registry
from overfitlab.training import loop

DECAYS = pytest.mark.parametrize("decay", [0.1, 0.5, 0.9, 0.98, 0.99999])


class Small(nn.Module):
    """Two parameters, a buffer of moving statistics, and a counter."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 2, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(3, dtype=torch.float64))
        self.register_buffer("moving", torch.zeros(4, dtype=torch.float64))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def follow(self, t):
        """Take the weights of step t, whatever the optimizer was."""
        rng = np.random.default_rng(t)
        with torch.no_grad():
            for value in (self.weight, self.bias, self.moving):
                value.copy_(torch.from_numpy(rng.normal(size=tuple(value.shape))))
            self.batches.fill_(t)


def tracked(decay):
    model = Small()
    model.follow(0)
    return model, registry.make("weight_averaging", decay=decay).tracker(model)


@DECAYS
def test_it_equals_the_formula_in_numpy(decay):
    model, tracker = tracked(decay)
    average = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    for t in range(1, 101):
        model.follow(t)
        tracker.after_step()
        kept = min(decay, (1 + t) / (10 + t))
        for name in ("weight", "bias", "moving"):
            average[name] = kept * average[name] + (1 - kept) * model.state_dict()[name].numpy()
    for name in ("weight", "bias", "moving"):
        np.testing.assert_allclose(tracker.evaluation_model().state_dict()[name], average[name], rtol=0, atol=1e-12)
    assert tracker.evaluation_model().batches.item() == 100, "a counter is copied"
    assert model.batches.item() == 100
    assert not any(value.requires_grad for value in tracker.evaluation_model().parameters())


@DECAYS
def test_it_equals_pytorchs_averaged_model(decay):
    def follow(averages, values, steps):
        kept = min(decay, (1 + steps.item()) / (10 + steps.item()))
        for average, value in zip(averages, values, strict=True):
            average.copy_(average * kept + value * (1 - kept) if average.is_floating_point() else value)

    model, tracker = tracked(decay)
    theirs = AveragedModel(model, multi_avg_fn=follow, use_buffers=True)
    theirs.update_parameters(model)  # the first update copies: the initial weights
    for t in range(1, 31):
        model.follow(t)
        tracker.after_step()
        with torch.no_grad():
            theirs.update_parameters(model)
    for mine, yours in zip(
        tracker.evaluation_model().state_dict().values(), theirs.module.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(mine, yours, rtol=0, atol=1e-12)


def test_it_takes_the_noise_of_the_steps_away():
    """Of independent steps around a mean, an average with decay d keeps (1 - d) / (1 + d) of the variance."""
    model, tracker = tracked(0.9)
    averages = []
    for t in range(1, 3001):
        model.follow(t)
        tracker.after_step()
        if t > 200:
            averages.append(tracker.evaluation_model().weight.numpy().copy())
    assert np.var(averages) == pytest.approx(0.1 / 1.9, rel=0.1)


def test_it_goes_on_from_its_state_to_the_bit():
    model, tracker = tracked(0.98)
    for t in range(1, 8):
        model.follow(t)
        tracker.after_step()
    state = {name: value.clone() for name, value in tracker.state_dict().items()}
    assert all(value.is_contiguous() for value in tracker.state_dict().values())
    held = {value.data_ptr() for value in tracker.evaluation_model().state_dict().values()}
    assert held.isdisjoint(value.data_ptr() for value in tracker.state_dict().values()), "memory of its own"
    other, resumed = tracked(0.98)
    resumed.load_state_dict(state)
    for t in range(8, 20):
        for follower, follows in ((model, tracker), (other, resumed)):
            follower.follow(t)
            follows.after_step()
    for one, again in zip(tracker.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, again)


def test_without_decay_the_weights_themselves_are_measured(trainer_of):
    trainer = trainer_of("weight_averaging:decay=0")
    assert trainer.regularization.tracker is None
    assert trainer.evaluated is trainer.model


class Watching(Listener):
    """Notes the weights and statistics after every step."""

    def __init__(self, trainer):
        self._trainer = trainer
        self.seen = [self._now()]

    def _now(self):
        return {name: value.detach().numpy().copy() for name, value in self._trainer.model.state_dict().items()}

    def on(self, event):
        if isinstance(event, StepDone):
            self.seen.append(self._now())


@pytest.mark.parametrize("protocol", ["notebook", "clean"])
def test_the_loop_measures_and_hands_over_the_average(trainer_of, protocol, monkeypatch):
    """And training itself is what it is without it; batch norm has moving statistics and, under clean, a counter."""
    monkeypatch.setattr(loop, "TELL_SECONDS", 0.0)  # every step
    options = {"epochs": 2, "learning_rate": 0.01, "protocol": protocol}
    plain = trainer_of("batch_norm", **options)
    plain.train(lambda: None, Listener())
    trainer = trainer_of("weight_averaging:decay=0.6+batch_norm", **options)
    watching = Watching(trainer)
    trainer.train(lambda: None, watching)
    average, *later = watching.seen
    for t, weights in enumerate(later, start=1):
        kept = min(0.6, (1 + t) / (10 + t))
        average = {
            name: kept * average[name] + (1 - kept) * value if value.dtype.kind == "f" else value
            for name, value in weights.items()
        }
    assert len(later) == 6
    handed_over = trainer.hand_over().state_dict()
    for name, value in average.items():
        np.testing.assert_allclose(handed_over[name].numpy(), value, rtol=0, atol=1e-12)
    for name, value in plain.model.state_dict().items():
        assert torch.equal(trainer.model.state_dict()[name], value), "training is not changed"
    [(x, labels)] = trainer.batches(64).in_order(trainer.material.split.validation, 64)
    with torch.inference_mode():
        losses = [F.cross_entropy(model.eval()(x), labels).item() for model in (trainer.evaluated, trainer.model)]
    assert trainer.progress.rows[-1].val_loss == pytest.approx(losses[0], rel=1e-9)
    assert abs(losses[0] - losses[1]) > 1e-4, "the average and the weights differ"
