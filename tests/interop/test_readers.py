"""Readers of logs, on files that the programs themselves wrote (make_logs.py), and on tables typed here."""

import json
import math
import re
import struct
from pathlib import Path

import pytest

from overfitlab.errors import DataError, UsageError
from overfitlab.interop import tensorboard
from overfitlab.interop.cells import cell
from overfitlab.interop.columns import metric_of
from overfitlab.interop.images import images_of
from overfitlab.interop.places import of_place
from overfitlab.interop.reading import read_sources
from overfitlab.interop.runs import runs_in
from overfitlab.words.languages import language_named

LOGS = Path(__file__).parent / "logs"


def runs(name):
    return runs_in(read_sources([str(LOGS / name)]), {})


def last(run, part, kind):
    [column] = [each.name for each in run.metrics if (each.part, each.kind) == (part, kind)]
    return run.values(column)[-1]


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("keras", "Keras CSVLogger", {("none", "0"), ("none", "1"), ("none", "2"),
                                      ("dropout", "0"), ("dropout", "1"), ("dropout", "2")}),
        ("keras_json", "Keras History", {("none", "0"), ("none", "1"), ("none", "2"),
                                         ("dropout", "0"), ("dropout", "1"), ("dropout", "2")}),
        ("lightning", "Lightning CSVLogger", {("none", "0"), ("none", "1"), ("dropout", "0"), ("dropout", "1")}),
        ("fastai", "fastai CSVLogger", {("none", "0"), ("none", "1"), ("dropout", "0"), ("dropout", "1")}),
        ("huggingface", "Hugging Face Trainer", {("huggingface", "0"), ("huggingface", "1")}),
        ("tensorboard", "TensorBoard", {("none", "0"), ("none", "1"), ("dropout", "0"), ("dropout", "1")}),
        ("mlflow/mlflow.db", "MLflow", {("none", "0"), ("none", "1"), ("dropout", "0"), ("dropout", "1")}),
        ("mlflow/files", "MLflow", {("none", "0"), ("none", "1"), ("dropout", "0"), ("dropout", "1")}),
        ("older/mlflow/mlflow.db", "MLflow", {("none", "0"), ("none", "1"), ("dropout", "0"), ("dropout", "1")}),
        ("older/mlflow/files", "MLflow", {("none", "0"), ("none", "1"), ("dropout", "0"), ("dropout", "1")}),
        ("older/lightning", "Lightning CSVLogger", {("none", "0"), ("none", "1"), ("dropout", "0"), ("dropout", "1")}),
        ("older/huggingface", "Hugging Face Trainer", {("huggingface", "0"), ("huggingface", "1")}),
        ("trackio", "Trackio", {("none", "0"), ("none", "1"), ("dropout", "0"), ("dropout", "1")}),
    ],
)  # fmt: skip
def test_logs_of_programs_say_method_seed_and_epochs(name, kind, found):
    read = runs(name)
    assert {(run.method, run.seed) for run in read} == found
    assert {run.kind for run in read} == {kind}
    for run in read:
        assert [row["epoch"] for row in run.rows] == list(range(1, len(run.rows) + 1))
        assert len(run.rows) == (8 if (name, run.method, run.seed) == ("keras", "none", "2") else 6)
        parts = {(each.part, each.kind) for each in run.metrics}
        assert ("validation", "loss") in parts
        assert ("validation", "accuracy") in parts
        assert not any(part == "train" for part, _ in parts)  # what programs log of training are running means


def test_csv_and_json_of_keras_say_the_same():
    json_runs = {(run.method, run.seed): run for run in runs("keras_json")}
    for run in runs("keras"):
        other = json_runs[run.method, run.seed]
        assert run.values("val_loss")[:6] == pytest.approx(other.values("val_loss"), rel=1e-6)


def test_both_stores_of_mlflow_say_the_same():
    one, other = ({(run.method, run.seed): (run.values("val_acc"), last(run, "test", "accuracy"))
                   for run in runs(name)} for name in ("mlflow/mlflow.db", "mlflow/files"))  # fmt: skip
    assert one == other
    assert one["dropout", "1"][1] == 0.71


