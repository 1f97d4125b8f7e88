"""Two hours of what a laptop does to a study: kills, full disks, sleep, and people who look on; then every promise.

`python reliability/soak.py --hours 2`: one study on the digits after the other is trained, under disturbances at
random, by one and the same command until that ends well. What comes out must be, to the bit, what comes out of the
study that nobody disturbed; nothing may be left over, and nobody who looked on may have seen anything but one of the
states in between. The summary is Markdown, as docs/reliability.md has it; the exit code is 1 where a promise broke.
"""

import argparse
import contextlib
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from faults import COUNT, FAIL_FROM, FAIL_ONE, KILL, TEAR, Faults, compiled
from outcomes import error_line, leftovers, of_study

from overfitlab.machine import processor
from overfitlab.records.run_folder import RunFolder
from overfitlab.records.study_folder import StudyFolder

COMMAND = [sys.executable, "-m", "overfitlab"]
METHODS = ["none", "dropout", "batch_norm+weight_averaging"]
LENGTH = ["--epochs", "120", "--seeds", "3"]  # so long that there are checkpoints, of which a study writes few
SETTINGS = ["--data", "digits", "--protocol", "quick", "--precision", "float32", "--threads", "1", "--jobs", "2"]
STUDY = ["compare", *METHODS, *LENGTH, *SETTINGS, "--name", "soak"]
LOOKS = (["list", "--json"], ["show", "soak", "--json"], ["report", "soak", "--out", "elsewhere"])
NOTHING_YET = ("there is no study", "nothing to report", "no run", "not a study", "no finished epoch")
LONGEST_LIFE = 25.0  # seconds until something happens
OPERATIONS = 150  # on the disk, until something happens
DISTURBED_LIVES = 40  # of one study, then it is left alone
PAUSE = 4.0  # seconds between two looks
GIVEN_UP = 600.0  # seconds for one command that nobody disturbs


