"""What the live page takes: docs/ui.md has the numbers. `make ui-bench` runs it; leave the machine alone meanwhile.

- the first page, and a study of 200 runs x 100 epochs, from the click to everything on the page, in Chromium;
- from an epoch's end (the line of its file is written) to its pixels, with 8 runs that end epochs all the time;
- the processor time of the server beside that of a study that is trained while a page is open.
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import msgspec
from playwright.sync_api import Browser, sync_playwright

import overfitlab
from overfitlab.machine import processor, usable_cores
from overfitlab.records import history
from overfitlab.records.run_folder import LIVE, LiveHistory, RunFolder
from overfitlab.records.study_folder import StudyFolder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
METHODS = ("none", "dropout", "batch_norm", "l2")
RUNS, EPOCHS, LIVE_RUNS = 200, 100, 8
SPAN = 20.0  # seconds in which epochs end
EACH = 1.0  # seconds of an epoch


def seed_study(folder: Path) -> Path:
    """Train the small study that the others are made of."""
    overfitlab.compare(
        METHODS, "digits", protocol="quick", epochs=3, training_images=60, seeds=2, threads=1, jobs=1, verbose=False,
        out=folder,
    )  # fmt: skip
    return folder


def multiplied(source: Path, target: Path, seeds: int, epochs: int) -> None:
    """Make a study of many runs from a small one: what is measured is reading and drawing, not what was learnt."""
    small, large = StudyFolder(source), StudyFolder(target)
    (target / "runs").mkdir(parents=True)
    record = small.record()
    protocol = replace(record.plan.protocol, epochs=epochs)
    record.config = replace(record.config, looks=(seeds,))
    record.plan = msgspec.structs.replace(record.plan, protocol=protocol, looks=(seeds,))
    large.write_record(record)
    shutil.copyfile(source / "verdict.json", target / "verdict.json")
    by_method: dict[str, list[RunFolder]] = {}
    for run in small.runs():
        by_method.setdefault(run.record().own().config.method, []).append(run)
    for seed in range(seeds):
        for found in by_method.values():
            run = found[seed % len(found)]
            own = run.record().own()
            copy = RunFolder(target / "runs" / f"{own.method}-seed{seed}")
            shutil.copytree(run.path, copy.path)
            rows = history.read_csv(run / "history.csv")
            many = [replace(rows[epoch * len(rows) // epochs], epoch=epoch + 1) for epoch in range(epochs)]
            copy.write("history.csv", history.to_csv(many).encode())
            own.config = replace(own.config, protocol=protocol, seed=seed)
            own.files = copy.checksums(list(own.files))
            copy.write_record(own)


def let_run(target: Path, runs: int) -> dict[Path, LiveHistory]:
    """Let the last runs of a study be trained, before their first epoch."""
    study, found = StudyFolder(target), {}
    record = study.record()
    record.status = "running"
    study.write_record(record)
    latest = sorted(study.runs(), key=lambda run: run.record().own().config.seed)[-runs:]
    for run in latest:
        own = run.record()
        own.status, own.result, own.files = "running", None, {}
        run.write_record(own)
        (run / "history.csv").unlink()
        found[run.path] = LiveHistory(run, [])
    return found


class Server:
    """`overfitlab ui` in a folder."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "OVERFITLAB_CACHE": str(folder / "cache"), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "overfitlab", "ui", "--no-browser"], cwd=folder, env=environment,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        found = re.search(r"(http://[^/]+)/\S+", self.process.stdout.readline())
        assert found is not None
        self.address, self.base = found[0], found[1]

    def cpu(self) -> float:
        """Return the processor seconds of the server so far, without those of studies that it started."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


def opened(browser: Browser, server: Server, path: str, times: int) -> list[float]:
    """Return how many seconds a page took until all of it was there, each time in a fresh browser profile."""
    found = []
    for _ in range(times):
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.address)
        began = time.monotonic()
        page.goto(server.base + path, wait_until="load")
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found.append(time.monotonic() - began)
        context.close()
    return found


# notes when the epochs that the figures say to be there were drawn: two frames after they were put in place
WATCH = """() => {
  window.drawn = {};
  document.addEventListener('parts', () => {
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const now = Date.now();
      for (const panel of document.querySelectorAll('#curves svg[data-key$=":loss"]')) {
        const key = panel.dataset.key.replace(/:loss$/, '');
        for (const [, seed, epoch] of panel.getAttribute('aria-label').matchAll(/seed (\\d+): epoch (\\d+) done/g)) {
          window.drawn[`${key} ${seed} ${epoch}`] ??= now;
        }
      }
    }));
  });
}"""


def latencies(browser: Browser, server: Server, target: Path) -> list[float]:
    """Return the seconds from the ends of epochs to their pixels, with 8 runs, whose epochs end one after another."""
    live = let_run(target, LIVE_RUNS)
    study = StudyFolder(target)
    who = {path: (own := RunFolder(path).record().own()).config.method + f" {own.config.seed}" for path in live}
    rows = {path: history.read_csv(next(target.glob("runs/*/history.csv")))[:EPOCHS] for path in live}
    ended: dict[str, float] = {}
    with study.claimed(study.record().id):
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.address)
        page.goto(f"{server.base}/study/{target.name}")
        page.evaluate(WATCH)
        page.wait_for_timeout(1000)
        began, count = time.monotonic(), 0
        while time.monotonic() - began < SPAN:
            path = list(live)[count % LIVE_RUNS]
            epoch = count // LIVE_RUNS + 1
            live[path].append(rows[path][:epoch])
            ended[f"{who[path]} {epoch}"] = time.time()
            count += 1
            page.wait_for_timeout(1000 * EACH / LIVE_RUNS)
        page.wait_for_timeout(3000)
        drawn = page.evaluate("window.drawn")
        context.close()
    missing = {key for key in ended if key not in drawn}
    # one that was overtaken by the next epoch of its run before it was drawn was shown with that one
    for key in missing:
        name, _, epoch = key.rpartition(" ")
        later = [drawn[f"{name} {number}"] for number in range(int(epoch), EPOCHS) if f"{name} {number}" in drawn]
        drawn[key] = min(later) if later else float("inf")
    for path in live:
        (path / LIVE).unlink(missing_ok=True)
    return [drawn[key] / 1000 - at for key, at in ended.items()]


def share_of_study(browser: Browser, server: Server, folder: Path) -> tuple[float, float]:
    """Return the processor seconds of the server, and of a study, while a page of it is open."""
    environment = {**os.environ, "OVERFITLAB_CACHE": str(folder / "cache")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "overfitlab", "compare", "none", "dropout", "--data", "digits",
               "--protocol", "quick", "--seeds", "3", "--name", "trained", "--threads", "1", "--no-report"]  # fmt: skip
    study = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / "runs" / "trained" / "study.json").exists():
        assert study.poll() is None
        time.sleep(0.2)
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.address)
    page.goto(f"{server.base}/study/trained")
    used = server.cpu()
    while study.poll() is None:
        page.wait_for_timeout(500)
    used = server.cpu() - used
    context.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="how often each page is opened")
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory(prefix="overfitlab-ui-bench-") as name, sync_playwright() as playwright:
        folder = Path(name)
        small = seed_study(folder / "small")
        multiplied(small, folder / "runs" / "large", RUNS // len(METHODS), EPOCHS)
        multiplied(small, folder / "runs" / "live", LIVE_RUNS // len(METHODS) + 4, EPOCHS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        server = Server(folder)
        list(opened(browser, server, "/", 1))  # the server imports what it needs
        first, again = opened(browser, server, "/", times), []
        large = []
        for _ in range(times):
            server.end()
            server = Server(folder)
            opened(browser, server, "/", 1)
            large += opened(browser, server, "/study/large", 1)
        again = opened(browser, server, "/study/large", times)
        late = sorted(latencies(browser, server, folder / "runs" / "live"))
        used, trained = share_of_study(browser, server, folder)
        server.end()
        browser.close()
    result = {
        "machine": f"{processor()}, {usable_cores()} cores",
        "load": os.getloadavg()[0],
        "first page, s": [statistics.median(first), max(first)],
        "study of 200 runs x 100 epochs, s": [statistics.median(large), max(large)],
        "the same again, s": [statistics.median(again), max(again)],
        "n": times,
        "epoch's end to pixels, s": {"median": statistics.median(late), "p95": late[int(0.95 * (len(late) - 1))],
                                     "n": len(late)},
        "server's share of the study's processor time": {"server": used, "study": trained, "share": used / trained},
    }  # fmt: skip
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
