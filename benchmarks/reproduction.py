"""The notebook's printed log beside ours, epoch by epoch: writes the tables and the figure of docs/reproduction.md.

    python benchmarks/reproduction.py --notebook-log history.csv [--runs auto=3 float32=2]

It needs CIFAR-10 ($OVERFITLAB_DATA or --data-dir) and the notebook's log as CSV: epoch, seconds, loss, acc, val_loss,
val_acc. Runs go to runs/reproduction/; those that have finished are not trained again.
"""

import argparse
import csv
import statistics
from pathlib import Path

from matplotlib.figure import Figure
from pages import replace_generated

import overfitlab
from overfitlab.report.figures import rendered
from overfitlab.report.run_figure import NOTEBOOK

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reproduction.md"
FIGURE = ROOT / "docs" / "figures" / "reproduction.png"
CURVES = ROOT / "docs" / "figures" / "curves.png"  # what `overfitlab train` draws, for the README
COLUMNS = ("loss", "acc", "val_loss", "val_acc")

Log = dict[str, list[float]]  # column -> a value an epoch


def main() -> None:
    """Train what is missing, then write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notebook-log", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--runs", nargs="+", default=["auto=3", "float32=2"], metavar="PRECISION=SEEDS")
    options = parser.parse_args()
    notebook = read_log(options.notebook_log)
    groups: dict[str, list[overfitlab.Run]] = {}
    for precision, _, seeds in (entry.partition("=") for entry in options.runs):
        for seed in range(int(seeds)):
            run = overfitlab.train(
                "batch_norm",
                "cifar10",
                data_dir=options.data_dir,
                seed=seed,
                precision=precision,
                out=ROOT / "runs" / "reproduction" / f"{precision}-seed{seed}",
            )
            resolved = run.own.resolved.precision
            if groups.setdefault(resolved, []) and groups[resolved][0].own.config.precision != precision:
                break  # on this machine `auto` is that precision: the same runs once more
            groups[resolved].append(run)
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    first = next(iter(groups.values()))[0]
    CURVES.write_bytes((first.folder / "curves.png").read_bytes())
    FIGURE.write_bytes(rendered(figure(notebook, groups), "png"))
    replace_generated(PAGE, tables(notebook, groups))
    print(f"wrote {PAGE} and {FIGURE}")


def read_log(path: Path) -> Log:
    """Return the columns of a CSV log."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name]) for row in rows] for name in COLUMNS}


def figure(notebook: Log, groups: dict[str, list[overfitlab.Run]]) -> Figure:
    """Return the curves: ours as thin lines, a line a run, the notebook's as thick dashed ones."""
    drawing = Figure(figsize=(10, 5), layout="constrained")
    runs = [run for group in groups.values() for run in group]
    for axes, name in zip(drawing.subplots(1, 2), ("loss", "acc"), strict=True):
        for part, column, color in (("train", name, NOTEBOOK["train"]), ("val", f"val_{name}", NOTEBOOK["val"])):
            for number, run in enumerate(runs):
                values = run.history[column]
                label = f"{part}_{name}, ours ({len(runs)} runs)" if number == 0 else None
                axes.plot(range(1, len(values) + 1), values, color=color, linewidth=0.8, alpha=0.6, label=label)
            values = notebook[column]
            axes.plot(
                range(1, len(values) + 1), values, color=color, linestyle="--", linewidth=2.2,
                label=f"{part}_{name}, the notebook (1 run)",
            )  # fmt: skip
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.set_xlim(0.5, len(notebook["loss"]) + 0.5)
        axes.legend()
    return drawing


def tables(notebook: Log, groups: dict[str, list[overfitlab.Run]]) -> str:
    """Return the summary, the table of all epochs, and where it was measured, in Markdown."""
    everything = [run for group in groups.values() for run in group]
    own = [f"overfitlab, {name}, n = {len(group)}" for name, group in groups.items()]
    lines = ["| | the notebook | " + " | ".join(own) + " |"]
    lines.append("| --- " * (2 + len(groups)) + "|")
    rows = [
        ("val_acc, epoch 1", lambda log: log["val_acc"][0]),
        ("val_acc, epoch 2", lambda log: log["val_acc"][1]),
        ("val_acc, epoch 3", lambda log: log["val_acc"][2]),
        ("val_acc, epoch 30", lambda log: log["val_acc"][-1]),
        ("val_acc, mean of epochs 21 to 30", lambda log: statistics.mean(log["val_acc"][-10:])),
        ("acc, epoch 30", lambda log: log["acc"][-1]),
        ("val_loss, epoch 30", lambda log: log["val_loss"][-1]),
        ("val_loss, mean of epochs 21 to 30", lambda log: statistics.mean(log["val_loss"][-10:])),
        ("lowest val_loss", lambda log: min(log["val_loss"])),
        ("its epoch (the onset)", lambda log: 1 + log["val_loss"].index(min(log["val_loss"]))),
    ]
    for name, value in rows:
        cells = [spread([value(run.history) for run in group]) for group in groups.values()]
        lines.append(f"| {name} | {spread([value(notebook)])} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "overfitlab: mean (lowest to highest) over the seeds.",
        "",
        "![curves](figures/reproduction.png)",
        "",
    ]
    lines += ["| epoch | " + " | ".join(f"{name}, notebook | {name}, overfitlab" for name in COLUMNS) + " |"]
    lines.append("| --- " * (1 + 2 * len(COLUMNS)) + "|")
    for epoch in range(len(notebook["loss"])):
        cells = []
        for name in COLUMNS:
            cells.append(f"{notebook[name][epoch]:.4f}")
            cells.append(spread([run.history[name][epoch] for run in everything]))
        lines.append(f"| {epoch + 1} | " + " | ".join(cells) + " |")
    first = everything[0].own
    environment = first.environment
    lines += [
        "",
        f"overfitlab in this table: all {len(everything)} runs. Measured on {environment['processor']}, "
        f"{environment['cores']} cores, {environment['system']}; Python {environment['python']}, PyTorch "
        f"{environment['torch']}, overfitlab {environment['overfitlab']}; data sha256 "
        f"`{first.data.sha256[:16]}`, {'' if first.data.official else 'not '}the official release.",
        "",
    ]
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    """Return one value, or the mean with the range."""
    digits = 0 if all(isinstance(value, int) for value in values) else 4
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    mean = statistics.mean(values)
    return f"{mean:.{max(digits, 1)}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    main()
