"""What a study says, in words and in tables of plain text."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]  # parts of a verdict, as `Verdict.as_dict` gives them
SPACE = "  "
FEWEST_PAIRS = 3  # for a statement about the gap at equal fit


def whole(verdict: Json, record: Json) -> str:
    """Return the tables, the answer and what else a reader has to know, from a verdict and its study's record."""
    parts = [method_table(verdict), contrast_table(verdict), second_table(verdict), answer(verdict)]
    notes = caveats(verdict, record)
    if notes:
        parts.append("\n".join(f"Note: {note}" for note in notes))
    if verdict["recommended"] is not None:
        parts.append(recommendation(verdict))
    return "\n\n".join(parts)


def answer(verdict: Json) -> str:
    """Return what the study says, a short paragraph for each contrast; numbers alone while it is provisional."""
    return "\n".join(contrast_sentence(each, verdict) for each in verdict["contrasts"])


def contrast_sentence(contrast: Json, verdict: Json) -> str:
    """Return what is known of one contrast: does it generalize better, does it overfit less."""
    name, against = contrast["label"], contrast["against_label"]
    accuracy, gap = contrast["accuracy"], contrast["gap"]
    if verdict["provisional"]:
        so_far = f"test accuracy {_estimate(accuracy)}, gap {_estimate(gap)}; n = {accuracy['n']}"
        return f"{name} minus {against}, so far: {so_far}"
    return f"{_generalizes(name, against, accuracy, verdict)} {_overfits(against, contrast, verdict)}"


def _generalizes(name: str, against: str, finding: Json, verdict: Json) -> str:
    interval = _headline(finding, verdict)
    numbers = _numbers(finding, "test accuracy", interval)
    zone = verdict["accuracy_zone"]
    word = finding["word"]
    if word == "helps":
        text = f"{name} generalizes better than {against}: {numbers}."
    elif word == "harms":
        text = f"{name} generalizes worse than {against}: {numbers}."
    elif word == "equivalent":
        text = f"{name} generalizes as well as {against}, to within {_points(zone)}: {numbers}."
    else:
        text = f"Whether {name} generalizes better than {against} is undecided: {_why(finding, numbers)}."
    return text + _on_other_images(finding, interval, zone)


def _headline(finding: Json, verdict: Json) -> Json:
    """Return what has the interval of a test accuracy: with few test images the one that has their noise in it."""
    leads = verdict["image_noise_leads"] and finding["crossed"] is not None
    interval: Json = finding["crossed"] if leads else finding
    return interval


def _on_other_images(finding: Json, interval: Json, zone: float) -> str:
    """Return what the noise of few test images leaves open, where the word goes by the seeds on just these images."""
    if interval is finding:
        return ""
    low, high = interval["low"], interval["high"]
    text = f" The interval has the noise of so few test images in it; over seeds alone it is {_range(finding)}"
    beyond = finding["word"] == "equivalent" and (low < -zone or high > zone)
    if beyond or (finding["word"] in ("helps", "harms") and low <= 0 <= high):
        return f"{text}, so on other test images it could be otherwise."
    return f"{text}."


def _overfits(against: str, contrast: Json, verdict: Json) -> str:
    finding = contrast["gap"]
    numbers = _numbers(finding, "gap", finding)
    word = finding["word"]
    if word == "helps":
        return f"It overfits less: {numbers}.{_learns_less(contrast)}"
    if word == "harms":
        return f"It overfits more: {numbers}.{_fits_more(contrast)}"
    if word == "equivalent":
        return f"It overfits as much as {against}, to within {_points(verdict['gap_zone'])}: {numbers}."
    return f"Whether it overfits less is undecided: {_why(finding, numbers)}."


def _learns_less(contrast: Json) -> str:
    """Return how a smaller gap reads where accuracy does not improve with it."""
    if contrast["accuracy"]["word"] == "helps" or contrast["fit"] is None or contrast["fit"] >= 0:
        return ""
    fit = contrast["equal_fit"]
    if fit is None:
        return (
            f" It may do so because it learns less: its training accuracy is {-contrast['fit']:.1f} points lower, and "
            "at no fit that both pass can their gaps be compared."
        )
    where = (
        f"when both fit the training images equally well, its gap is {_difference(fit['mean'], 'smaller', 'larger')}"
    )
    if fit["n"] >= FEWEST_PAIRS and fit["high"] is not None and fit["high"] < 0:
        return f" Not only because it learns less: {where}."
    interval = f" ({_interval(fit)}, n = {fit['n']})" if fit["low"] is not None else f" (n = {fit['n']})"
    return f" It may do so because it learns less: {where}{interval}."


