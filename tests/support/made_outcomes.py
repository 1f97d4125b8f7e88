"""Outcomes of runs that nobody trained: one method is more accurate, one overfits less, and one does nothing."""

from overfitlab.results.history import EpochRow
from overfitlab.results.outcome import Endpoints, Outcome
from overfitlab.stats.design import Design

SEEDS = 7
LABELS = {"none": "none", "good": "good:rate=1", "calm": "calm", "same": "same"}
NOISE = (0.001, -0.002, 0.0005, 0.0, 0.0015, -0.001, 0.0002)


def design(**changes):
    values = {
        "name": "study", "labels": LABELS, "contrasts": [(method, "none") for method in LABELS if method != "none"],
        "seeds": range(SEEDS), "looks": (SEEDS,), "look": 1, "alpha": 0.05, "margin": 0.5, "gap_margin": 1.0,
        "test_images": 10_000, "validation_images": 5_000,
    }  # fmt: skip
    return Design(**values | changes)


def end(accuracy, gap, **changes):
    values = {
        "accuracy": accuracy, "gap": gap, "onset_accuracy": accuracy, "onset_gap": gap, "train_acc": 0.9,
        "val_acc": 0.9 - gap, "loss_gap": 0.1, "onset": 2, "acc_drop": 0.0, "loss_rise": 0.0, "best_epoch": 2,
        "epochs": 3, "seconds_per_epoch": 2.0, "parameters": 10, "peak_memory_mb": None,
    }  # fmt: skip
    return Endpoints(**values | changes)


def outcome(method, seed, accuracy=0.8, gap=0.1, **changes):
    rows = [EpochRow(epoch, 2.0, 0.5, 0.5, 0.5, 0.8, 0.5 - epoch / 10, 0.6 + epoch / 10) for epoch in (1, 2, 3)]
    noise = NOISE[(seed + list(LABELS).index(method)) % SEEDS]  # other noise for another method
    values = {"end": end(accuracy + noise, gap + noise), "rows": rows}
    return Outcome(method, seed, f"{method}-seed{seed}", **values | changes)


def whole():
    """A study in which `good` is more accurate, `calm` overfits less, and `same` is the baseline again."""
    effects = {"none": {}, "good": {"accuracy": 0.83, "gap": 0.2}, "calm": {"gap": 0.02}, "same": {}}
    return [outcome(method, seed, **effect) for method, effect in effects.items() for seed in range(SEEDS)]
