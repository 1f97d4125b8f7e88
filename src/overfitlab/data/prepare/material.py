"""What a run trains on, and what a trained run is measured on."""

from dataclasses import dataclass

from overfitlab.config import Protocol
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.splits import Split, split
from overfitlab.data.prepare.standardize import Standardization, channel_statistics


@dataclass(frozen=True)
class Material:
    """A dataset, its parts, and the statistics that standardize all of them."""

    dataset: Dataset
    split: Split
    standardization: Standardization


def material(dataset: Dataset, protocol: Protocol, seed: int) -> Material:
    """Return what the run of that seed trains on; raises `DataError` where there are too few images."""
    parts = split(dataset, protocol, seed)
    rows = parts.training if protocol.standardization == "training" else dataset.learning
    return Material(dataset, parts, channel_statistics(dataset.images, rows))
