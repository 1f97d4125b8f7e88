"""A few measured steps of a method, from which the time of a study is planned."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from overfitlab.config import RunConfig
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.material import material
from overfitlab.events import Listener
from overfitlab.files import TEMPORARY
from overfitlab.machine import forget_peak_memory, peak_memory_mb
from overfitlab.methods import registry
from overfitlab.models import registry as models
from overfitlab.models.handed import Handed
from overfitlab.models.weights_file import load_weights
from overfitlab.records.run_folder import RunFolder
from overfitlab.records.study_record import Cost
from overfitlab.training import checkpoint, compute
from overfitlab.training.loop import Trainer
from overfitlab.training.trial import check_trains

WARM_UP_STEPS = 3
FEWEST_STEPS, MOST_STEPS = 2, 40
TURNS = 5  # the median of so many measurements of steps
PROBE_SECONDS = 2.0  # for all of them, where a step is short: less is at the mercy of what else the machine does
EVALUATED = 200  # images


def probe(config: RunConfig, dataset: Dataset, weights: str | None, folder: Path, handed: Handed | None = None) -> Cost:
    """Return what a run takes, from a few steps and evaluations of a network that is then forgotten.

    A checkpoint is written below `folder` and removed. Raises `OverfitlabError` where the network or the method do not
    go with the images.
    """
    forget_peak_memory()
    resolved = compute.resolve(config.precision, config.threads)
    compute.prepare(resolved)
    prepared = material(dataset, config.protocol, config.seed)
    method = registry.parse(config.method)
    network = models.build_for(config, dataset.image_shape, len(dataset.class_names), method, handed)
    if weights:
        load_weights(network, weights)
    check_trains(config, prepared, network, resolved)
    training = prepared.split.training
    size = min(config.protocol.batch_size, len(training))  # of a batch, where there are too few images for one
    trainer = Trainer(replace(config, protocol=replace(config.protocol, batch_size=size)), prepared, network, resolved)
    batches = trainer.batches(size)

    def steps(count: int) -> None:
        rows = np.resize(training, count * size)  # again from the first one where there are too few
        trainer.material = replace(prepared, split=replace(prepared.split, training=rows))
        trainer.train_epoch(1, batches, Listener())

    steps(1)  # the first one sets things up
    warm = _seconds(lambda: steps(WARM_UP_STEPS)) / WARM_UP_STEPS
    count = min(max(round(PROBE_SECONDS / TURNS / warm), FEWEST_STEPS), MOST_STEPS)
    step = float(np.median([_seconds(lambda: steps(count)) / count for _ in range(TURNS)]))
    trainer.material = prepared
    measured = prepared.split.validation[:EVALUATED]
    trainer.measure(measured)
    image = float(np.median([_seconds(lambda: trainer.measure(measured)) for _ in range(TURNS)])) / len(measured)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".", suffix=TEMPORARY) as kept:
        save = _seconds(lambda: checkpoint.save(RunFolder(Path(kept)), "probe", trainer.learner, trainer.progress))
    return Cost(step, image, save, peak_memory_mb(), network.parameter_counts()[0])


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
