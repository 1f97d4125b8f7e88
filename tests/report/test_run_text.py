"""What one run shows, in words, in two languages (tests/runs/test_run.py has what it says when)."""

from pathlib import Path

import msgspec
import pytest
from made_records import record, values
from rich.cells import cell_len

from overfitlab.records.run_record import ForeignRunRecord
from overfitlab.report.run_text import run_summary, run_table, run_title
from overfitlab.results.history import EpochRow
from overfitlab.runs.run import Run
from overfitlab.words.languages import language_named

KOREAN = language_named("ko")
PART = {"loss": 1.5, "acc": 0.5, "balanced_acc": 0.4, "images": 1000}
RESULT = {
    "onset": 1, "handed_over": 2, "epoch": 2, "seconds": 1.0, "loss": 1.0, "acc": 0.9, "val_loss": 1.8, "val_acc": 0.6,
    "measured": {"end": dict.fromkeys(("training", "validation", "test"), PART), "onset": {"validation": PART}},
}  # fmt: skip
ROWS = [EpochRow(1, 1.0, 2.0, 0.2, 1.5, 0.5), EpochRow(2, 1.0, 1.0, 0.9, 1.8, 0.6)]


def foreign(**changes):
    known = {name: value for name, value in values().items() if name not in ("config", "resolved", "data", "network")}
    return msgspec.convert(known | {"producer": {"name": "keras"}} | changes, ForeignRunRecord)


@pytest.mark.parametrize(
    ("of", "korean"),
    [
        (record(), "규제 없음, digits, 시드 1"),
        (record(method="dropout:rate=0.5"), "드롭아웃(rate=0.5), digits, 시드 1"),
        (foreign(method="theirs"), "theirs"),
    ],
)
def test_titles(of, korean):
    run = Run(Path("runs/x"), of, ROWS)
    assert run_title(run) == run.title
    assert run_title(run, KOREAN) == korean


def test_a_table_in_columns_of_hangul():
    run = Run(Path("runs/x"), record(status="finished", result=RESULT), ROWS)
    english, korean = run_table(run).splitlines(), run_table(run, KOREAN).splitlines()
    assert english[0] == "end (epoch 2)                 loss           acc  balanced acc        images"
    assert [cell_len(line) for line in korean] == [len(line) for line in english]
    assert korean[0].split() == ["끝(에포크", "2)", "손실", "정확도", "균형", "정확도", "이미지"]


def test_a_training_that_was_stopped():
    run = Run(Path("runs/x"), record(status="finished", result=RESULT, method="early_stopping"), ROWS)
    assert run_summary(run).endswith(
        "early_stopping stopped the training after epoch 2 of 30; the weights are those of epoch 2."
    )
    assert run_summary(run, KOREAN).endswith(
        "조기 종료: 전체 30 에포크 가운데 에포크 2에서 훈련을 멈추었습니다. 최종 가중치는 에포크 2의 가중치입니다."
    )
