"""Other devices than the CPU: there is none here, but every tensor of a step can be seen to be where it belongs.

PyTorch's "meta" device computes shapes and no numbers, and refuses, as others do, to mix its tensors with those of the
CPU.
"""

import contextlib

import pytest
import torch

import overfitlab
from overfitlab.errors import UsageError
from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.training import compute
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer
from overfitlab.training.metrics import RunningMean


@pytest.mark.slow
@pytest.mark.parametrize("method", [*registry.built_in_names(), "batch_norm+dropout+l2+mixup+weight_averaging"])
def test_a_training_step_stays_on_its_device(trainer_of, method, monkeypatch):
    on_cpu = trainer_of(method, protocol="clean")
    trainer = Trainer(on_cpu._config, on_cpu.material, on_cpu.model, Compute("float32", threads=1, device="meta"))
    monkeypatch.setattr(Compute, "autocast", lambda self: contextlib.nullcontext())  # there is none for "meta"
    seen = []
    monkeypatch.setattr(RunningMean, "add", lambda self, loss, logits, y: seen.extend([loss, logits, y]))
    monkeypatch.setattr(RunningMean, "values", lambda self: (0.0, 0.0))
    trainer.train_epoch(1, trainer.batches(16), Listener())
    assert seen
    assert {tensor.device.type for tensor in seen} == {"meta"}
    assert {value.device.type for value in trainer.model.tensors().values()} == {"meta"}
    moments = trainer.optimizer.state()
    assert moments
    assert {value.device.type for value in moments.values()} == {"meta"}


def test_a_device_that_is_not_here_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(compute.AVAILABLE, "cuda", lambda: False)
    with pytest.raises(UsageError, match="PyTorch finds no cuda device here; leave --device out"):
        overfitlab.train("none", "digits", device="cuda", out=tmp_path / "run", verbose=False)
    assert not (tmp_path / "run").exists()


def test_an_unknown_device_is_one_line(tmp_path):
    with pytest.raises(UsageError, match="unknown device 'gpu'"):
        overfitlab.train("none", "digits", device="gpu", out=tmp_path / "run", verbose=False)


def test_other_devices_take_float32_and_plain_pytorch(monkeypatch):
    monkeypatch.setitem(compute.AVAILABLE, "mps", lambda: True)
    assert compute.resolve("auto", 3, "mps") == Compute("float32", 3, "mps", kernels="off")
    assert compute.resolve("bfloat16", 3, "mps").precision == "bfloat16"
    with pytest.raises(UsageError, match="an mps device does not support float64"):
        compute.resolve("float64", 3, "mps")


def test_both_kinds_of_optimizer_step_are_one():
    """The fused one of the CPU, and the one for devices without: the same numbers."""
    from overfitlab.training import optimizer

    def trained(fused):
        torch.manual_seed(0)
        model = torch.nn.Linear(5, 3).double()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(optimizer, "FUSED", fused)
            adam = optimizer.KerasAdam(model, {"weight": 0.01})
            for _ in range(20):
                torch.autograd.backward(model(torch.ones(4, 5, dtype=torch.float64)).square().mean())
                adam.step(1e-2)
        return [value.detach() for value in model.parameters()]

    for one, other in zip(trained(("cpu",)), trained(()), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
