"""The measured steps from which a study is planned."""

import numpy as np
import pytest

from overfitlab.config import RunConfig, protocol_named
from overfitlab.data.dataset import Dataset
from overfitlab.study.execute.probe import probe


@pytest.mark.parametrize("images", [12, 40])
def test_fewer_images_than_a_batch_has_are_measured_too(images, tmp_path, monkeypatch):
    monkeypatch.setattr("overfitlab.study.execute.probe.PROBE_SECONDS", 0.01)
    rng = np.random.default_rng(0)
    dataset = Dataset(
        "few", rng.integers(0, 256, (images, 8, 8, 1), dtype=np.uint8), np.arange(images) % 2, ("a", "b"),
        np.arange(4), "", "x", official=False,
    )  # fmt: skip
    config = RunConfig(protocol_named("quick"), "none", "few", threads=1)
    folder = tmp_path / "runs"
    folder.mkdir()
    assert probe(config, dataset, None, folder).step_seconds > 0
    assert list(folder.iterdir()) == []