def _fits_more(contrast: Json) -> str:
    """Return how a larger gap reads where the training images are only fitted better."""
    fit = contrast["equal_fit"]
    if fit is None or fit["n"] < FEWEST_PAIRS or fit["high"] is None or fit["high"] >= 0:
        return ""
    return (
        " It does so because it fits the training images better: when both fit them equally well, its gap is "
        f"{_difference(fit['mean'], 'smaller', 'larger')} ({_interval(fit)}, n = {fit['n']})."
    )


def _numbers(finding: Json, what: str, interval: Json) -> str:
    """Return the estimate with its interval, p and n, in words."""
    mean = finding["mean"]
    if mean is None:
        return "no number"
    if what == "gap":
        size = f"its gap is {_difference(mean, 'smaller', 'larger')}" if mean else "its gap is the same"
    else:
        size = f"{_difference(mean, 'less', 'more')} {what}" if mean else f"the same {what}"
    details = [f"n = {finding['n']}"]
    if finding["p_adjusted"] is not None:
        details.insert(0, f"adjusted p = {_p(finding['p_adjusted'])}")
    if interval["low"] is not None:
        details.insert(0, _interval(interval))
    return f"{size} ({', '.join(details)})"


def _why(finding: Json, numbers: str) -> str:
    return f"{numbers}; {finding['reason']}" if finding["reason"] else numbers


def _interval(numbers: Json) -> str:
    return f"95 % interval {_range(numbers)}"


def _range(numbers: Json) -> str:
    return f"{numbers['low']:+.1f} to {numbers['high']:+.1f}"


def _difference(value: float, negative: str, positive: str) -> str:
    return f"{abs(value):.1f} points {negative if value < 0 else positive}"


def _points(zone: float) -> str:
    return f"{zone:g} point" if zone == 1 else f"{zone:g} points"


def _estimate(finding: Json) -> str:
    if finding["mean"] is None:
        return "no pair yet"
    between = f" ({finding['low']:+.1f} to {finding['high']:+.1f})" if finding["low"] is not None else ""
    return f"{finding['mean']:+.1f}{between}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1g}"


def recommendation(verdict: Json) -> str:
    """Return which method to take, and why."""
    labels = {each["method"]: each["label"] for each in verdict["methods"]}
    chosen, baseline = verdict["recommended"], verdict["baseline"]
    if chosen == baseline:
        return f"Recommended: {labels[baseline]}. Nothing was shown to be better."
    [contrast] = [each for each in verdict["contrasts"] if (each["method"], each["against"]) == (chosen, baseline)]
    if contrast["accuracy"]["word"] == "helps":
        rivals = [
            each
            for each in verdict["contrasts"]
            if each["against"] == baseline and each["accuracy"]["word"] == "helps" and each["method"] != chosen
        ]
        more = ", the most accurate of those that generalize better" if rivals else ", because it generalizes better"
    else:
        more = ", because it overfits less and was not shown to generalize worse"
    return f"Recommended: {labels[chosen]}{more}."


def contrast_table(verdict: Json) -> str:
    """Return the table of contrasts: estimate, interval, adjusted p, n and word on both axes, and the cost."""
    header = ["contrast", "test accuracy", "95 %", "p adj.", "verdict", "gap", "95 %", "p adj.", "verdict", "n", "time"]
    rows = []
    for each in verdict["contrasts"]:
        cells = [_pair(each)]
        for axis in ("accuracy", "gap"):
            finding = each[axis]
            interval = _headline(finding, verdict) if axis == "accuracy" else finding
            p = "" if finding["p_adjusted"] is None else _p(finding["p_adjusted"])
            cells += [_cell(finding["mean"]), _cells(interval), p, _word(finding, verdict)]
        cells += [str(each["accuracy"]["n"]), "" if each["time_ratio"] is None else f"x{each['time_ratio']:.2f}"]
        rows.append(cells)
    text = table(header, rows)
    if verdict["image_noise_leads"]:
        text += f"\nIntervals of test accuracy have the noise of only {verdict['test_images']:,} test images in them."
    return text


