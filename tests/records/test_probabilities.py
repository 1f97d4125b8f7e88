"""What a run keeps of its predictions."""

import numpy as np
import pytest

import overfitlab
from overfitlab.errors import OverfitlabError
from overfitlab.inference.trained import load_trained
from overfitlab.records import probabilities
from overfitlab.records.run_folder import PROBABILITIES
from overfitlab.runs.run import load_run


def test_they_are_those_of_the_weights_that_were_handed_over(digits_run):
    run, trained = load_run(digits_run), load_trained(load_run(digits_run))
    predicted = probabilities.read(digits_run / PROBABILITIES)
    assert predicted.keys() == {"validation", "test"}
    for part, found in predicted.items():
        assert len(found.rows) == getattr(run.record.data, part)
        assert (
            found.correct.mean() == getattr(run.record.measured.end, part).acc
        )  # exactly: no rounding decides about a class
        assert found.probabilities.dtype == np.float16
        np.testing.assert_allclose(found.probabilities.sum(1, dtype=np.float64), 1, atol=5e-3)
        images = trained_images(run, found.rows)
        again = np.concatenate([np.exp(trained.log_probabilities(x)) for x in trained.inputs(images)])
        np.testing.assert_allclose(found.probabilities, again, atol=1e-3)
        assert (found.classes == again.argmax(1)).mean() > 0.99


def trained_images(run, rows):
    from overfitlab.data.sources import digits

    assert run.record.data.name == "digits"
    return digits.load().images[rows]


@pytest.mark.slow
def test_a_run_under_notebook_keeps_those_of_validation_alone(tmp_path):
    run = overfitlab.train("none", "digits", epochs=1, threads=1, out=tmp_path / "run", verbose=False)
    assert probabilities.read(run.folder / PROBABILITIES).keys() == {"validation"}
    assert PROBABILITIES in run.record.files  # with a checksum


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 64])
def test_a_damaged_file_is_one_line(tmp_path, content):
    path = tmp_path / "damaged"
    path.write_bytes(content)
    with pytest.raises(OverfitlabError, match="is damaged; move the folder of its run away"):
        probabilities.read(path)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(OverfitlabError, match="cannot be read"):
        probabilities.read(tmp_path / "missing")
