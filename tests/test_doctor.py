"""What the doctor finds, on this machine and on worse ones."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch

from overfitlab import doctor, machine
from overfitlab.doctor import NOTE, OK, PROBLEM


def check(name):
    return next(one for one in doctor.examine() if one.name == name)


def test_this_machine_can_train():
    checks = doctor.examine()
    assert not [one for one in checks if one.level == PROBLEM]
    assert {"Python", "PyTorch", "device", "processor", "computation", "memory", "runs", "cache", "digits"} <= {
        one.name for one in checks
    }
    assert torch.__version__ in check("PyTorch").text
    for one in checks:
        assert one.level in doctor.LEVELS
        assert "\n" not in one.text + one.advice
        if one.level == NOTE and one.name != "device":
            assert one.advice, f"{one.name}: what to do?"


def test_it_writes_nothing_and_asks_nobody(monkeypatch, tmp_path):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("it asks the network"))
    before = sorted(tmp_path.rglob("*"))
    doctor.examine()
    assert sorted(tmp_path.rglob("*")) == before


def test_what_auto_means_is_what_training_resolves():
    from overfitlab.training import compute

    auto = compute.resolve("auto", None)
    assert f"by default {auto.precision}, {auto.threads} thread" in check("computation").text


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    assert check("Python").level == PROBLEM


def test_a_pytorch_that_cannot_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    found = check("PyTorch")
    assert found.level == PROBLEM
    assert "pip install torch" in found.advice


def test_a_package_that_is_missing(monkeypatch):
    original = importlib.metadata.version

    def version(name):
        if name == "scikit-learn":
            raise importlib.metadata.PackageNotFoundError(name)
        return original(name)

    needed = ["numpy>=2.0", "scikit-learn>=1.5", 'pytest>=8; extra == "test"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: needed)
    assert check("packages") == doctor.Check("packages", OK, "all 2 required")
    monkeypatch.setattr(importlib.metadata, "version", version)
    found = check("packages")
    assert (found.level, found.advice) == (PROBLEM, "pip install scikit-learn")


def test_a_gpu_is_there_but_not_used(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    found = check("device")
    assert found.level == NOTE
    assert "CUDA can be used with train --device, but is untested" in found.text


def test_little_memory_and_little_disk(monkeypatch):
    monkeypatch.setattr(machine, "available_memory", lambda: 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    assert check("memory").level == NOTE
    assert check("runs").level == NOTE


@pytest.mark.parametrize("name", ["runs", "cache"])
def test_folders_that_cannot_be_written(monkeypatch, name):
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = check(name)
    assert found.level == (PROBLEM if name == "runs" else NOTE)
    assert "cannot be written" in found.text


def test_a_file_where_runs_should_be():
    Path("runs").write_bytes(b"")
    assert check("runs").level == PROBLEM


def test_data_is_where_it_is_found(small_cifar10, monkeypatch):
    assert check("cifar10").level == NOTE
    assert "overfitlab data fetch cifar10 (170 MB)" in check("cifar10").advice
    monkeypatch.setenv("OVERFITLAB_DATA", str(small_cifar10))
    found = check("cifar10")
    assert found.level == OK
    assert str(small_cifar10) in found.text
    assert "not verified yet" in found.text
    monkeypatch.setenv("OVERFITLAB_DATA", str(small_cifar10 / "missing"))
    assert check("data").level == PROBLEM


def test_what_may_be_fetched(monkeypatch):
    assert check("cache").level == NOTE
    assert check("cache").advice == "unset $OVERFITLAB_OFFLINE to allow it"
    monkeypatch.delenv("OVERFITLAB_OFFLINE")
    monkeypatch.setenv("OVERFITLAB_MIRROR", "http://mirror.institute.example/")
    assert check("cache").level == OK
    assert "http://mirror.institute.example/ is tried first" in check("cache").text


def test_extras(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    found = check("timm")
    assert found.level == NOTE
    assert "overfitlab[timm]" in found.advice