def test_lightning_merges_sparse_rows_and_keeps_the_test_with_the_last_epoch():
    [run] = [run for run in runs("lightning") if (run.method, run.seed) == ("none", "1")]
    assert all(row["val_acc"] is not None for row in run.rows)
    assert sum("test_acc" in row for row in run.rows) == 1
    assert "test_acc" in run.rows[-1]


def test_a_resumed_lightning_log_counts_what_was_logged_again(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train_acc,val_acc\n0,1,,0.5\n1,2,,0.6\n2,3,,0.1\n1,2,,0.7\n2,3,,0.8\n")
    [run] = runs_in(read_sources([str(path)]), {})
    assert run.values("val_acc") == [0.5, 0.7, 0.8]


def test_parquet_and_its_missing_reader(monkeypatch):
    assert {(run.method, run.seed) for run in runs("tables")} == {(m, str(s)) for m in ("none", "dropout")
                                                                  for s in range(4)}  # fmt: skip
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'overfitlab\[parquet\]'"):
        runs("tables")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize(
    "text",
    [
        "method,seed,test_acc\nnone,0,0.712\nnone,1,71.3%\n",
        "method;seed;test_acc\nnone;0;0,712\nnone;1;0,713\n",
        "method\tseed\ttest_acc\nnone\t0\t0.712\nnone\t1\t0.713\n",
        'method,seed,test_acc\r\nnone,0,"0,712"\r\nnone,1,"0,713"\r\n',
    ],
)
def test_tables_as_people_write_them(tmp_path, text, encoding):
    path = tmp_path / "results.csv"
    path.write_bytes(text.encode(encoding))
    found = runs_in(read_sources([str(path)]), {})
    assert [(run.method, run.seed, run.rows[0]["test_acc"]) for run in found] == [
        ("none", "0", 0.712), ("none", "1", pytest.approx(0.713)),
    ]  # fmt: skip


def test_json_lines_and_lists_of_objects(tmp_path):
    rows = [{"method": "none", "seed": seed, "test_acc": 0.5, "nested": {"x": [1]}} for seed in range(3)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "b.json").write_text(json.dumps(rows))
    one, other = (runs_in(read_sources([str(tmp_path / name)]), {}) for name in ("a.jsonl", "b.json"))
    assert [run.rows for run in one] == [run.rows for run in other]


def test_a_chart_that_wandb_exports_has_a_run_in_each_column(tmp_path):
    path = tmp_path / "wandb.csv"
    path.write_text('"Step","none-0 - val_acc","none-0 - val_acc__MIN","drop-1 - val_acc"\n0,0.5,0.5,0.6\n1,0.6,0.6,\n')
    found = {(run.method, run.seed): run.values("val_acc") for run in runs_in(read_sources([str(path)]), {})}
    assert found == {("none", "0"): [0.5, 0.6], ("drop", "1"): [0.6]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no rows below a header"),
        (b"a,b\n", "no rows below a header"),
        (b"\xff\xfe\x00", "it is not UTF-8 text"),
        (b"a;b\n1,2;3;4\n", "a row has 3 cells below 2 names"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path, content, why):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=why):
        read_sources([str(path)])


def test_a_table_of_commas_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    from overfitlab.interop import tables

    monkeypatch.setattr(tables, "MOST_CELLS", 1000)
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + ",".join([""] * 2000) + "\n")
    with pytest.raises(DataError, match="use a part of it"):
        read_sources([str(path)])


def test_nested_json_is_refused(tmp_path):
    path = tmp_path / "x.json"
    for depth in (100, 200_000):
        path.write_text("[" * depth + "]" * depth)
        with pytest.raises(DataError, match="nested too deeply"):
            read_sources([str(path)])


def event_file():
    [path, *_] = sorted((LOGS / "tensorboard" / "none" / "0").iterdir())
    return path, path.read_bytes()


def test_a_damaged_event_file_is_refused_and_a_cut_one_read_so_far():
    path, content = event_file()
    whole = list(tensorboard.events(path, content))
    assert len(list(tensorboard.events(path, content[:-5]))) == len(whole) - 1
    assert list(tensorboard.events(path, content[:7])) == []
    for place in (3, 9, 20, len(content) - 2):
        damaged = bytearray(content)
        damaged[place] ^= 1
        with pytest.raises(DataError, match="is damaged"):
            list(tensorboard.events(path, bytes(damaged)))


