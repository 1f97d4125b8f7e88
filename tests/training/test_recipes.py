"""Optimizers and schedules against Keras's (on PyTorch) and PyTorch's own, 50 steps in float64."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from overfitlab import optimization
from overfitlab.config import protocol_named
from overfitlab.training.optimizer import GradientDescent, KerasAdam, optimizer_for
from overfitlab.training.schedule import learning_rate

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

EPOCHS, AN_EPOCH = 10, 5
STEPS = EPOCHS * AN_EPOCH
RATE = 0.05
OPTIMIZERS = [
    "adam", "adam:beta_1=0.8,beta_2=0.95,epsilon=0.001", "adamw", "adamw:weight_decay=0.3,beta_1=0.85", "sgd",
    "sgd:momentum=0.9", "sgd:momentum=0.9,nesterov=true", "sgd:momentum=0.8,weight_decay=0.05",
    "sgd:momentum=0.8,nesterov=true,weight_decay=0.05", "sgd:weight_decay=0.1",
]  # fmt: skip
SCHEDULES = [
    "constant", "constant:warm_up=3", "cosine", "cosine:warm_up=2", "step:every=3,factor=0.5",
    "step:every=2,factor=0.1,warm_up=2", "one-cycle", "one-cycle:pct_start=0.5,div_factor=10,final_div_factor=100",
]  # fmt: skip


class Small(nn.Module):
    """A kernel and a bias, which is no kernel."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.kernel = nn.Parameter(torch.randn(4, 3, dtype=torch.float64, generator=generator))
        self.bias = nn.Parameter(torch.randn(3, dtype=torch.float64, generator=generator))


def gradients(steps=STEPS):
    generator = torch.Generator().manual_seed(7)
    for _ in range(steps):
        yield [torch.randn(shape, dtype=torch.float64, generator=generator) for shape in ((4, 3), (3,))]


def rates(schedule):
    protocol = protocol_named("notebook", schedule=schedule, learning_rate=RATE, epochs=EPOCHS)
    return [learning_rate(protocol, step, STEPS) for step in range(STEPS)]


def ours(asked, schedule="constant", decays=None):
    model = Small()
    optimizer = optimizer_for(asked, model, decays or {})
    for rate, (kernel, bias) in zip(rates(schedule), gradients(), strict=True):
        model.kernel.grad, model.bias.grad = kernel.clone(), bias.clone()
        optimizer.step(rate)
    return model


