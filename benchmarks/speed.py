"""How fast a training step is, beside Keras and plain PyTorch: writes the tables of docs/performance.md.

    python benchmarks/speed.py --peer-python .venv-bench/bin/python [--rounds 7] [--steps 100]

All contenders are processes that wait for their turn, stopped by the system while they do; they take turns within
each round, so that a change in the machine's speed hits all of them. A ratio is that of two times of one round.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pages import replace_generated

from overfitlab.store.environment import environment

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
IMAGES = 35_000
OURS = "overfitlab"


class Contender:
    """A process that trains when it is told to."""

    def __init__(self, name: str, command: list[str], **variables: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | variables, cwd=HERE / "contenders",
        )  # fmt: skip
        self.about: dict[str, str] = json.loads(self._answer())
        self.milliseconds: list[float] = []
        self._pause()

    def turn(self, steps: int) -> float:
        """Train that many steps, and return the milliseconds of one."""
        self._process.send_signal(signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        seconds = float(self._answer())
        self._pause()
        return 1000 * seconds / steps

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended early; run it by itself to see why: {self._process.args}")
        return line


def contenders(peer_python: str) -> Iterator[Contender]:
    """Start them, one after the other."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    yield Contender(OURS, [sys.executable, "ours.py", "auto"])
    yield Contender(f"{OURS}, float32", [sys.executable, "ours.py", "float32"])
    yield Contender("PyTorch, bfloat16, malloc", [sys.executable, "plain_torch.py", "bfloat16", "malloc"])
    yield Contender("PyTorch, bfloat16", [sys.executable, "plain_torch.py", "bfloat16"])
    yield Contender("PyTorch, float32, malloc", [sys.executable, "plain_torch.py", "float32", "malloc"])
    yield Contender("PyTorch, float32", [sys.executable, "plain_torch.py", "float32"])
    yield Contender("Keras, float32", [peer_python, "stock_keras.py", "float32"], KERAS_BACKEND="tensorflow", **quiet)
    yield Contender(
        "Keras, mixed_bfloat16",
        [peer_python, "stock_keras.py", "mixed_bfloat16"],
        KERAS_BACKEND="tensorflow",
        **quiet,
    )


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", required=True, type=lambda path: str(Path(path).absolute()))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=200, choices=range(1, 201), metavar="1..200", help="a turn")
    options = parser.parse_args()
    entries: list[Contender] = []
    try:
        entries.extend(contenders(options.peer_python))
        for number in range(options.rounds + 1):
            for entry in entries:
                each = entry.turn(options.steps)
                if number > 0:  # the first round warms up
                    entry.milliseconds.append(each)
            print(f"round {number} of {options.rounds}", file=sys.stderr)
    finally:
        for entry in entries:
            entry.close()
    text = table(entries, options.rounds, options.steps) + start_up()
    replace_generated(PAGE, text)
    print(text)


def table(entries: list[Contender], rounds: int, steps: int) -> str:
    """Return the table of training steps, in Markdown."""
    ours = entries[0].milliseconds
    lines = [
        f"| training, batch 32 | ms a step: median (lowest to highest) | s for {IMAGES:,} images | times ours |",
        "| --- | --- | --- | --- |",
    ]
    for entry in entries:
        times = entry.milliseconds
        median = statistics.median(times)
        ratios = [theirs / mine for theirs, mine in zip(times, ours, strict=True)]
        lines.append(
            f"| {entry.name} | {median:.1f} ({min(times):.1f} to {max(times):.1f}) | "
            f"{median * IMAGES / 32 / 1000:.0f} | {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}) |"
        )
    facts = environment()
    return "\n".join([
        *lines, "",
        f"n = {rounds} rounds of {steps} steps each, after one that does not count. {facts['processor']}, "
        f"{facts['cores']} cores, {facts['system']}; PyTorch {facts['torch']}, "
        f"Keras {entries[-1].about['keras']} on {entries[-1].about['backend']}; "
        f"{OURS} chose {entries[0].about['precision']} and {entries[0].about['threads']} threads.", "",
    ]) + "\n"  # fmt: skip


def start_up(runs: int = 9) -> str:
    """Return how long `overfitlab --help` takes, as a sentence."""
    seconds = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        command = [str(Path(sys.executable).parent / "overfitlab"), "--help"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    counted = sorted(seconds[1:])
    return (
        f"`overfitlab --help`: {1000 * statistics.median(counted):.0f} ms "
        f"({1000 * counted[0]:.0f} to {1000 * counted[-1]:.0f}, n = {runs}).\n"
    )


if __name__ == "__main__":
    main()
