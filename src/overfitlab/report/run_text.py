"""What one run shows, in words and numbers."""

import math

from overfitlab.results.gap import gaps
from overfitlab.results.history import EpochRow
from overfitlab.results.measurement import Measurement
from overfitlab.results.onset import onset
from overfitlab.runs.run import Run
from overfitlab.stats.oddities import of_run
from overfitlab.words.columns import padded
from overfitlab.words.language import ENGLISH, Language

NEAR_CHANCE = 1.5  # times the accuracy of guessing
SLIGHT_RISE = 1.1  # times the lowest validation loss: less than that is no more than noise from epoch to epoch
NAME_WIDTH, CELL_WIDTH = 20, 14  # columns
MOMENTS = {"end": "end (epoch {epoch})", "onset": "onset (epoch {epoch})"}


def run_title(run: Run, say: Language = ENGLISH) -> str:
    """Return what was trained, in a few words."""
    record = run.record
    method = say.method(record.method) if record.method else ""
    what = method
    if record.data_name:
        what = (
            say("{method} on {data}", method=method, data=record.data_name)
            if method
            else say("on {data}", data=record.data_name)
        )
    seed = "" if record.run_seed is None else say("seed {seed}", seed=record.run_seed)
    return ", ".join(filter(None, (what, seed)))


def run_summary(run: Run, say: Language = ENGLISH) -> str:
    """Return what the curves show, in one sentence, and in another one which weights were kept."""
    return " ".join(filter(None, (_shown_by_curves(run, say), _ending(run, say))))


def run_oddities(run: Run, say: Language = ENGLISH) -> list[str]:
    """Return what looks odd in a run, a sentence each with where it is explained."""
    found = of_run(run.rows, run.record.measured.end, run.record.method, run.record.class_count)
    told = {"validation_near_chance_at_first"} if _still_warming_up(run) else set()  # by the summary
    return [say("Note: {what}", what=say.reason(each)) for each in found if each.code not in told]


def _ending(run: Run, say: Language) -> str:
    if run.stopped_early:
        return say(
            "{method} stopped the training after epoch {last} of {planned}; the weights are those of epoch {epoch}.",
            method=say.method(run.record.method), last=len(run.rows), planned=run.planned_epochs,
            epoch=run.handed_over,
        )  # fmt: skip
    result = run.record.result
    if run.record.keeps_best and result is not None and result.handed_over is not None:
        return say(
            "The weights are those of epoch {epoch}, which has the lowest validation loss (--keep best). They were "
            "chosen on the validation images, so only test images measure them fairly.",
            epoch=run.handed_over,
        )
    return say("The weights are those of epoch {epoch}.", epoch=run.handed_over) * (run.handed_over != len(run.rows))


def _shown_by_curves(run: Run, say: Language) -> str:
    lowest = onset(run.rows)
    if lowest is None:
        return say("No epoch has a finite validation loss.")
    last = run.rows[-1]
    loss, acc, prefix = last.loss, last.acc, ""
    if last.train_loss is not None and last.train_acc is not None:
        loss, acc, prefix = last.train_loss, last.train_acc, "train_"
    best = say("Lowest val_loss {loss:.4f} in epoch {epoch} (val_acc {acc:.4f})",
               loss=lowest.val_loss, epoch=lowest.epoch, acc=lowest.val_acc)  # fmt: skip
    end = say(
        "by epoch {epoch} val_loss is {val_loss:.4f} ({prefix}loss {loss:.4f}) and val_acc {val_acc:.4f} "
        "({prefix}acc {acc:.4f})",
        epoch=last.epoch, val_loss=last.val_loss, val_acc=last.val_acc, prefix=prefix, loss=loss, acc=acc,
    )  # fmt: skip
    if last.epoch == lowest.epoch:
        return say("{best}, the last one: no overfitting seen yet.", best=best)
    if _still_near_chance(run, lowest):
        said = say("{best}, still near chance: too early to speak of overfitting; {end}.", best=best, end=end)
        return said + _warming_up(run, say)
    if loss >= last.val_loss:
        return say("{best}; {end}: training is no better than validation, so no overfitting seen.", best=best, end=end)
    if last.val_loss < SLIGHT_RISE * lowest.val_loss:
        return say("{best}; {end}: val_loss has risen by less than a tenth since, which may be noise.",
                   best=best, end=end)  # fmt: skip
    return say("{best}: the onset of overfitting; {end}.", best=best, end=end)


def _near_chance(run: Run) -> float:
    """Return the accuracy below which a network does hardly better than guessing; 0 where nobody knows the classes."""
    classes = run.record.class_count
    return NEAR_CHANCE / classes if classes else 0.0


def _still_near_chance(run: Run, lowest: EpochRow) -> bool:
    return lowest.epoch < run.rows[-1].epoch and max(lowest.val_acc, run.rows[-1].val_acc) < _near_chance(run)


def _still_warming_up(run: Run) -> bool:
    """Return whether the summary says that moving averages are why validation is near chance to the end."""
    lowest = onset(run.rows)
    return lowest is not None and _still_near_chance(run, lowest) and _begins_at_zero(run)


def _begins_at_zero(run: Run) -> bool:
    return "batch_norm" in run.record.method and not run.record.batch_norm_warm_up


def _warming_up(run: Run, say: Language) -> str:
    """Return why a network that learns can evaluate at chance level, where that is the likely reason."""
    if not _begins_at_zero(run):
        return ""
    return say(
        " In the first few hundred steps the moving averages of batch normalization still contain their initial "
        "values, as in Keras; train for more epochs, or with --protocol clean (docs/oddities.md#near-chance)."
    )


def run_table(run: Run, say: Language = ENGLISH) -> str:
    """Return what was measured as a table, with the generalization gaps; empty without clean training images."""
    lines = []
    measured = run.record.measured
    for moment, parts, epoch in (("end", measured.end, run.handed_over), ("onset", measured.onset, run.onset)):
        same_weights = moment == "onset" and run.onset == run.handed_over
        if parts is None or parts.training is None or same_weights:
            continue
        header = (say("loss"), say("acc"), say("balanced acc"), say("images"))
        lines.append(_row(say(MOMENTS[moment], epoch=epoch), *header))
        for part, found in parts.items():
            lines.append(_row(f"  {say(part)}", *_numbers(found), f"{found.images:,}"))
        if parts.validation is not None:
            gap = gaps(parts.training, parts.validation)
            if gap.loss is not None:
                shown = (f"{number:+.4f}" for number in (gap.loss, gap.acc, gap.balanced_acc))
                lines.append(_row(f"  {say('gap')}", *shown, ""))
    return "\n".join(lines)


def _numbers(found: Measurement) -> list[str]:
    numbers = (found.loss, found.acc, found.balanced_acc)
    return ["-" if number is None or not math.isfinite(number) else f"{number:.4f}" for number in numbers]


def _row(name: str, *cells: str) -> str:
    return (padded(name, NAME_WIDTH) + "".join(padded(cell, CELL_WIDTH, right=True) for cell in cells)).rstrip()
