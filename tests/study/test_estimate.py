"""What a study is thought to take before anything is measured: by an earlier one of this machine, else by a table."""

import shutil
from pathlib import Path

import msgspec
import pytest

from overfitlab.config import StudyConfig, protocol_named
from overfitlab.records.study_folder import StudyFolder
from overfitlab.study.estimate import EVALUATION, TABLE_BATCH, TABLE_SIDE, estimated

TABLE = {"none": 10.0, "dropout": 11.0, "batch_norm": 20.0}  # milliseconds a step
PARTS = {"none": ["none"], "dropout:rate=0.2": ["dropout"], "batch_norm+dropout": ["batch_norm", "dropout"]}
SHAPE = (8, 8, 1)  # of the digits
PROTOCOL = protocol_named("quick")


@pytest.fixture
def runs(small_study) -> Path:
    """A folder of runs with one study."""
    shutil.copytree(small_study, "runs/small", ignore=shutil.ignore_patterns("runs", "report"))
    return Path("runs")


def asked(**changes) -> StudyConfig:
    return StudyConfig(PROTOCOL, tuple(PARTS), (), data="digits", **{"precision": "float32"} | changes)


def costs(runs, config=None, protocol=PROTOCOL, shape=SHAPE, parts=PARTS):
    return estimated(config or asked(), protocol, shape, parts, TABLE, "another machine", runs)


def rewritten(runs, name="small", **changes):
    folder = StudyFolder(runs / name)
    record = folder.record()
    folder.write_record(msgspec.structs.replace(record, **changes))
    return record


def test_without_an_earlier_study_the_table_is_scaled_by_pixels_and_batch():
    found = costs(Path("runs"))
    assert (found.study, found.machine) == ("", "another machine")
    scale = 8 * 8 / TABLE_SIDE**2 * PROTOCOL.batch_size / TABLE_BATCH
    expected = {"none": 10.0, "dropout:rate=0.2": 11.0, "batch_norm+dropout": 10.0 * 2.0 * 1.1}
    for method, milliseconds in expected.items():
        assert found.costs[method].step_seconds == pytest.approx(scale * milliseconds / 1000), method
        # an image is evaluated without the method, so it takes the same time under all of them
        assert found.costs[method].image_seconds == pytest.approx(EVALUATION * scale * 0.010 / PROTOCOL.batch_size)
    twice = costs(Path("runs"), shape=(16, 8, 1))
    assert twice.costs["none"].step_seconds == pytest.approx(2 * found.costs["none"].step_seconds)


def test_a_method_that_is_not_in_the_table_takes_as_long_as_none():
    found = costs(Path("runs"), parts={"none": ["none"], "of_mine": ["of_mine"]}).costs
    assert found["of_mine"].step_seconds == found["none"].step_seconds > 0


def test_what_an_earlier_study_measured_is_taken_as_it_is(runs):
    record = StudyFolder(runs / "small").record()
    method = next(method for method in record.plan.costs if method.startswith("dropout"))
    found = costs(runs, parts={"none": ["none"], method: ["dropout"]})
    assert (found.study, found.machine) == ("small", "")
    assert found.costs == {name: record.plan.costs[name] for name in ("none", method)}


def test_a_method_that_it_did_not_have_takes_its_share_more_by_the_table(runs):
    plain = StudyFolder(runs / "small").record().plan.costs["none"]
    found = costs(runs).costs["batch_norm+dropout"]
    assert found.step_seconds == pytest.approx(plain.step_seconds * 2.0 * 1.1)
    assert (found.image_seconds, found.parameters) == (plain.image_seconds, plain.parameters)


def test_the_latest_study_counts(runs):
    shutil.copytree(runs / "small", runs / "later")
    record = StudyFolder(runs / "later").record()
    record.sessions[-1] = msgspec.structs.replace(record.sessions[-1], started="2999-01-01T00:00:00+00:00")
    StudyFolder(runs / "later").write_record(record)
    assert costs(runs).study == "later"


@pytest.mark.parametrize(
    "difference",
    [
        {"config": asked(model="resnet20")},
        {"config": asked(precision="auto")},
        {"config": asked(bare=True)},
        {"protocol": protocol_named("quick", batch_size=64)},
        {"shape": (32, 32, 3)},
    ],
    ids=["network", "precision", "bare", "batch", "images"],
)
def test_a_study_of_something_else_says_nothing(runs, difference):
    assert costs(runs).study == "small"
    assert costs(runs, **difference).study == ""


def test_a_study_of_another_machine_or_that_never_trained_says_nothing(runs):
    record = rewritten(runs, environment={"processor": "another one"})
    assert costs(runs).study == ""
    rewritten(runs, environment=record.environment, sessions=[])
    assert costs(runs).study == ""


def test_a_damaged_study_says_nothing(runs):
    (runs / "small" / "study.json").write_text("{")
    assert costs(runs).study == ""