def second_table(verdict: Json) -> str:
    """Return the second look: the same with the weights of the onset, and the exact sign-flip p with its floor.

    At the epoch with the lowest validation loss every method has been stopped early, the baseline too.
    """
    header = ["at the onset", "test accuracy", "95 %", "verdict", "gap", "95 %", "verdict"]
    header += ["sign-flip p: accuracy", "gap", "least"]
    rows = []
    for each in verdict["contrasts"]:
        cells = [_pair(each)]
        for axis in ("onset_accuracy", "onset_gap"):
            finding = each[axis]
            cells += [_cell(finding["mean"]), _cells(finding), _word(finding, verdict)]
        exact = (each["accuracy"]["p_sign_flip"], each["gap"]["p_sign_flip"], each["accuracy"]["p_sign_flip_floor"])
        rows.append([*cells, *("" if p is None else _p(p) for p in exact)])
    return table(header, rows)


def _pair(contrast: Json) -> str:
    return f"{contrast['label']} - {contrast['against_label']}"


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"


def _cells(interval: Json) -> str:
    return "" if interval["low"] is None else f"{interval['low']:+.2f} to {interval['high']:+.2f}"


def _word(finding: Json, verdict: Json) -> str:
    return "provisional" if verdict["provisional"] else finding["word"] + "*" * finding["disagreement"]


def method_table(verdict: Json) -> str:
    """Return the table of methods: means over the seeds and standard deviations, in percent, points, epochs and nats.

    The loss rise is validation loss at the end less that at the onset: what overfitting cost.
    """
    header = ["method", "test acc", "gap", "train acc", "onset", "loss rise", "s/epoch", "params", "MB", "n"]
    rows = []
    for each in verdict["methods"]:
        extra = [f"{each[what]} {what}" for what in ("diverged", "missing") if each[what]]
        if each["stopped_early"]:
            extra.append(f"{each['stopped_early']} stopped early")
        rows.append([
            each["label"],
            _spread(each["accuracy"]),
            _spread(each["gap"]),
            _spread(each["train_acc"]),
            _spread(each["onset"]),
            _spread(each["damage_loss"], 2),
            _spread(each["seconds_per_epoch"], 2),
            "" if each["parameters"] is None else f"{each['parameters']:,}",
            "" if each["peak_memory_mb"] is None else str(each["peak_memory_mb"]),
            ", ".join([str(each["finished"]), *extra]),
        ])  # fmt: skip
    return table(header, rows)


def _spread(spread: Json | None, digits: int = 1) -> str:
    if spread is None:
        return ""
    if spread["deviation"] is None:
        return f"{spread['mean']:.{digits}f}"
    return f"{spread['mean']:.{digits}f} ±{spread['deviation']:.{digits}f}"


def caveats(verdict: Json, record: Json) -> list[str]:
    """Return what a reader has to know besides, a sentence each."""
    found = [f"Given up for the budget: {'; '.join(record['plan']['gave_up'])}."] if record["plan"]["gave_up"] else []
    found += record["notes"]
    for each in verdict["methods"]:
        if each["diverged"]:
            found.append(
                f"{each['diverged']} of {each['diverged'] + each['finished']} runs of {each['label']} diverged: they "
                f"have no accuracy{', and the numbers are those of the others' * bool(each['finished'])}."
            )
    for name, failure in record["failures"].items():
        found.append(f"The run {name} failed: {failure['reason']}. The same command tries it again.")
    flagged = [
        f"{each['label']} - {each['against_label']} ({axis})"
        for each in verdict["contrasts"]
        for axis in ("accuracy", "gap")
        if each[axis]["disagreement"]
    ]
    if flagged and not verdict["provisional"]:
        found.append(
            f"* The exact sign-flip test, which assumes less than the t-test, disagrees on {', '.join(flagged)}."
        )
    if len(verdict["looks"]) > 1:
        found.append(
            f"This is look {verdict['look']} of {len(verdict['looks'])} that were planned, each at the level "
            f"{verdict['alpha']:g}."
        )
    return found


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return an aligned table; the first `left` columns are flush left, the others flush right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    aligned = [
        SPACE.join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([aligned[0], "-" * max(len(line) for line in aligned), *aligned[1:]])
