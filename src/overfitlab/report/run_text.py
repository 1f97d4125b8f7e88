"""What one run shows, in words and numbers."""

import math

from overfitlab.results.gap import gaps
from overfitlab.results.measurement import Measurement
from overfitlab.results.onset import onset
from overfitlab.runs.run import Run

NEAR_CHANCE = 1.5  # times the accuracy of guessing
SLIGHT_RISE = 1.1  # times the lowest validation loss: less than that is no more than noise from epoch to epoch


def run_summary(run: Run) -> str:
    """Return what the curves show, in one sentence, and in another one whose weights were handed over."""
    return " ".join(filter(None, (_shown_by_curves(run), _ending(run))))


def _ending(run: Run) -> str:
    if run.stopped_early:
        return (
            f"{run.record.method} stopped the training after epoch {len(run.rows)} of {run.planned_epochs}; the "
            f"weights are those of epoch {run.handed_over}."
        )
    return f"The weights are those of epoch {run.handed_over}." if run.handed_over != len(run.rows) else ""


def _shown_by_curves(run: Run) -> str:
    lowest = onset(run.rows)
    if lowest is None:
        return "No epoch has a finite validation loss."
    last = run.rows[-1]
    loss, acc, prefix = last.loss, last.acc, ""
    if last.train_loss is not None and last.train_acc is not None:
        loss, acc, prefix = last.train_loss, last.train_acc, "train_"
    best = f"Lowest val_loss {lowest.val_loss:.4f} in epoch {lowest.epoch} (val_acc {lowest.val_acc:.4f})"
    end = (
        f"by epoch {last.epoch} val_loss is {last.val_loss:.4f} ({prefix}loss {loss:.4f}) and val_acc "
        f"{last.val_acc:.4f} ({prefix}acc {acc:.4f})"
    )
    if last.epoch == lowest.epoch:
        return f"{best}, the last one: no overfitting seen yet."
    chance = _near_chance(run)
    if lowest.val_acc < chance and last.val_acc < chance:
        return f"{best}, still near chance: too early to speak of overfitting; {end}.{_warming_up(run)}"
    if loss >= last.val_loss:
        return f"{best}; {end}: training is no better than validation, so no overfitting seen."
    if last.val_loss < SLIGHT_RISE * lowest.val_loss:
        return f"{best}; {end}: val_loss has risen by less than a tenth since, which may be noise."
    return f"{best}: the onset of overfitting; {end}."


def _near_chance(run: Run) -> float:
    """Return the accuracy below which a network does hardly better than guessing; 0 where nobody knows the classes."""
    classes = run.record.class_count
    return NEAR_CHANCE / classes if classes else 0.0


def _warming_up(run: Run) -> str:
    """Return why a network that learns can evaluate at chance level, where that is the likely reason."""
    if "batch_norm" not in run.record.method or run.record.batch_norm_warm_up:
        return ""
    return (
        " In the first few hundred steps the moving averages of batch normalization still remember where they "
        "began, as in Keras; more epochs, or --protocol clean, change that."
    )


def run_table(run: Run) -> str:
    """Return what was measured as a table, with the generalization gaps; empty without clean training images."""
    lines = []
    measured = run.record.measured
    for moment, parts, epoch in (("end", measured.end, run.handed_over), ("onset", measured.onset, run.onset)):
        same_weights = moment == "onset" and run.onset == run.handed_over
        if parts is None or parts.training is None or same_weights:
            continue
        lines.append(_row(f"{moment} (epoch {epoch})", "loss", "acc", "balanced acc", "images"))
        for part, found in parts.items():
            lines.append(_row(f"  {part}", *_numbers(found), f"{found.images:,}"))
        if parts.validation is not None:
            gap = gaps(parts.training, parts.validation)
            if gap.loss is not None:
                shown = (f"{number:+.4f}" for number in (gap.loss, gap.acc, gap.balanced_acc))
                lines.append(_row("  gap", *shown, ""))
    return "\n".join(lines)


def _numbers(found: Measurement) -> list[str]:
    numbers = (found.loss, found.acc, found.balanced_acc)
    return ["-" if number is None or not math.isfinite(number) else f"{number:.4f}" for number in numbers]


def _row(name: str, *cells: str) -> str:
    return (f"{name:20}" + "".join(f"{cell:>14}" for cell in cells)).rstrip()
