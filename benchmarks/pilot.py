"""The pilot behind the defaults: writes the tables and figures of docs/defaults.md.

    python benchmarks/pilot.py [--data-dir DIR] [--seeds 3] [--jobs N] [--write-only]

It trains every strength that a method declares (`search` of a hyperparameter), and the candidates for the protocol
`quick`, on CIFAR-10, with seeds that no verdict uses, and looks at validation images alone. Each result is a file below
runs/pilot/; what is there already is not trained again, so it can be stopped and goes on.
"""

import argparse
import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from pilot_page import write
from pilot_plan import RESULTS, Job, as_plain, jobs

from overfitlab.config import RunConfig, fitted
from overfitlab.files import write_atomically
from overfitlab.machine import plan
from overfitlab.methods import registry


def train(job: Job, data_dir: Path | None) -> dict[str, Any]:
    """Train one job, and return what came out."""
    from overfitlab.data import loading
    from overfitlab.data.prepare.material import material
    from overfitlab.data.prepare.splits import available_for_training
    from overfitlab.events import Listener
    from overfitlab.machine import environment
    from overfitlab.models import registry as models
    from overfitlab.randomness import run_key
    from overfitlab.training import compute
    from overfitlab.training.loop import Trainer

    if job.data not in _loaded:
        _loaded[job.data] = loading.load(job.data, data_dir if job.data != "digits" else None)
    dataset = _loaded[job.data]
    protocol = fitted(job.protocol, job.data, available_for_training(dataset, job.protocol))
    resolved = compute.resolve("auto", 1)
    compute.prepare(resolved)
    network = models.build(
        "notebook_cnn", dataset.image_shape, len(dataset.class_names), registry.parse(job.method),
        run_key(job.seed, protocol.vary), warm_up=protocol.batch_norm_warm_up,
    )  # fmt: skip
    part = material(dataset, protocol, job.seed)
    trainer = Trainer(RunConfig(protocol, job.method, job.data, seed=job.seed), part, network, resolved)
    started = time.perf_counter()
    trainer.train(lambda: None, Listener())
    trainer.hand_over()
    rows = trainer.progress.rows
    training, validation = (trainer.measure(which) for which in (part.split.training, part.split.validation))
    return {
        "data": job.data, "method": job.method, "seed": job.seed, "protocol": as_plain(job.protocol),
        "epochs": protocol.epochs, "training_images": len(part.split.training),
        "seconds": time.perf_counter() - started, "resolved": [resolved.precision, resolved.threads],
        "sha256": dataset.content_hash, "official": dataset.official, "environment": environment(),
        "train_acc": training.acc, "train_loss": training.loss, "val_acc": validation.acc, "val_loss": validation.loss,
        "history": {"val_acc": [row.val_acc for row in rows], "val_loss": [row.val_loss for row in rows]},
    }  # fmt: skip


_loaded: dict[str, Any] = {}  # data sets: a process reads them once


def train_missing(wanted: list[Job], processes: int, data_dir: Path | None) -> None:
    """Train what has no result yet, in processes of one thread each."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    missing = [job for job in wanted if not job.path.exists()]
    started = time.monotonic()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(train, job, data_dir): job for job in missing}
        for number, done in enumerate(as_completed(running), start=1):
            job = running[done]
            result = done.result()
            write_atomically(job.path, (json.dumps(result) + "\n").encode())
            left = (time.monotonic() - started) / number * (len(missing) - number) / 60
            print(
                f"{number}/{len(missing)} {job.data} {job.method} seed {job.seed}: val_acc {result['val_acc']:.3f}, "
                f"train_acc {result['train_acc']:.3f}, {result['seconds']:.0f} s; {left:.0f} min left",
                file=sys.stderr, flush=True,
            )  # fmt: skip


def main() -> None:
    """Train what is missing, then write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, help="runs at once, of one thread each (as many as cores)")
    parser.add_argument("--write-only", action="store_true", help="write the page from what is there")
    options = parser.parse_args()
    wanted = jobs(options.seeds)
    if not options.write_only:
        train_missing(wanted, options.jobs or plan(len(wanted)).jobs, options.data_dir)
    write(wanted)


if __name__ == "__main__":
    main()
