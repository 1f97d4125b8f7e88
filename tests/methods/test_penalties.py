"""L1 and L2 against Keras's regularizers; test_against_keras.py has whole trainings under them."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import Key
from overfitlab.training.regularization import Regularization

keras = pytest.importorskip("keras", reason="the test extra brings Keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

BOTH = pytest.mark.parametrize(("name", "of_weights"), [("l1", np.abs), ("l2", np.square)])


def kernels():
    generator = torch.Generator().manual_seed(0)
    shapes = {"conv.weight": (4, 3, 3, 3), "dense.weight": (5, 4)}
    return {
        name: torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()
        for name, shape in shapes.items()
    }


@pytest.mark.usefixtures("float64_keras")
@pytest.mark.parametrize("name", ["l1", "l2"])
def test_penalty_and_gradients_equal_kerass_regularizers(name):
    ours, theirs = kernels(), kernels()
    penalty = registry.make(name, rate=0.03).penalty(ours)
    regularizer = getattr(keras.regularizers, name.upper())(0.03)
    expected = sum(regularizer(kernel) for kernel in theirs.values())
    assert penalty.item() == pytest.approx(expected.item(), rel=1e-12)
    penalty.backward()
    expected.backward()
    for kernel in ours:
        torch.testing.assert_close(ours[kernel].grad, theirs[kernel].grad, rtol=1e-12, atol=0)


def test_l1_pulls_at_all_weights_alike_and_l2_in_proportion():
    weights = torch.tensor([[3.0, -0.5, 0.0]], dtype=torch.float64)
    pulls = {}
    for name in ("l1", "l2"):
        kernel = weights.clone().requires_grad_()
        registry.make(name, rate=0.1).penalty({"w": kernel}).backward()
        pulls[name] = kernel.grad.tolist()[0]
    assert pulls["l1"] == pytest.approx([0.1, -0.1, 0.0])
    assert pulls["l2"] == pytest.approx([0.6, -0.1, 0.0])


@pytest.mark.slow
def test_the_l2_penalty_makes_least_squares_a_ridge_regression():
    """Its optimum against the closed form, to which gradient descent goes."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 1))
    kernel = torch.zeros(4, 1, dtype=torch.float64, requires_grad=True)
    for _ in range(200):
        loss = (torch.from_numpy(x) @ kernel - torch.from_numpy(y)).square().sum()
        loss = loss + registry.make("l2", rate=20).penalty({"kernel": kernel})
        (gradient,) = torch.autograd.grad(loss, kernel)
        kernel = (kernel - 0.005 * gradient).detach().requires_grad_()
    ridge = np.linalg.solve(x.T @ x + 20 * np.eye(4), x.T @ y)
    np.testing.assert_allclose(kernel.detach().numpy(), ridge, atol=1e-9)


@BOTH
def test_kernels_count_and_biases_and_scales_do_not(name, of_weights):
    method = registry.parse(f"{name}:rate=0.1+batch_norm")
    model = notebook_cnn((8, 8, 3), 10, method, Key(0)).double()
    regularization = Regularization(method, model, Key(0))
    weights = {key: value.detach().numpy() for key, value in model.named_parameters()}
    wanted = 0.1 * sum(of_weights(value).sum() for key, value in weights.items() if key.endswith(".weight"))
    assert regularization.penalty().item() == pytest.approx(wanted, rel=1e-12)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if not key.endswith(".weight"):
                parameter.fill_(100.0)
    assert regularization.penalty().item() == pytest.approx(wanted, rel=1e-12)


@BOTH
def test_the_log_of_the_training_includes_it_and_val_loss_does_not(trainer_of, name, of_weights):
    """One epoch of one step: both losses are of the initial weights."""
    options = {"epochs": 1, "batch_size": 64}
    plain, penalized = trainer_of("none", **options), trainer_of(f"{name}:rate=0.01", **options)
    kernels = [value.detach().numpy() for value in plain.model.parameters() if value.ndim > 1]
    penalty = 0.01 * sum(of_weights(kernel).sum() for kernel in kernels)
    for trainer in (plain, penalized):
        trainer.train(lambda: None, Listener())
    assert penalized.progress.rows[0].loss - plain.progress.rows[0].loss == pytest.approx(penalty, rel=1e-9)
    [(x, labels)] = trainer.batches(64).in_order(trainer.material.split.validation, 64)
    with torch.inference_mode():
        loss = F.cross_entropy(penalized.model.eval()(x), labels)
    assert penalized.progress.rows[0].val_loss == pytest.approx(loss.item(), rel=1e-9)
