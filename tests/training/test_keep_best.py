"""`--keep best`: whatever the method, the weights of the lowest validation loss, to the bit and after a resume."""

import pytest
import safetensors.numpy

import overfitlab
from overfitlab.config import protocol_named

pytestmark = pytest.mark.slow

SETTINGS = {
    "epochs": 4, "batch_size": 16, "learning_rate": 1e-3, "seed": 5, "threads": 1, "precision": "float32",
    "verbose": False,
}  # fmt: skip


def weights(run):
    return safetensors.numpy.load_file(run.folder / "weights.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize("protocol", ["notebook", "clean"])
@pytest.mark.parametrize("method", ["batch_norm", "weight_averaging"])
def test_the_weights_are_those_of_the_epoch_with_the_lowest_validation_loss(method, protocol, tmp_path, misleading):
    """Of weight averaging: the average, whose validation loss it is."""
    settings = SETTINGS | {"data": misleading, "protocol": protocol}
    kept = overfitlab.train(method, out=tmp_path / "kept", keep="best", **settings)
    assert len(kept.rows) == 4
    assert kept.handed_over == kept.onset < 4, "the case shows nothing"
    short = overfitlab.train(method, out=tmp_path / "short", **settings | {"epochs": kept.onset})
    last = overfitlab.train(method, out=tmp_path / "last", **settings)
    assert same(weights(kept), weights(short))
    assert not same(weights(kept), weights(last))
    assert kept.measured["end"]["validation"]["loss"] == pytest.approx(kept.rows[kept.onset - 1].val_loss)
    assert kept.measured.get("onset", kept.measured["end"]) == kept.measured["end"]
    if protocol == "clean":
        assert kept.measured["end"] == last.measured["onset"]
    assert f"The weights are those of epoch {kept.onset}, which has the lowest validation loss" in kept.summary()
    assert kept.record.config.protocol.keep == "best"


def test_with_early_stopping_the_weights_are_the_same_as_without(tmp_path, misleading):
    settings = SETTINGS | {"data": misleading, "protocol": "clean", "epochs": 9}
    plain = overfitlab.train("early_stopping", out=tmp_path / "plain", **settings)
    kept = overfitlab.train("early_stopping", out=tmp_path / "kept", keep="best", **settings)
    assert same(weights(plain), weights(kept))
    assert len(plain.rows) == len(kept.rows) < 9
    assert plain.record.id != kept.record.id


def test_the_weights_of_the_last_epoch_where_that_is_the_best(tmp_path):
    settings = SETTINGS | {"data": "digits", "protocol": "quick", "training_images": 64, "epochs": 2}
    kept = overfitlab.train("none", out=tmp_path / "kept", keep="best", **settings)
    last = overfitlab.train("none", out=tmp_path / "last", keep="last", **settings)
    assert (kept.onset, kept.handed_over) == (2, 2)
    assert same(weights(kept), weights(last))
    assert last.record.config.protocol == protocol_named(
        "quick", epochs=2, batch_size=16, learning_rate=1e-3, training_images=64
    )
