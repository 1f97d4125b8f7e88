"""How fast overfitlab is, beside Keras and plain PyTorch: writes docs/performance.md, its figure and performance.json.

    python benchmarks/speed.py --peer-python .venv-bench/bin/python [--only training,roofline] [--rounds 7]

Each part measures one thing and writes a block of the page; those that are not asked for leave theirs as it is.
"""

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "contenders"))

from bars import bars_table  # noqa: E402 - the parts need the path above
from machine import machine, machine_sentence, today  # noqa: E402
from pages import replace_generated  # noqa: E402
from parts import (  # noqa: E402
    evaluation,
    growth,
    judging,
    looking,
    report,
    resources,
    roofline,
    side_by_side,
    study,
    training,
)
from parts.part import Options, Part  # noqa: E402
from performance_figure import performance_figure  # noqa: E402
from results import keep_result, read_results  # noqa: E402

from overfitlab.report.figures import rendered  # noqa: E402

DOCS = HERE.parent / "docs"
PAGE, FIGURE = DOCS / "performance.md", DOCS / "figures" / "performance.png"
SHOWN = "![A training step of every contender, in milliseconds](figures/performance.png)"
METHODS = "methods"
METHOD_STEPS = 30
PARTS: dict[str, Part] = {
    "roofline": roofline.roofline,
    "training": training.batch_32,
    "training-256": training.batch_256,
    "side-by-side": side_by_side.side_by_side,
    "evaluation": evaluation.evaluation,
    "growth": growth.growth,
    "memory": resources.memory,
    "start-up": resources.start_up,
    "study": study.study,
    "report": report.report,
    "looking": looking.looking,
    "judging": judging.judging,
}
MOST_STEPS = 200  # as many as the contenders have images for


def main() -> None:
    """Measure, and write after each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", required=True, type=lambda path: str(Path(path).absolute()))
    parser.add_argument("--only", type=parts_named, default=[*PARTS, METHODS], metavar="PART,PART")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--steps", type=int, default=MOST_STEPS, choices=range(1, MOST_STEPS + 1), metavar=f"1..{MOST_STEPS}",
        help="a turn, at most",
    )  # fmt: skip
    given = parser.parse_args()
    options = Options(given.peer_python, given.rounds, given.steps)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # or contenders that wait would be left behind, stopped
    for name in given.only:
        begun = time.perf_counter()
        print(f"{name} ...", file=sys.stderr)
        if name == METHODS:
            measure_methods(options)
        else:
            measure(name, PARTS[name], options)
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)


def parts_named(text: str) -> list[str]:
    """Return the parts of `training,roofline`, in the order in which they run."""
    known = [*PARTS, METHODS]
    asked = [name.strip() for name in text.split(",")]
    if unknown := [name for name in asked if name not in known]:
        raise argparse.ArgumentTypeError(f"no part {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name in known if name in asked]


def measure(name: str, part: Part, options: Options) -> None:
    """Measure one part, and write all that depends on it."""
    found = part(options)
    facts, date = machine(), today()
    replace_generated(PAGE, f"{found.text}{machine_sentence(facts, date)}\n", name)
    keep_result(name, {"machine": facts, "date": date} | found.data)
    results = read_results()
    replace_generated(PAGE, bars_table(results), "bars")
    if "training" in results:
        FIGURE.write_bytes(rendered(performance_figure(results), "png"))
        replace_generated(PAGE, f"{SHOWN}\n", "figure")
    print(found.text)


def measure_methods(options: Options) -> None:
    """Let the benchmark of the methods write its part of the page, and the figures of the cards."""
    steps = min(options.steps, METHOD_STEPS)
    arguments = ["--rounds", str(options.rounds), "--steps", str(steps)]
    subprocess.run([sys.executable, HERE / "method_costs.py", *arguments], check=True)


if __name__ == "__main__":
    main()
