"""What make bench writes on the page of performance, without measuring anything."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MACHINE = {
    "processor": "Some Processor", "cores": 2, "system": "Linux", "torch": "2.0", "python": "3.11",
    "instructions": {"AVX2": True, "AMX": False},
}  # fmt: skip


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a module of the benchmark, and forgets them all afterwards."""
    for folder in ("benchmarks/contenders", "benchmarks"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(ROOT / "benchmarks") in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def result(**contenders):
    taken = {name: {"milliseconds": times} for name, times in contenders.items()}
    return {"machine": MACHINE, "date": "2026-01-01", "rounds": 3, "contenders": taken}


def test_the_page_has_a_block_for_every_part(benchmark):
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    for name in (*benchmark("speed").PARTS, "methods", "bars", "figure"):
        assert page.count(f"<!-- {name}: begin -->") == page.count(f"<!-- {name}: end -->") == 1


def test_bars_are_judged_by_the_median_and_only_on_one_machine(benchmark):
    training = result(**{
        "overfitlab": {"train": [5.0, 5.0, 5.0]},
        "Keras, float32": {"train": [20.0, 31.0, 32.0]},
        "PyTorch, bfloat16": {"train": [8.0, 8.0, 9.5]},
    })  # fmt: skip
    elsewhere = result(overfitlab={"train": [1.0], "evaluate": [0.01]}) | {"machine": MACHINE | {"cores": 64}}
    text = benchmark("bars").bars_table({"training": training, "evaluation": elsewhere})
    assert "| at least 6 times as fast as stock Keras in float32 | 6.20 (4.00 to 6.40) times | yes |" in text
    assert "1.60 (1.60 to 1.90) times | no, but bfloat16 is emulated here |" in text
    assert "9 s | not measured |" in text
    assert "Measured on another machine, and therefore left out here: evaluation." in text
    assert "without AMX" in text


def test_the_work_of_a_step_is_that_of_the_notebooks_network(benchmark):
    training = benchmark("random_training").RandomTraining(
        benchmark("overfitlab.training.compute").Compute("float32", threads=1), images=8, batch=8
    )
    work = benchmark("parts.work").step_work(training.trainer.model, 32, "float32")
    assert sum(layer.flop for layer in work) / 32 == pytest.approx(0.233e9, rel=0.01)
    assert {layer.layer for layer in work if layer.flop} == {f"conv{n}" for n in range(1, 7)} | {"dense1", "dense2"}


@pytest.mark.parametrize(
    ("operation", "group"),
    [
        ("overfitlab::convolution_backward", "own kernels"),
        ("aten::convolution_backward", "convolutions, backward"),
        ("aten::mkldnn_convolution", "convolutions, forward"),
        ("aten::native_batch_norm_backward", "normalization, activation, pooling"),
        ("aten::addmm", "dense layers"),
        ("a name of the future", "other operations"),
    ],
)
def test_every_operation_has_a_group(benchmark, operation, group):
    assert benchmark("parts.profile").group_of(operation) == group


def test_why_a_contender_is_missing_is_said_in_words(benchmark):
    reason = benchmark("processes").reason
    assert reason("Traceback\nModuleNotFoundError: No module named 'jax'\n") == "the package jax is not installed"
    compiler = "torch._inductor.exc.InductorError: InvalidCxxCompiler: No working C++ compiler found in ..."
    assert reason(compiler) == "there is no C++ compiler on this machine"
    assert reason("Traceback\n  File x\nValueError: a | b\n") == "ValueError: a / b"


def test_the_exponent_of_a_power_law(benchmark):
    assert benchmark("parts.growth").exponent([1, 2, 4], [3.0, 12.0, 48.0]) == pytest.approx(2)
