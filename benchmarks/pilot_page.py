"""What the pilot found, and the defaults that follow: docs/defaults.md, its figures, and docs/defaults.csv."""

import csv
import itertools
import json
import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import msgspec
from matplotlib.figure import Figure
from pages import replace_generated
from pilot_plan import CANDIDATE_METHODS, CANDIDATES, REFERENCES, Job, declared, spec

from overfitlab.config import QUICK, Protocol
from overfitlab.methods import registry
from overfitlab.report.figures import rendered

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, RUNS, FIGURES = DOCS / "defaults.md", DOCS / "defaults.csv", DOCS / "figures" / "defaults"
LINE, BAND = "tab:blue", "#c6dbef"
PANELS_IN_A_ROW = 5


@dataclass(frozen=True)
class Row:
    """One training of the pilot, as docs/defaults.csv has it."""

    data: str
    candidate: str  # of the protocol, before it is fitted to the data
    method: str
    seed: int
    training_images: int
    epochs: int
    seconds: float
    train_acc: float
    val_acc: float
    train_loss: float
    val_loss: float
    swing: float  # highest minus lowest validation accuracy of the last three epochs

    @classmethod
    def of(cls, result: dict[str, Any]) -> "Row":
        """Return the row of a result."""
        last = result["history"]["val_acc"][-3:]
        own = {entry.name: result[entry.name] for entry in fields(cls) if entry.name in result}
        candidate = _named(msgspec.convert(result["protocol"], Protocol))
        return cls(
            **own | {"candidate": candidate, "swing": max(last) - min(last), "seconds": round(own["seconds"], 1)}
        )


def _named(protocol: Protocol) -> str:
    return (
        f"{protocol.training_images} images, {protocol.epochs} epochs, {protocol.learning_rate:g} {protocol.schedule}"
    )


def read_runs() -> list[Row]:
    """Return the rows of docs/defaults.csv."""
    with RUNS.open(newline="", encoding="utf-8") as stream:
        kinds: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "str": str}
        types = {
            entry.name: kinds[entry.type if isinstance(entry.type, str) else entry.type.__name__]
            for entry in fields(Row)
        }
        return [Row(**{name: types[name](value) for name, value in line.items()}) for line in csv.DictReader(stream)]


@dataclass(frozen=True)
class Strength:
    """What the pilot found for one value of a hyperparameter; lists over the seeds, those of `none` beside them."""

    value: float
    val_acc: list[float]
    gap: list[float]  # accuracy of training minus validation images
    none_val_acc: list[float]
    none_gap: list[float]


def found(method: str, parameter: str, values: tuple[float, ...], rows: list[Row]) -> list[Strength]:
    """Return what there is for each value, over the seeds that all of them and `none` have."""
    ours = [row for row in rows if row.data == "cifar10" and row.candidate == _named(QUICK)]
    by_spec = {
        value: {row.seed: row for row in ours if row.method == spec(method, parameter, value)} for value in values
    }
    none = {row.seed: row for row in ours if row.method == "none"}
    seeds = sorted(set(none).intersection(*by_spec.values()))
    return [
        Strength(
            value,
            [of[seed].val_acc for seed in seeds],
            [of[seed].train_acc - of[seed].val_acc for seed in seeds],
            [none[seed].val_acc for seed in seeds],
            [none[seed].train_acc - none[seed].val_acc for seed in seeds],
        )
        for value, of in by_spec.items()
    ]


def standard_error(everything: Iterable[list[Strength]]) -> float:
    """Return the standard error of a difference of two strengths at one seed, averaged over the seeds.

    It is pooled over all pairs of neighbouring strengths of all methods: a single pair with two or three seeds has far
    too few to estimate its own.
    """
    variances, counts = [], []
    for strengths in everything:
        for one, other in itertools.pairwise(strengths):
            differences = [a - b for a, b in zip(one.val_acc, other.val_acc, strict=True)]
            if len(differences) > 1 and any(differences):  # equal trainings, as of a patience that never mattered
                variances.append(statistics.variance(differences))
                counts.append(len(differences))
    return math.sqrt(statistics.mean(variances) / min(counts)) if counts else 0.0


def choice(method: str, parameter: str, strengths: list[Strength], error: float) -> float:
    """Return the strength with the smallest gap among those as accurate as the best one, give or take `error`.

    So it overfits least at no cost in accuracy that could be told from noise. The default stays where they are equal.
    """
    default = default_of(method, parameter)
    best = max(statistics.mean(strength.val_acc) for strength in strengths)
    accurate = [strength for strength in strengths if statistics.mean(strength.val_acc) >= best - error]
    return min(accurate, key=lambda strength: (statistics.mean(strength.gap), strength.value != default)).value


def first_declared(method: str) -> str:
    """Return the hyperparameter that is the method's strength: the first one with values worth trying."""
    return next(parameter for name, parameter, _ in declared() if name == method)


def default_of(method: str, parameter: str) -> float:
    """Return the default of a hyperparameter."""
    declared: float = next(entry.default for entry in fields(registry.method_class(method)) if entry.name == parameter)
    return declared


