"""Which kernels are used."""

import pytest
import torch

from overfitlab import doctor
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.kernels import library
from overfitlab.training import compute
from overfitlab.training.compute import Compute

INSTRUCTIONS = library.supported()
compiled = pytest.mark.skipif(not INSTRUCTIONS, reason="no kernels were compiled")


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.delenv(library.VARIABLE, raising=False)
    yield
    library.use(library.OFF)


@compiled
def test_the_best_that_the_processor_has():
    assert library.best() == INSTRUCTIONS[0]
    assert INSTRUCTIONS[-1] == "portable"
    assert compute.resolve("float32", 1).kernels == INSTRUCTIONS[0]
    flags = {"avx512": "_is_avx512_supported", "avx2": "_is_avx2_supported"}
    for name, probe in flags.items():
        assert (name in INSTRUCTIONS) == getattr(torch.cpu, probe)()


@compiled
def test_they_run_on_pytorchs_own_threads():
    assert library.use(INSTRUCTIONS[0])
    assert library.library().pooled


@compiled
def test_a_variable_overrides_it(monkeypatch):
    monkeypatch.setenv(library.VARIABLE, "portable")
    assert library.best() == "portable"
    monkeypatch.setenv(library.VARIABLE, "OFF")
    assert library.best() == library.OFF
    monkeypatch.setenv(library.VARIABLE, "mmx")
    with pytest.raises(
        UsageError, match="OVERFITLAB_KERNELS=mmx: choose one of avx512bf16, avx512, avx2, portable, off"
    ):
        library.best()


@compiled
def test_asking_what_there_is_leaves_what_is_used():
    library.use("portable")
    library.supported()
    assert library.library().instructions == "portable"


def test_without_a_compiler_plain_pytorch_computes(monkeypatch):
    monkeypatch.setattr(library, "compiled", lambda: None)
    library.loaded.cache_clear()
    try:
        assert library.best() == library.OFF
        assert library.use(library.OFF)
        assert not library.use("avx2")
        assert library.library() is None
        [check] = [check for check in doctor.examine() if check.name == "kernels"]
        assert (check.level, check.text.split(":")[0]) == ("note", "not compiled")
        assert "gcc" in check.advice
        monkeypatch.setenv(library.VARIABLE, "avx2")
        with pytest.raises(UsageError, match="no kernels were compiled"):
            library.best()
    finally:
        library.loaded.cache_clear()


def test_a_run_goes_on_with_its_own_kernels_or_not_at_all():
    with pytest.raises(
        OverfitlabError, match="started with compiled kernels for a-processor-to-come, which are missing here"
    ):
        compute.prepare(Compute("float32", threads=torch.get_num_threads(), kernels="a-processor-to-come"))
    compute.prepare(Compute("float32", threads=torch.get_num_threads()))  # a run of an older version has none
    assert library.library() is None


@compiled
def test_doctor_says_which():
    [check] = [check for check in doctor.examine() if check.name == "kernels"]
    assert (check.level, check.text) == ("ok", f"for {library.INSTRUCTIONS[INSTRUCTIONS[0]]}, on PyTorch's own threads")
