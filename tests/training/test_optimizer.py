"""Adam where a parameter has no gradient now and then; test_against_keras.py has the rest."""

import math

import numpy as np
import torch
from torch import nn

from overfitlab.training.optimizer import KerasAdam

LEARNING_RATE = 0.01


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor([3.0, -1.0], dtype=torch.float64))


GRADIENTS = [(1.0, None), (0.5, 2.0), (-2.0, None), (0.1, -1.0), (None, 0.3), (1.0, 1.0)]


def run(model, optimizer, gradients):
    for one, other in gradients:
        for parameter, gradient in ((model.a, one), (model.b, other)):
            parameter.grad = None if gradient is None else torch.full_like(parameter, gradient)
        optimizer.step(LEARNING_RATE)


def test_its_time_counts_all_steps():
    """As in Keras, whose one counter is the optimizer's: moments stay, the bias correction goes on."""
    model = Two()
    run(model, KerasAdam(model), GRADIENTS)
    for value, start, series in zip(
        (model.a, model.b), ([1.0, 2.0], [3.0, -1.0]), zip(*GRADIENTS, strict=True), strict=True
    ):
        theta, m, v = np.array(start), 0.0, 0.0
        for t, gradient in enumerate(series, start=1):
            if gradient is not None:
                m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
                rate = LEARNING_RATE * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
                theta -= rate * m / (math.sqrt(v) + 1e-7)
        np.testing.assert_allclose(value.detach().numpy(), theta, rtol=1e-9)


def test_it_goes_on_the_same_after_a_resume():
    for cut in range(1, len(GRADIENTS)):
        whole, first = Two(), Two()
        run(whole, KerasAdam(whole), GRADIENTS)
        optimizer = KerasAdam(first)
        run(first, optimizer, GRADIENTS[:cut])
        second = Two()
        second.load_state_dict(first.state_dict())
        resumed = KerasAdam(second)
        resumed.load_state(optimizer.state(), cut)
        run(second, resumed, GRADIENTS[cut:])
        assert torch.equal(second.a, whole.a)
        assert torch.equal(second.b, whole.b)
