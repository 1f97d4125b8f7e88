"""How often a run of a study writes its checkpoint."""

import pytest

from overfitlab.config import RunConfig, protocol_named
from overfitlab.data.sources import digits
from overfitlab.events import Listener
from overfitlab.records.run_folder import RunFolder
from overfitlab.runs import execution
from overfitlab.training import checkpoint, compute


@pytest.mark.slow
@pytest.mark.parametrize(("alone", "pause", "saves"), [(True, 3600.0, 4), (False, 3600.0, 0), (False, 0.0, 4)])
def test_one_of_many_saves_less_often(tmp_path, monkeypatch, alone, pause, saves):
    monkeypatch.setattr(execution, "SAVE_SECONDS", pause)
    written = []
    original = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", lambda *given: written.append(given) or original(*given))
    protocol = protocol_named("quick", epochs=4, training_images=60)
    config = RunConfig(protocol, "none", "digits", threads=1, precision="float32")
    folder, dataset = RunFolder(tmp_path / "run"), digits.load()
    with folder.claimed(config.run_id(dataset.content_hash), config):
        job = execution.Job(config, dataset, folder, alone=alone)
        run = execution.begin(job, compute.resolve("float32", 1)).complete(Listener())
    assert len(written) == saves
    assert run.record.status == "finished"
    assert len(run.rows) == 4
