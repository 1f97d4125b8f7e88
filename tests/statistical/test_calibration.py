"""`make calibration`: its studies are what they are said to be, and judged as studies are."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from overfitlab.config import RunConfig
from overfitlab.data import loading
from overfitlab.data.prepare.material import material
from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.models import registry as models
from overfitlab.stats.findings import UNDECIDED, Paired, findings
from overfitlab.training import compute
from overfitlab.training.loop import Trainer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SEEDS, COPIES, IMAGES = 12, 4, 300


@pytest.fixture(scope="module")
def calibration():
    """The modules of the pool and of the studies."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module("calibration_pool"), importlib.import_module("calibration_studies")
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def runs(calibration):
    """Made-up runs, of which a tenth of the test images are wrong."""
    pool, _ = calibration
    rng = np.random.default_rng(0)
    return {
        (seed, copy, method): pool.Ended(rng.random(IMAGES) < 0.9, 0.99, int(rng.integers(180, 190)), 200)
        for seed in range(SEEDS)
        for method in pool.METHODS
        for copy in range(COPIES)
    }


def test_a_pool_is_read_as_it_was_written(calibration, runs, tmp_path, monkeypatch):
    pool, _ = calibration
    monkeypatch.setattr(pool, "FOLDER", tmp_path)
    asked = pool.Pool("digits", "digits", seeds=SEEDS, copies=(COPIES,) * 3)
    assert pool.read(asked) == {}
    pool._write(asked, runs)
    found = pool.read(asked)
    assert found.keys() == runs.keys() == {*pool.runs(asked)}
    for run, ended in runs.items():
        assert np.array_equal(found[run].right, ended.right)
        assert replace(found[run], right=ended.right) == ended


def test_methods_of_a_null_study_are_other_copies_of_the_same_seed(calibration, runs):
    _, studies = calibration
    known = studies.copies_of(runs, "none", COPIES)
    tagged = replace(known, training=np.arange(SEEDS * COPIES, dtype=float).reshape(SEEDS, COPIES))
    found = studies.drawn(np.random.default_rng(1), tagged, 50, COPIES - 1, 20, np.arange(SEEDS))
    seed, copy = np.divmod(found.training.astype(int), COPIES)  # [studies, copies, seeds]
    assert (seed == seed[:, :1]).all()
    assert (np.sort(seed[:, 0], -1) == np.arange(SEEDS)).all()
    assert (np.sort(copy, 1) == np.arange(COPIES)[:, None]).all()
    assert len({tuple(each.ravel()) for each in copy}) > 1


@pytest.mark.parametrize("images", [20, None])
def test_true_differences_are_what_is_asked_for_on_average(calibration, runs, images):
    _, studies = calibration
    rng, known = np.random.default_rng(2), studies.copies_of(runs, "none", COPIES)
    found = studies.drawn(rng, known, 4000, 3, images, np.arange(SEEDS))
    accuracy, gap = studies.differences(rng, found, [0.0, 0.5, 2.0], [0.0, 0.0, 1.0])
    assert accuracy.mean((0, 2)) == pytest.approx([0.0, -0.5, -2.0], abs=0.1)
    assert gap.mean((0, 2)) == pytest.approx([0.0, 0.0, 1.0], abs=0.1)


def test_words_are_those_of_a_study(calibration, runs):
    _, studies = calibration
    rng, known = np.random.default_rng(3), studies.copies_of(runs, "none", COPIES)
    found = studies.drawn(rng, known, 40, 3, None, np.arange(SEEDS))
    both = studies.axes(found, *studies.differences(rng, found, [0.0, 3.0, 6.0], [0.0, 3.0, 6.0]))
    said = set()
    for axis in both:
        for n in (3, 7):
            for values, expected in zip(axis.differences[..., :n], studies.fixed(axis, n), strict=True):
                contrasts = [Paired(tuple(each), tuple(range(n))) for each in values]
                judged = findings(contrasts, axis.margin, unit=axis.unit, smaller_is_better=axis.smaller_is_better)
                assert [each.verdict for each in judged] == list(expected)
                said |= {*expected}
    assert len(said - {UNDECIDED}) > 0


def test_a_question_costs_from_four_seeds_to_all(calibration, runs):
    _, studies = calibration
    asked = studies.question(runs)
    nothing = studies.cost(np.random.default_rng(4), asked, 200, 7)
    assert nothing.runs > 30  # of 36: nothing differs
    apart = np.array([[20.0], [40.0], [20.0]])  # all three differ
    far = replace(asked, accuracy=asked.accuracy + apart, gap=asked.gap - apart)
    sure = studies.cost(np.random.default_rng(4), far, 200, 7)
    assert 12 <= sure.runs < 21
    assert sure.decided == pytest.approx(100)


def test_a_run_of_a_pool_is_trained_as_any_other(calibration):
    pool, _ = calibration
    asked = pool.Pool("digits", "digits", seeds=1, copies=(1, 1, 1), training_images=64, epochs=2)
    seed, copy, method = run = (3, 2, "dropout")
    dataset = loading.load("digits")
    protocol = asked.protocol(dataset, seed)
    config = RunConfig(protocol, method, "digits", seed=pool.MOST_COPIES * seed + copy, threads=1)
    resolved, chosen = compute.resolve("auto", 1), registry.parse(method)
    compute.prepare(resolved)
    network = models.build_for(config, dataset.image_shape, len(dataset.class_names), chosen)
    trainer = Trainer(config, material(dataset, protocol, config.seed), network, resolved)
    trainer.train(lambda: None, Listener())
    end = trainer.measured().end
    found = pool.trained(asked, run)
    assert found.right.mean() == pytest.approx(end.test.acc)
    assert found.training_acc == end.training.acc
    assert found.validation_right / found.validation == pytest.approx(end.validation.acc)
    assert np.array_equal(found.right, trainer.predicted["test"].classes == trainer.predicted["test"].labels)