def pytorchs_schedule(optimizer, schedule):
    """Return PyTorch's own scheduler, made of its own parts."""
    asked, parts = optimization.schedule(schedule), torch.optim.lr_scheduler
    rising = asked.warming * AN_EPOCH
    match asked:
        case optimization.OneCycle():
            return parts.OneCycleLR(
                optimizer, RATE, total_steps=STEPS, pct_start=asked.pct_start, div_factor=asked.div_factor,
                final_div_factor=asked.final_div_factor, cycle_momentum=False,
            )  # fmt: skip
        case optimization.Cosine():
            rest = lambda step: (1 + math.cos(math.pi * step / (STEPS - rising))) / 2  # noqa: E731
        case optimization.Step():
            # StepLR multiplies again and again, which rounds otherwise in the last bits
            rest = lambda step: asked.factor ** (step // (asked.every * AN_EPOCH))  # noqa: E731
        case _:
            rest = lambda step: 1.0  # noqa: E731
    return parts.LambdaLR(optimizer, lambda step: step / rising if step < rising else rest(step - rising))


def pytorchs(asked, schedule):
    model, settings = Small(), optimization.optimizer(asked)
    groups = [{"params": [model.kernel]}, {"params": [model.bias], "weight_decay": 0.0}]
    match settings:
        case optimization.Sgd():
            optimizer = torch.optim.SGD(
                groups, RATE, momentum=settings.momentum, nesterov=settings.nesterov,
                weight_decay=settings.weight_decay, foreach=False,
            )  # fmt: skip
        case _:
            kind = torch.optim.AdamW if isinstance(settings, optimization.AdamW) else torch.optim.Adam
            optimizer = kind(
                groups, RATE, (settings.beta_1, settings.beta_2), weight_decay=settings.decay, foreach=False
            )
    scheduler = pytorchs_schedule(optimizer, schedule)
    for step, (kernel, bias) in enumerate(gradients(), start=1):
        model.kernel.grad, model.bias.grad = kernel.clone(), bias.clone()
        if not isinstance(settings, optimization.Sgd):  # Keras's epsilon, in PyTorch's place
            for group in optimizer.param_groups:
                group["eps"] = settings.epsilon / math.sqrt(1 - settings.beta_2**step)
        optimizer.step()
        scheduler.step()
    return model


def assert_same(one, other):
    for name, value in one.named_parameters():
        np.testing.assert_allclose(
            value.detach().numpy(), np.asarray(dict(other.named_parameters())[name].detach()), rtol=1e-8, atol=1e-8
        )


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("asked", OPTIMIZERS)
def test_fifty_steps_are_those_of_pytorch(asked, schedule):
    assert_same(ours(asked, schedule), pytorchs(asked, schedule))


@pytest.mark.parametrize("asked", OPTIMIZERS)
def test_without_a_fused_step_they_are_the_same(asked, monkeypatch):
    fused = ours(asked, "cosine:warm_up=1")
    monkeypatch.setattr("overfitlab.training.optimizer.FUSED", ())
    assert_same(fused, ours(asked, "cosine:warm_up=1"))


def kerass_schedule(schedule):
    parts, asked = keras.optimizers.schedules, optimization.schedule(schedule)
    match asked:
        case optimization.Cosine(warm_up=0):
            return parts.CosineDecay(RATE, STEPS)
        case optimization.Cosine():
            rising = asked.warm_up * AN_EPOCH
            return parts.CosineDecay(0.0, STEPS - rising, warmup_target=RATE, warmup_steps=rising)
        case optimization.Step():
            return parts.ExponentialDecay(RATE, asked.every * AN_EPOCH, asked.factor, staircase=True)
        case _:
            return RATE


def kerass(asked, schedule):
    settings, decays = optimization.optimizer(asked), Small()
    rate = kerass_schedule(schedule)
    match settings:
        case optimization.Sgd():
            optimizer = keras.optimizers.SGD(rate, momentum=settings.momentum, nesterov=settings.nesterov)
        case _:
            kind = keras.optimizers.AdamW if settings.decay else keras.optimizers.Adam
            more = {"weight_decay": settings.weight_decay} if settings.decay else {}
            optimizer = kind(rate, beta_1=settings.beta_1, beta_2=settings.beta_2, epsilon=settings.epsilon, **more)
    start = Small()
    variables = [keras.Variable(value.detach().numpy(), name=name) for name, value in start.named_parameters()]
    if settings.decay:
        optimizer.exclude_from_weight_decay(var_list=variables[1:])
    for kernel, bias in gradients():
        optimizer.apply([keras.ops.convert_to_tensor(each.numpy()) for each in (kernel, bias)], variables)
    with torch.no_grad():
        decays.kernel.copy_(variables[0].value)
        decays.bias.copy_(variables[1].value)
    return decays


@pytest.mark.usefixtures("float64_keras")
@pytest.mark.parametrize("schedule", ["constant", "cosine", "cosine:warm_up=2", "step:every=3,factor=0.5"])
@pytest.mark.parametrize("asked", ["adam", OPTIMIZERS[1], "adamw", OPTIMIZERS[3], "sgd"])
def test_fifty_steps_are_those_of_keras(asked, schedule):
    assert_same(ours(asked, schedule), kerass(asked, schedule))


@pytest.mark.usefixtures("float64_keras")
@pytest.mark.parametrize("asked", ["sgd:momentum=0.9", "sgd:momentum=0.9,nesterov=true"])
def test_momentum_is_kerass_too_where_the_rate_is_constant(asked):
    assert_same(ours(asked), kerass(asked, "constant"))


@pytest.mark.usefixtures("float64_keras")
@pytest.mark.parametrize("schedule", ["cosine:warm_up=2", "step:every=3,factor=0.5"])
def test_schedules_are_kerass(schedule):
    wanted = [float(kerass_schedule(schedule)(step)) for step in range(STEPS)]
    np.testing.assert_allclose(rates(schedule), wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("asked", ["adamw:weight_decay=0.2", "sgd:weight_decay=0.2"])
def test_weight_decay_leaves_out_what_is_no_kernel(asked):
    with_decay, without = ours(asked), ours(asked.replace("0.2", "0.0"))
    assert torch.equal(with_decay.bias, without.bias)
    assert with_decay.kernel.norm() < without.kernel.norm()


def test_the_decays_of_adamw_and_of_a_method_add_up():
    both = ours("adamw:weight_decay=0.2", decays={"kernel": 0.1})
    assert_same(both, ours("adamw:weight_decay=0.3"))
    assert_same(ours("adam", decays={"kernel": 0.3}), ours("adamw:weight_decay=0.3"))


def test_weight_decay_of_gradient_descent_is_an_l2_penalty_of_half_of_it():
    """d/dw of rate * w^2 is 2 * rate * w."""
    rate, model = 0.05, Small()
    optimizer = GradientDescent(model, settings=optimization.Sgd(momentum=0.9))
    for kernel, bias in gradients():
        model.kernel.grad, model.bias.grad = kernel.clone(), bias.clone()
        torch.autograd.backward(rate / 2 * model.kernel.square().sum())
        optimizer.step(RATE)
    assert_same(model, ours("sgd:momentum=0.9,weight_decay=0.05"))


@pytest.mark.parametrize("asked", [*OPTIMIZERS, "sgd:momentum=0.5"])
@pytest.mark.parametrize("left_out", [None, 3])
def test_they_go_on_to_the_bit_after_a_resume(asked, left_out):
    """A parameter may lack a gradient now and then: at the first steps, and where a run is cut."""

    def steps(model, optimizer, first, last):
        for step, (kernel, bias) in enumerate(gradients(12)):
            if first <= step < last:
                model.kernel.grad = kernel.clone()
                model.bias.grad = None if left_out and step % left_out != 1 else bias.clone()
                optimizer.step(RATE / (step + 1))

    for cut in range(1, 12):
        whole, first = Small(), Small()
        steps(whole, optimizer_for(asked, whole, {"kernel": 0.01}), 0, 12)
        optimizer = optimizer_for(asked, first, {"kernel": 0.01})
        steps(first, optimizer, 0, cut)
        second = copy.deepcopy(first)
        resumed = optimizer_for(asked, second, {"kernel": 0.01})
        resumed.load_state({name: value.clone() for name, value in optimizer.state().items()}, cut)
        steps(second, resumed, cut, 12)
        assert torch.equal(second.kernel, whole.kernel)
        assert torch.equal(second.bias, whole.bias)


def test_adam_without_a_word_is_adam_as_ever():
    one, other = Small(), Small()
    plain, asked = KerasAdam(one), optimizer_for("adam", other, {})
    for kernel, bias in gradients():
        for model, optimizer in ((one, plain), (other, asked)):
            model.kernel.grad, model.bias.grad = kernel.clone(), bias.clone()
            optimizer.step(RATE)
    assert torch.equal(one.kernel, other.kernel)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("epochs", [4, 10, 60])
def test_the_mean_of_a_schedule_is_that_of_its_steps(schedule, epochs):
    asked = optimization.schedule(schedule)
    if epochs < asked.least_epochs:
        return
    steps = 1000 * epochs
    mean = math.fsum(asked.share(step, steps, epochs) for step in range(steps)) / steps
    assert asked.mean(epochs) == pytest.approx(mean, abs=1e-3)


def test_one_cycle_is_finite_on_any_number_of_steps():
    """PyTorch's own divides by zero where the rise is one step long."""
    for steps in range(1, 40):
        for share in (0.01, 0.1, 0.25, 0.3, 0.5, 0.99):
            asked = optimization.OneCycle(pct_start=share)
            found = [asked.share(step, steps, 1) for step in range(steps)]
            assert all(0 < value <= 1 for value in found), (steps, share)
