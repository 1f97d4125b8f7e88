"""`overfitlab judge` and `overfitlab diagnose`, typed."""

import json

import pytest
from click.testing import CliRunner
from made_runs import table

from overfitlab.cli.main import cli
from overfitlab.errors import DataError, UsageError


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = table()
    (tmp_path / "runs.csv").write_text(
        "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)])
    )
    return tmp_path


def typed(*words):
    result = CliRunner().invoke(cli, words, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def test_judge_prints_the_answer_and_writes_the_report(runs):
    said = typed("judge", "runs.csv").output
    assert said.startswith("Compared with none, at 6 paired seeds: dropout (+")
    assert "Report: judged/report.html" in said
    assert (runs / "judged" / "verdict.json").is_file()


def test_one_document_for_machines(runs):
    result = typed("judge", "runs.csv", "--json", "--no-report", "--contrast", "dropout:l2")
    document = json.loads(result.stdout)
    assert [each["metric"]["verdict"] for each in document["contrasts"]] == ["helps", "undecided", "helps"]
    assert document["page"] is None
    assert not (runs / "judged").exists()


@pytest.mark.parametrize(("claim", "code"), [("dropout helps accuracy", 0), ("l2 helps accuracy", 3),
                                             ("none helps accuracy than dropout", 4)])  # fmt: skip
def test_the_gate_is_an_exit_code(runs, claim, code):
    result = typed("judge", "runs.csv", "--gate", claim, "--json")
    assert result.return_value == code
    gate = json.loads(result.stdout)["gate"]
    assert (gate["exit_code"], gate["claim"]) == (code, claim)
    assert not (runs / "judged").exists()


def test_methods_can_be_named_before_their_paths(runs):
    for method in ("none", "dropout"):
        rows = [row for row in table() if row["method"] == method]
        lines = ["seed,test_acc", *(f"{row['seed']},{row['test_acc']}" for row in rows)]
        (runs / f"{method[0]}.csv").write_text("\n".join(lines))
    assert "plain" in typed("judge", "plain=n.csv", "drop=d.csv", "--baseline", "plain", "--no-report").output


def test_errors_are_one_line_each(runs):
    with pytest.raises(UsageError, match=r"there is no file or folder nope\.csv"):
        typed("judge", "nope.csv")
    with pytest.raises(UsageError, match="--ledger counts attempts at a --gate"):
        typed("judge", "runs.csv", "--ledger", "x")
    (runs / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no logs"):
        typed("judge", "empty")
    with pytest.raises(DataError, match="no history"):
        typed("diagnose", "runs.csv")


LOG = "epoch,loss,acc,val_loss,val_acc\n" + "\n".join(
    f"{epoch},{1 / epoch},{1 - 0.5 / epoch},{1 / epoch + 0.1 * max(epoch - 5, 0)},0.6" for epoch in range(1, 21)
)


def test_diagnose_says_since_when_and_what_to_do(runs):
    (runs / "history.csv").write_text(LOG)
    said = typed("diagnose", "history.csv").output
    assert "It overfits, since epoch" in said
    assert "The logged gap at the end" in said
    assert "overfitlab compare none dropout augment weight_decay --data YOUR_IMAGES --epochs 20" in said
    document = json.loads(typed("diagnose", "history.csv", "--json").stdout)
    assert (document["state"], document["onset"]) == ("overfitting", 5)
    assert "logged_gap" in document["runs"][0]
    assert "gap" not in document["runs"][0]


def test_several_logs_are_seeds_of_one_training(runs):
    for name in ("a.csv", "b.csv", "c.csv"):
        (runs / name).write_text(LOG)
    document = json.loads(typed("diagnose", "a.csv", "b.csv", "c.csv", "--json").stdout)
    assert (document["agreeing"], len(document["runs"]), document["onset"]) == (3, 3, 5)


def test_both_speak_korean(runs):
    (runs / "history.csv").write_text(LOG)
    assert "과대적합입니다" in typed("diagnose", "history.csv", "--lang", "ko").output
    assert "추천:" in typed("judge", "runs.csv", "--no-report", "--lang", "ko").output
