"""What a run says of itself."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from made_records import CONFIG, record, values
from refusals import refused

from overfitlab.api.runs import Run, find_run
from overfitlab.config import NOTEBOOK
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.records.record_file import sealed
from overfitlab.records.run_record import ForeignRunRecord
from overfitlab.results.history import EpochRow


def run(*rows, classes=10):
    """A run of (loss, val_loss, val_acc) an epoch."""
    history = [EpochRow(n, 1.0, loss, 0.5, val, acc) for n, (loss, val, acc) in enumerate(rows, start=1)]
    config = replace(CONFIG, seed=3, protocol=replace(NOTEBOOK, epochs=len(rows)))
    made = record(config=config.as_dict(), status="interrupted")
    made.status, made.data.classes = "finished", [str(number) for number in range(classes)]
    return Run(Path("runs/x"), made, history)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([(2.0, 2.0, 0.3), (1.0, 1.0, 0.6), (0.1, 1.5, 0.6)], "in epoch 2 (val_acc 0.6000): the onset of overfitting"),
        ([(2.0, 2.0, 0.3), (1.0, 1.0, 0.6)], "the last one: no overfitting seen yet"),
        ([(2.0, 2.0, 0.1), (0.1, 2.5, 0.1)], "still near chance: too early to speak of overfitting"),
        ([(2.0, 2.0, 0.1), (0.1, 2.5, 0.5)], "in epoch 1 (val_acc 0.1000): the onset of overfitting"),
        ([(2.0, 1.0, 0.5), (0.1, 1.05, 0.5)], "risen by less than a tenth since, which may be noise"),
        ([(2.4, 2.0, 0.3), (2.3, 2.1, 0.3)], "training is no better than validation, so no overfitting seen"),
        ([(float("nan"), float("nan"), 0.1)], "No epoch has a finite validation loss"),
    ],
)
def test_the_sentence_claims_no_more_than_the_curves_show(rows, wanted):
    assert wanted in run(*rows).summary()


def test_its_representation_is_short():
    assert repr(run((1.0, 1.0, 0.5))) == "<Run none on digits, seed 3: finished, 1 epochs, in runs/x>"


@pytest.fixture
def some_runs(digits_run):
    """Three runs below runs/, whose ids begin with aaa1, aaa2 and bbb."""
    for name, identity in (("digits-none", "aaa1"), ("digits-dropout", "aaa2"), ("other", "bbb")):
        folder = Path("runs") / name
        shutil.copytree(digits_run, folder)
        record = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_bytes(sealed(record | {"id": identity + record["id"][4:]}))
    (Path("runs") / "broken").mkdir()
    (Path("runs") / "broken" / "run.json").write_text("{")


@pytest.mark.parametrize("text", ["runs/digits-none", "runs/digits-none/", "digits-none", "aaa1"])
def test_a_run_is_found_by_folder_name_or_id(some_runs, text):
    assert find_run(text).folder == Path("runs/digits-none")


def test_the_beginning_of_an_id_will_do_if_it_is_one_runs_alone(some_runs):
    assert find_run("b").folder == Path("runs/other")
    with pytest.raises(UsageError, match="begins the ids of 2 runs: digits-dropout, digits-none"):
        find_run("aaa")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("digits-nine", UsageError, "there is no run 'digits-nine'; did you mean digits-none"),
        ("zzz", UsageError, "there is no run 'zzz'; name a run's folder"),
        ("~nobody-of-that-name", UsageError, "there is no run '~nobody-of-that-name'"),
        ("", OverfitlabError, "is not a run"),
        ("broken", OverfitlabError, "run.json is damaged"),
        ("runs/other/run.json", UsageError, "is a file; name the run's folder"),
        (".", OverfitlabError, "is not a run"),
        ("x" * 300, UsageError, "^'x{300}' (cannot be examined .*too long.*; name|there is no run)"),
    ],
)
def test_what_is_no_run_is_one_clear_error(some_runs, text, error, message):
    with pytest.raises(error, match=message):
        find_run(text)


def test_a_folder_that_may_not_be_looked_at_is_one_clear_error(monkeypatch):
    def refused(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_dir", refused)
    with pytest.raises(UsageError, match=r"^'noex/x' cannot be examined \(Permission denied\); name a run's folder$"):
        find_run("noex/x")


def test_without_any_runs_there_is_none():
    with pytest.raises(UsageError, match="there is no run 'x'"):
        find_run("x")


def test_batch_norms_moving_averages_are_named_where_they_are_the_likely_reason():
    early = run((2.0, 2.0, 0.1), (0.1, 2.5, 0.1))
    assert "moving averages" not in early.summary()
    early.record.method = "batch_norm+dropout"
    assert "moving averages of batch normalization still contain their initial values" in early.summary()
    warm = replace(early.record.config.protocol, batch_norm_warm_up=True)
    early.record.config = replace(early.record.config, protocol=warm)
    assert "moving averages" not in early.summary()


def test_of_a_run_of_another_program_only_what_is_known_is_said():
    known = {name: value for name, value in values().items() if name not in ("config", "resolved", "data", "network")}
    theirs = msgspec.convert(known | {"producer": {"name": "keras"}, "method": "dropout"}, ForeignRunRecord)
    theirs.status = "finished"
    found = Run(Path("runs/x"), theirs, run((2.0, 2.0, 0.1), (0.1, 2.5, 0.1)).rows)
    assert repr(found) == "<Run dropout: finished, 2 epochs, in runs/x>"
    assert "the onset of overfitting" in found.summary()  # of how many classes, nobody knows
    assert found.table() == ""
    assert not found.stopped_early
    with refused(UsageError, "run_of_another_program", producer="keras"):
        _ = found.own


def test_a_run_of_another_program_has_a_report_of_its_curves(tmp_path):
    known = {name: value for name, value in values().items() if name not in ("config", "resolved", "data", "network")}
    theirs = msgspec.convert(known | {"producer": {"name": "keras"}, "method": "dropout"}, ForeignRunRecord)
    theirs.status = "finished"
    rows = run((2.0, 2.0, 0.1), (0.1, float("inf"), 0.1)).rows
    folder = tmp_path / "theirs"
    folder.mkdir()
    page = Run(folder, theirs, rows).report(language="en")
    assert page == folder / "report" / "report.html"
    text = page.read_text(encoding="utf-8")
    assert "What was measured" not in text
    numbers = json.loads((page.parent / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["history"]["val_loss"] == [2.0, None]
    assert {path.name for path in (page.parent / "figures").iterdir()} == {"learning_curves.png", "learning_curves.svg"}