def test_a_false_length_takes_no_memory():
    path, _ = event_file()
    head = struct.pack("<Q", 2**60)
    content = head + struct.pack("<I", tensorboard.masked_crc(head)) + b"x" * 100
    with pytest.raises(DataError, match="is not a scalar"):
        list(tensorboard.events(path, content))


def test_the_checksum_is_that_of_the_standard():
    assert tensorboard.masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_a_database_of_something_else_is_refused(tmp_path):
    import sqlite3

    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE metrics (a)")
    connection.close()
    with pytest.raises(DataError, match="cannot be read as SQLite"):
        read_sources([str(path)])
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match="cannot be read as SQLite"):
        read_sources([str(path)])


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5", 0.5), ("50%", 0.5), ("", None), ("NA", None), ("none", "none"), ("1e-3", 0.001), ("1_000", "1_000"),
     ("0,5", "0,5"), ("inf", math.inf), ("=1+1", "=1+1")],
)  # fmt: skip
def test_cells(text, value):
    assert cell(text) == value


@pytest.mark.parametrize(
    ("name", "part", "kind"),
    [
        ("val_acc", "validation", "accuracy"), ("Val/Top-1 Acc", "validation", "accuracy"),
        ("test_accuracy", "test", "accuracy"),
        ("valid_loss", "validation", "loss"), ("eval/f1", "validation", "f1"), ("train_acc", "logged", "accuracy"),
        ("train_acc_eval", "train", "accuracy"), ("accuracy", "", "accuracy"), ("lr", None, None),
        ("val_acc_step", None, None), ("accuracy/validation", "validation", "accuracy"), ("valAccuracy", "validation",
                                                                                          "accuracy"),
        ("test_error_rate", "test", "error"),
    ],
)  # fmt: skip
def test_names_of_metrics(name, part, kind):
    found = metric_of(name)
    assert (None if found is None or kind is None else (found.part, found.kind)) == (
        None if kind is None else (part, kind)
    )


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (("dropout", "3", "history.csv"), ("dropout", "3")), (("dropout", "seed_03", "metrics.csv"), ("dropout", "3")),
        (("dropout-7.csv",), ("dropout", "7")), (("none", "history-2.json"), ("none", "2")),
        (("lightning_logs", "version_3", "metrics.csv"), (None, None)),
        (("a", "version_1", "metrics.csv"), ("a", None)),
    ],
)  # fmt: skip
def test_methods_and_seeds_of_places(parts, found):
    assert of_place(parts) == found


def test_the_number_of_images_is_found_from_the_grid_or_not_at_all():
    import numpy as np

    rng = np.random.default_rng(0)
    for images in (359, 1000, 10_000, 15_000):
        hits = rng.integers(int(0.6 * images), int(0.8 * images), 12)
        assert images_of([float(np.float32(hit / images)) for hit in hits]) == images
    assert images_of([float(each) for each in rng.random(12)]) is None
    assert images_of([round(float(each), 3) for each in rng.random(12)]) is None  # rounded to a thousandth
    assert images_of([0.5, 0.75]) is None


def test_why_a_log_cannot_be_read_is_said_in_korean_too(tmp_path):
    korean = language_named("ko")
    for name, content in (
        ("a.csv", b"\xff\xff\xff"), ("b.csv", b"a,b\n"), ("c.csv", b"a,b\n1,2,3\n"), ("d.json", b"{"),
        ("e.json", b"[" * 60 + b"]" * 60), ("f.json", b"[1]"), ("g.jsonl", b"1\n"), ("h.json", b'{"a": 1}'),
        ("i.json", b'{"log_history": []}'), ("j.json", b'{"log_history": [1]}'),
        ("k.json", b'{"loss": [1], "acc": []}'),
        ("l.db", b"SQLite format 3\0" + b"x" * 100),
        ("events.out.tfevents.1", b"\x01" + b"\0" * 30),
    ):  # fmt: skip
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as") as caught:
            read_sources([str(path)])
        why = korean.error(caught.value).partition("읽을 수 없습니다: ")[2]
        assert re.search("[가-힣]", why), (name, why)
