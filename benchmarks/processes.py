"""Processes that train or evaluate when they are told to, and take turns: benchmarks/contenders/ is what runs in them.

They are stopped by the system while they wait, and take turns within each round, so that a change in the machine's
speed hits all of them. A ratio is that of two times of one round.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONTENDERS = Path(__file__).resolve().parent / "contenders"
PATIENCE = 600  # seconds for a process to get ready, in which some compile their network
TURN_SECONDS = 3.0  # a slow contender takes fewer steps a turn
FEWEST_STEPS = 3


class MissingError(Exception):
    """A contender that cannot take part; the message is the reason, in words."""


@dataclass(frozen=True)
class Setup:
    """How to start a contender: a script of benchmarks/contenders/ with its arguments."""

    name: str
    script: str
    arguments: tuple[str, ...]
    python: str = sys.executable
    variables: dict[str, str] = field(default_factory=dict)

    def more(self, *arguments: str, name: str | None = None) -> "Setup":
        """Return the same with further arguments."""
        return Setup(name or self.name, self.script, (*self.arguments, *arguments), self.python, self.variables)


class Process:
    """One process of a contender; raises `MissingError` where it does not get ready."""

    def __init__(self, setup: Setup, core: int | None = None) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it lives as long as the process
        started = time.perf_counter()
        try:
            self._process = self._begun(setup, core)
        except OSError as error:
            raise MissingError(f"{setup.python} cannot be started ({error.strerror})") from error
        patience = threading.Timer(PATIENCE, self._process.kill)
        patience.start()
        try:
            line = self.answer()
        except BaseException:  # told to end, too: nobody else knows of this process yet
            self._process.kill()
            raise
        finally:
            patience.cancel()
        self.seconds_to_first_step = time.perf_counter() - started
        self.about: dict[str, str] = json.loads(line)
        self.pause()

    def _begun(self, setup: Setup, core: int | None) -> "subprocess.Popen[str]":
        with bound_to(core):
            return subprocess.Popen(
                [setup.python, setup.script, *setup.arguments], cwd=CONTENDERS, env=os.environ | setup.variables,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            )  # fmt: skip

    def ask(self, request: str) -> None:
        """Let it go on, and tell it what to do."""
        self._process.send_signal(signal.SIGCONT)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: there will be no answer, which says why
            self._process.stdin.write(f"{request}\n")
            self._process.stdin.flush()

    def answer(self) -> str:
        """Wait until it is done; raises `MissingError` where it ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise MissingError(self._reason(code))
        return line

    def pause(self) -> None:
        """Stop it until it is asked again."""
        self._process.send_signal(signal.SIGSTOP)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _reason(self, code: int) -> str:
        if code == -signal.SIGKILL:
            return f"was not ready within {PATIENCE} s, or was ended by the system for want of memory"
        self._errors.seek(0)
        errors = self._errors.read()
        self._errors.close()
        return reason(errors) or f"ended with code {code}, without a word"


def reason(errors: str) -> str:
    """Return why a Python process ended, from what it wrote to standard error."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    if any("InvalidCxxCompiler" in line or "No working C++ compiler" in line for line in lines):
        return "there is no C++ compiler on this machine"
    raised = [line for line in lines if line.partition(":")[0].endswith(("Error", "Exception"))]
    text = raised[-1] if raised else lines[-1] if lines else ""
    if text.startswith("ModuleNotFoundError: No module named "):
        return f"the package {text.split(chr(39))[1]} is not installed"
    return text.replace("|", "/")[:200]  # a cell of a table


@contextlib.contextmanager
def bound_to(core: int | None) -> Iterator[None]:
    """Bind processes that are started meanwhile to one core, where the system can."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Contender:
    """One process, or several at once, and the times of their turns."""

    def __init__(self, name: str, processes: list[Process]) -> None:
        self.name, self.processes = name, processes
        self.milliseconds: dict[str, list[float]] = {}  # by what was asked for: of a step, or of an image
        self.missing: str | None = None

    @property
    def about(self) -> dict[str, str]:
        """What a process says of itself."""
        return self.processes[0].about if self.processes else {}

    def turn(self, what: str, count: int) -> float:
        """Let every process do `count` steps or images at the same time; return the milliseconds for each one done."""
        started = time.perf_counter()
        for process in self.processes:
            process.ask(f"{what} {count}")
        for process in self.processes:
            process.answer()
        seconds = time.perf_counter() - started
        for process in self.processes:
            process.pause()
        return 1000 * seconds / (count * len(self.processes))

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"about": self.about, "milliseconds": self.milliseconds, "missing": self.missing}


@contextlib.contextmanager
def started(setups: Iterable[Setup]) -> Iterator[list[Contender]]:
    """Start a process for each, one after the other, and end them after use."""
    contenders: list[Contender] = []
    try:
        for setup in setups:
            contenders.append(start(setup))
            state = contenders[-1].missing or "ready"
            print(f"  {setup.name}: {state}", file=sys.stderr)
        yield contenders
    finally:
        close(contenders)


def start(setup: Setup, cores: Iterable[int | None] = (None,)) -> Contender:
    """Start a process for each of the cores, None being no core in particular."""
    contender = Contender(setup.name, [])
    try:
        for core in cores:
            contender.processes.append(Process(setup, core))
    except MissingError as error:
        contender.missing = str(error)
    return contender


def close(contenders: Iterable[Contender]) -> None:
    """End all their processes, some of which may belong to several."""
    for process in {id(process): process for one in contenders for process in one.processes}.values():
        process.close()


def take_turns(contenders: list[Contender], rounds: int, turns: dict[str, int]) -> None:
    """Do `rounds` rounds after one that warms up, in which each contender does all `turns`: what, and how often.

    The warming up also finds how many steps fit into a turn of a slow one. Whoever ends early is missing from then on.
    """
    counts: dict[tuple[str, str], int] = {}
    for number in range(rounds + 1):
        for contender in contenders:
            if contender.missing is None:
                _turn_of(contender, number, turns, counts)
        print(f"  round {number} of {rounds}", file=sys.stderr)


def _turn_of(contender: Contender, number: int, turns: dict[str, int], counts: dict[tuple[str, str], int]) -> None:
    try:
        for what, most in turns.items():
            if number > 0:
                times = contender.milliseconds.setdefault(what, [])
                times.append(contender.turn(what, counts[contender.name, what]))
            elif what == "train":
                contender.turn(what, min(most, FEWEST_STEPS))
                each = contender.turn(what, min(most, FEWEST_STEPS)) * len(contender.processes)
                fitting = int(1000 * TURN_SECONDS / each)
                counts[contender.name, what] = min(most, max(FEWEST_STEPS, fitting))
            else:  # an evaluation is always of all the images that it is a statement about
                contender.turn(what, most)
                counts[contender.name, what] = most
    except MissingError as error:
        contender.missing = str(error)
        contender.milliseconds = {}
        close([contender])  # the others of a group would go on beside whoever comes next


def own_times(contenders: list[Contender], what: str) -> list[float]:
    """Return the milliseconds of ours, the first one, beside which all others stand; without them there is no table."""
    if contenders[0].missing is not None:
        sys.exit(f"{contenders[0].name}: {contenders[0].missing}")
    return contenders[0].milliseconds[what]


def everyone(contenders: list[Contender]) -> list[Contender]:
    """Return those that took part."""
    return [contender for contender in contenders if contender.missing is None]