class Soak:
    """One soak: where it works, what it has done, and what went wrong."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.disk = folder / "disk"
        library = compiled(folder)
        if library is None:
            sys.exit("soak: needs Linux and a C compiler")
        self.disk.mkdir()
        self.faults = Faults(library, folder, self.disk)
        self.reference = folder / "reference"
        self.done: Counter[str] = Counter()
        self.broken: list[str] = []
        self.longest_look = 0.0

    def undisturbed(self) -> dict[str, object]:
        """Return what comes out of the study when nobody disturbs it."""
        self.reference.mkdir()
        subprocess.run([*COMMAND, *STUDY], cwd=self.reference, check=True, stdout=subprocess.DEVNULL)
        return of_study(self.reference / "runs" / "soak")

    def cycle(self, expected: dict[str, object]) -> None:
        """Train the study under disturbances until its command ends well, and check what came out."""
        over = threading.Event()
        looker = threading.Thread(target=self._look_on, args=(over,))
        looker.start()
        ended = any(self._life(disturbed=True) for _ in range(DISTURBED_LIVES)) or self._life(disturbed=False)
        over.set()
        looker.join()
        if not ended:
            self.broken.append("undisturbed, the command did not end well either")
            return
        self.done["studies finished"] += 1
        self._check(expected)
        shutil.rmtree(self.disk / "runs")
        shutil.rmtree(self.disk / "elsewhere", ignore_errors=True)

    def _life(self, *, disturbed: bool) -> bool:
        """Give the command once, and disturb it; return whether it ended well."""
        self.faults.arm(COUNT)
        trouble = self.chance.choice(list(TROUBLES)) if disturbed else None
        process = subprocess.Popen(
            [*COMMAND, *STUDY],
            cwd=self.disk,
            env=os.environ | self.faults.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        said: list[str] = []
        listener = threading.Thread(target=lambda: said.append(process.stderr.read() if process.stderr else ""))
        listener.start()
        struck = TROUBLES[trouble](self, process) if trouble else False
        try:
            code = process.wait(GIVEN_UP)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
            self.broken.append(f"the command hung after {trouble}")
        listener.join()
        self.faults.disarm()
        happened = struck or self.faults.fired > 0 or code < 0 or code > 128
        if trouble:
            self.done[trouble if happened else "came too late to disturb"] += 1
        place = self.faults.killed_at
        if place:
            self.done[f"killed at {_kind_of(place)}"] += 1
        if code > 0:
            try:
                error_line(said[0])
            except AssertionError:
                self.broken.append(f"after {trouble} it said: {said[0][-500:]}")
        return code == 0

    def _look_on(self, over: threading.Event) -> None:
        """Let others read the study all the time."""
        chance = random.Random(self.chance.random())  # of this thread, so that the other one's draws stay the same
        while not over.wait(PAUSE):
            look = chance.choice(LOOKS)
            try:
                self._look(look)
            except (subprocess.TimeoutExpired, ValueError) as error:
                self.broken.append(f"{look[0]}: {error}")

    def _look(self, look: list[str]) -> None:
        began = time.monotonic()
        ended = subprocess.run(
            [*COMMAND, *look], cwd=self.disk, capture_output=True, text=True, check=False, timeout=GIVEN_UP
        )
        self.longest_look = max(self.longest_look, time.monotonic() - began)
        self.done[f"looks by {look[0]}"] += 1
        if ended.returncode == 0:
            if look[-1] == "--json":
                json.loads(ended.stdout)
        elif not any(words in ended.stderr for words in NOTHING_YET):
            self.broken.append(f"{look[0]} said: {ended.stderr[-500:]}")

    def _check(self, expected: dict[str, object]) -> None:
        folder = self.disk / "runs" / "soak"
        if of_study(folder) != expected:
            self.broken.append("another outcome than that of the undisturbed study")
            shutil.copytree(folder, self.disk.parent / f"broken-{len(self.broken)}")
        left = leftovers(folder)
        if left:
            self.broken.append(f"left over: {', '.join(left)}")
        study = StudyFolder(folder)
        for run in study.runs():
            if RunFolder(run.path).damaged_files():
                self.broken.append(f"damaged files in {run.path.name}")
        if not (folder / "report" / "verdict.json").exists():
            self.broken.append("no whole report")


def _kind_of(place: str) -> str:
    """Return what was written, from the operation at which a process was killed."""
    for name in ("checkpoint", "history", "weights", "probabilities", "run.json", "study.json", "report"):
        if name in place:
            return f"{place.split(maxsplit=1)[0]} of {name}"
    return f"{place.split(maxsplit=1)[0]} of something else"


def _workers(process: "subprocess.Popen[str]") -> list[int]:
    found = []
    for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(each) for each in task.read_text().split()]
    return found


# Each disturbs a process, and returns whether that is certain; else it shows in its exit code and in the faults.
Trouble = Callable[[Soak, "subprocess.Popen[str]"], bool]


def _later(soak: Soak) -> None:
    time.sleep(soak.chance.uniform(1.0, LONGEST_LIFE))


def _kill_on_the_disk(soak: Soak, _: "subprocess.Popen[str]") -> bool:
    soak.faults.arm(soak.chance.choice((KILL, TEAR)), soak.chance.randint(1, OPERATIONS))
    return False


def _fail_once(soak: Soak, _: "subprocess.Popen[str]") -> bool:
    error = soak.chance.choice((errno.ENOSPC, errno.EIO))
    soak.faults.arm(FAIL_ONE, soak.chance.randint(1, OPERATIONS), error=error)
    return False


def _full_for_a_while(soak: Soak, _: "subprocess.Popen[str]") -> bool:
    _later(soak)
    soak.faults.arm(FAIL_FROM, 1)
    time.sleep(soak.chance.uniform(0.2, 5.0))
    soak.faults.disarm()
    return False


def _signal(number: signal.Signals) -> Trouble:
    def send(soak: Soak, process: "subprocess.Popen[str]") -> bool:
        _later(soak)
        process.send_signal(number)
        return False

    return send


def _twice(soak: Soak, process: "subprocess.Popen[str]") -> bool:
    _later(soak)
    process.send_signal(signal.SIGINT)
    time.sleep(soak.chance.uniform(0.0, 1.0))
    process.send_signal(signal.SIGINT)
    return False


def _kill_a_worker(soak: Soak, process: "subprocess.Popen[str]") -> bool:
    _later(soak)
    workers = _workers(process)
    if workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(soak.chance.choice(workers), signal.SIGKILL)
            return True
    return False


def _sleep(soak: Soak, process: "subprocess.Popen[str]") -> bool:
    """Stop all of its processes for a while, as a laptop that is shut."""
    _later(soak)
    awake = process.poll() is None
    everyone = [process.pid, *_workers(process)] if awake else []
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for each in everyone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)
        time.sleep(soak.chance.uniform(1.0, 4.0))
    return awake


TROUBLES = {
    "kills at an operation on the disk": _kill_on_the_disk,
    "kills at a moment in time": _signal(signal.SIGKILL),
    "operations that failed": _fail_once,
    "windows with a full disk": _full_for_a_while,
    "interruptions (SIGINT)": _signal(signal.SIGINT),
    "interruptions, twice": _twice,
    "terminations (SIGTERM)": _signal(signal.SIGTERM),
    "a worker killed": _kill_a_worker,
    "asleep": _sleep,
}


def main() -> int:
    """Soak for so many hours."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="overfitlab-soak-") as folder:
        soak = Soak(Path(folder), given.seed)
        expected = soak.undisturbed()
        while time.monotonic() - began < 3600 * given.hours and not soak.broken:
            soak.cycle(expected)
            print(f"{(time.monotonic() - began) / 60:.0f} minutes: {dict(soak.done)}", file=sys.stderr, flush=True)
    print(f"{processor()}, {os.cpu_count()} cores, {(time.monotonic() - began) / 3600:.1f} hours, seed {given.seed}\n")
    print("| what happened | times |\n|---|---|")
    for what, times in sorted(soak.done.items()):
        print(f"| {what} | {times} |")
    print(f"\nLongest look: {soak.longest_look:.1f} s. Promises broken: {len(soak.broken)}.")
    for what in soak.broken:
        print(f"- {what}")
    return 1 if soak.broken else 0


if __name__ == "__main__":
    sys.exit(main())
