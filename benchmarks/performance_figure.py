"""The figure of docs/performance.md: a training step of every contender."""

import statistics
from typing import Any

from machine import instructions
from matplotlib.figure import Figure
from peers import OURS
from results import of_one_machine

OURS_COLOR, PEER_COLOR, FLOOR_COLOR = "tab:blue", "0.72", "tab:red"
ROOM = 1.22  # to the right of the longest bar, for its number


def performance_figure(results: dict[str, Any]) -> Figure:
    """Return horizontal bars, the fastest on top: medians, with the range of the rounds, and the floor as a line."""
    training = results["training"]
    contenders = {
        name: found["milliseconds"]["train"]
        for name, found in training["contenders"].items()
        if found["milliseconds"].get("train")
    }
    names = sorted(contenders, key=lambda name: -statistics.median(contenders[name]))
    figure = Figure(figsize=(10, 1.9 + 0.36 * len(names)), layout="constrained")
    axes = figure.subplots()
    longest = max(max(times) for times in contenders.values())
    for row, name in enumerate(names):
        times = contenders[name]
        median = statistics.median(times)
        mine = name.startswith(OURS)
        axes.barh(row, median, color=OURS_COLOR if mine else PEER_COLOR, height=0.7)
        axes.plot([min(times), max(times)], [row, row], color="0.15", linewidth=1.2, marker="|", markersize=7)
        axes.text(
            max(times) + 0.012 * longest, row, f"{median:.1f}", va="center", fontweight="bold" if mine else "normal"
        )
    axes.set_yticks(range(len(names)), names)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name.startswith(OURS) else "normal")
    _draw_floor(axes, of_one_machine(results).get("roofline"))
    axes.set_xlim(0, ROOM * longest)
    axes.set_xlabel("ms a training step: median, and lowest to highest round (less is faster)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("A training step of the notebook's network, 32 images", loc="left", fontweight="bold")
    facts = training["machine"]
    figure.supxlabel(
        f"n = {training['rounds']} rounds in turns; {facts['processor']}, {facts['cores']} cores,\n"
        f"{instructions(facts)}; PyTorch {facts['torch']}; {training['date']}",
        fontsize="small", color="0.35", x=0.01, ha="left",
    )  # fmt: skip
    return figure


def _draw_floor(axes: Any, roofline: dict[str, Any] | None) -> None:
    if roofline is None:
        return
    precision = roofline["precision"]
    floor = roofline["floor_ms"][precision]["all"]
    label = f"floor of direct convolutions in {precision}, from this machine's rates: {floor:.1f} ms"
    axes.axvline(floor, color=FLOOR_COLOR, linestyle="--", linewidth=1.4, label=label)
    axes.legend(loc="upper right", frameon=False)  # the fastest are on top, so there is room
