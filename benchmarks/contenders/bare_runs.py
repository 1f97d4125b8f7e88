"""Trainings of overfitlab without a study or a store around them: `python bare_runs.py FILE.npz METHOD:SEED ...`.

It prepares, writes a line, waits for one, trains the runs one after the other under `quick` with one thread, measures
them as a study does, and writes another line.
"""

import sys

from overfitlab.config import QUICK, RunConfig, fitted
from overfitlab.data import loading
from overfitlab.data.prepare.material import material
from overfitlab.data.prepare.splits import available_for_training
from overfitlab.events import Listener
from overfitlab.methods import registry
from overfitlab.models import registry as models
from overfitlab.randomness import run_key
from overfitlab.training import compute
from overfitlab.training.loop import Trainer


def main() -> None:
    """Train what is named."""
    file, *runs = sys.argv[1:]
    dataset = loading.load(file)
    protocol = fitted(QUICK, dataset.source, available_for_training(dataset, QUICK))
    resolved = compute.resolve("auto", 1)
    compute.prepare(resolved)
    print("ready", flush=True)
    sys.stdin.readline()
    for run in runs:
        name, _, seed = run.partition(":")
        method = registry.parse(name)
        config = RunConfig(protocol, method.spec, dataset.name, seed=int(seed))
        key = run_key(config.seed, protocol.vary)
        network = models.build(
            config.model,
            dataset.image_shape,
            len(dataset.class_names),
            method,
            key,
            warm_up=protocol.batch_norm_warm_up,
        )
        trainer = Trainer(config, material(dataset, protocol, config.seed), network, resolved)
        trainer.train(lambda: None, Listener())
        trainer.measured()
    print("done", flush=True)


main()