def figure(kind: str, ylabel: str, everything: dict[tuple[str, str], list[Strength]]) -> Figure:
    """Return a panel for each hyperparameter: `kind` ("val_acc" or "gap") over its values, `none` dashed."""
    rows = math.ceil(len(everything) / PANELS_IN_A_ROW)
    drawing = Figure(figsize=(14, 2.6 * rows), layout="constrained")
    panels = drawing.subplots(rows, PANELS_IN_A_ROW, sharey=True, squeeze=False).ravel()
    for axes, ((method, parameter), strengths) in zip(panels, everything.items(), strict=False):
        at = range(len(strengths))
        lists = [getattr(strength, kind) for strength in strengths]
        none = getattr(strengths[0], f"none_{kind}")
        axes.axhline(statistics.mean(none), color="0.4", linestyle="--", linewidth=1)
        axes.axhspan(min(none), max(none), color="0.85", linewidth=0)
        axes.fill_between(at, [min(each) for each in lists], [max(each) for each in lists], color=BAND, linewidth=0)
        axes.plot(at, [statistics.mean(each) for each in lists], marker="o", color=LINE)
        default = default_of(method, parameter)
        chosen = [number for number, strength in enumerate(strengths) if strength.value == default]
        axes.plot(
            chosen, [statistics.mean(lists[number]) for number in chosen], "o", markersize=11, mfc="none", color=LINE
        )
        axes.set_xticks(list(at), [f"{strength.value:g}" for strength in strengths])
        axes.set_title(f"{method}: {parameter}, n = {len(none)}", fontsize=10)
    for axes in panels[len(everything) :]:
        axes.set_visible(False)
    drawing.supylabel(ylabel)
    return drawing


def spread(values: list[float]) -> str:
    """Return mean and range, in percent."""
    if not values:
        return "-"
    return f"{100 * statistics.mean(values):.1f} ({100 * min(values):.1f} to {100 * max(values):.1f})"


def strengths_table(everything: dict[tuple[str, str], list[Strength]]) -> list[str]:
    """Return what was found for each strength, in Markdown."""
    lines = [
        "| method | hyperparameter | value | validation accuracy | minus `none` | gap | n |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    error = standard_error(everything.values())
    for (method, parameter), strengths in everything.items():
        chosen = choice(method, parameter, strengths, error) if parameter == first_declared(method) else None
        for strength in strengths:
            value = f"{strength.value:g}"
            differences = [one - none for one, none in zip(strength.val_acc, strength.none_val_acc, strict=True)]
            lines.append(
                f"| `{method}` | `{parameter}` | {f'**{value}**' if strength.value == chosen else value} | "
                f"{spread(strength.val_acc)} | {100 * statistics.mean(differences):+.1f} | {spread(strength.gap)} | "
                f"{len(strength.val_acc)} |"
            )
    return [*lines, "", f"One standard error: {100 * error:.1f} points."]


def references_table(rows: list[Row]) -> list[str]:
    """Return the methods without a strength, in Markdown."""
    lines = ["| method | validation accuracy | gap | n |", "| --- | --- | --- | --- |"]
    for name in REFERENCES:
        of = [
            row for row in rows
            if row.data == "cifar10" and row.candidate == _named(QUICK) and row.method == registry.parse(name).spec
        ]  # fmt: skip
        gaps = [row.train_acc - row.val_acc for row in of]
        lines.append(f"| `{name}` | {spread([row.val_acc for row in of])} | {spread(gaps)} | {len(of)} |")
    return lines


def candidates_table(rows: list[Row]) -> list[str]:
    """Return what `quick` was chosen from, and what it is on digits, in Markdown."""
    lines = [
        "| data | images, epochs, learning rate | method | training acc. | validation acc. | swing | s a run | n |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    asked = [("cifar10", candidate) for candidate in CANDIDATES] + [("digits", QUICK)]
    for data, candidate in asked:
        for name in CANDIDATE_METHODS:
            of = [
                row for row in rows
                if (row.data, row.candidate, row.method) == (data, _named(candidate), registry.parse(name).spec)
            ]  # fmt: skip
            if not of:
                continue
            lines.append(
                f"| {data} | {of[0].training_images:,}, {of[0].epochs}, {candidate.learning_rate:g} "
                f"{candidate.schedule} | `{name}` | {spread([row.train_acc for row in of])} | "
                f"{spread([row.val_acc for row in of])} | {100 * statistics.mean(row.swing for row in of):.1f} | "
                f"{statistics.median(row.seconds for row in of):.0f} | {len(of)} |"
            )
    return lines


def write(wanted: list[Job]) -> None:
    """Write the page, its figures and its table of runs from the results that there are."""
    fresh = [Row.of(json.loads(job.path.read_text(encoding="utf-8"))) for job in wanted if job.path.exists()]
    with RUNS.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [entry.name for entry in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in fresh)
    rows = read_runs()
    everything = {
        (method, parameter): strengths
        for method, parameter, values in declared()
        if (strengths := found(method, parameter, values, rows))[0].val_acc
    }
    FIGURES.mkdir(parents=True, exist_ok=True)
    for kind, label in (("val_acc", "validation accuracy"), ("gap", "gap: training minus validation accuracy")):
        (FIGURES / f"{kind}.png").write_bytes(rendered(figure(kind, label, everything), "png"))
    replace_generated(PAGE, "\n".join(strengths_table(everything)) + "\n", "strengths")
    replace_generated(PAGE, "\n".join(references_table(rows)) + "\n", "references")
    replace_generated(PAGE, "\n".join(candidates_table(rows)) + "\n", "candidates")
    last = json.loads(next(job.path for job in wanted if job.path.exists()).read_text(encoding="utf-8"))
    facts, (precision, threads) = last["environment"], last["resolved"]
    official = "" if last["official"] else "not "
    replace_generated(
        PAGE,
        f"{len(rows)} trainings, {sum(row.seconds for row in rows) / 3600:.1f} hours of one thread each; "
        f"{facts['processor']}, {facts['cores']} cores; PyTorch {facts['torch']}, {precision}, {threads} thread; "
        f"the CIFAR-10 copy is {official}the official release.\n",
        "machine",
    )
    print(f"wrote {PAGE}, {RUNS} and the figures in {FIGURES}")
