"""Records that no training wrote: small, whole, and to be changed by a test."""

import copy

import msgspec

from overfitlab.config import NOTEBOOK, RunConfig
from overfitlab.records.run_record import FORMAT, OwnRunRecord

CONFIG = RunConfig(NOTEBOOK, "none", "digits", seed=1)
IDENTITY = "abc"
VALUES = {
    "format": FORMAT,
    "id": IDENTITY,
    "producer": {"name": "overfitlab", "version": "0"},
    "status": "running",
    "method": "none",
    "config": CONFIG.as_dict(),
    "resolved": {"precision": "float32", "threads": 1, "device": "cpu", "kernels": "off"},
    "data": {
        "name": "digits", "origin": "scikit-learn", "source": "digits", "data_dir": None, "official": True,
        "note": None, "sha256": "0" * 64, "images": 30, "image_shape": [8, 8, 1], "classes": ["a", "b"],
        "class_images": {"training": [7, 7], "validation": [4, 4], "test": [4, 4]}, "test_set_apart": False,
        "skipped": [], "skipped_count": 0, "mean": [4.5], "std": [2.0], "near_duplicates": {},
        "training": 14, "validation": 8, "test": 8,
    },
    "network": {
        "name": "notebook_cnn", "parameters": {"total": 10, "trainable": 9}, "sites": ["norm1"], "own_batch_norms": 0,
    },
    "environment": {"torch": "2.13.0", "processor": "one", "cores": 2},
    "times": {"started": "2026-11-28T12:00:00+00:00"},
    "resumed": [],
    "files": {},
}  # fmt: skip


def values(**changes):
    """Return the values of a whole record as JSON has them, with these entries in place."""
    return copy.deepcopy(VALUES) | changes


def record(**changes) -> OwnRunRecord:
    """Return a whole record, with these entries in place."""
    return msgspec.convert(values(**changes), OwnRunRecord)
