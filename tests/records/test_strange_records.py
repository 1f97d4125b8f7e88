"""A record that somebody else wrote."""

import json

import pytest

from overfitlab.errors import DamagedError
from overfitlab.inference.trained import load_trained
from overfitlab.records.record_file import sealed
from overfitlab.runs.run import load_run

GONE = object()
INF, NAN = float("inf"), float("nan")
SHAPES = ([8, 8], [8, 8, 2], [8, 8, 4], [7, 8, 1], [8, 225, 1], ["8", 8, 1], [8.0, 8, 1], [8, 8, True], "881", None)
WRONG = [
    *(("config", "model", value) for value in (None, 3, ["resnet20"], "a\x1b[2J")),
    *(("config", "method", value) for value in (None, 3, ["none"], "nine", "none\n")),
    *(("config", "seed", value) for value in (None, "0", -1, 1.0, True, 2**63)),
    *(("config", "image_size", value) for value in (8, [8], [8, 8, 1], ["8", "8"], [0, 8])),
    *(("config", "model_source", value) for value in (3, [])),
    *(("config", "data", value) for value in (3, None)),
    *(("data", "source", value) for value in (GONE, None, 3, ["digits"], "\ud800")),
    *(("data", "data_dir", value) for value in (GONE, 3, ["x"])),
    *(("data", "name", value) for value in (GONE, None, 3)),
    *(("data", "sha256", value) for value in (GONE, None)),
    *(("data", "mean", value) for value in (GONE, None, 3, [], [1, 1], [[1]], ["1"], [None], [NAN], [INF], [10**400])),
    *(("data", "std", value) for value in (GONE, None, 3, [], [1, 1], [0], [-1], [NAN], [INF], [True])),
    *(("data", "image_shape", value) for value in (*SHAPES, GONE)),
    *(("data", "classes", value) for value in (GONE, None, [], "0123456789", [1], ["a", "a"], {"a": 1})),
    ("data", "classes", [str(number) for number in range(10_001)]),
    *(("config.protocol", "vary", value) for value in (GONE, None, 3, ["all"])),
    *(("config.protocol", "validation_fraction", value) for value in ("x", None, 1, -0.1, NAN, 10**400)),
    *(("config.protocol", "split_seed", value) for value in ("x", None, -1, 2**32)),
    *(("config.protocol", "stratified", value) for value in ("x", None, 1)),
    *(("config.protocol", "epochs", value) for value in ("x", 0)),
    *(("config.protocol", "name", value) for value in (3, None)),
]


@pytest.mark.parametrize(("entry", "name", "value"), WRONG, ids=lambda value: repr(value)[:20])
def test_a_strangers_record_is_one_clear_line(own_digits_run, entry, name, value):
    record = json.loads((own_digits_run / "run.json").read_text())
    part = record
    for key in entry.split("."):
        part = part[key]
    if value is GONE:
        del part[name]
    else:
        part[name] = value
    try:
        content = sealed(record)
    except ValueError:  # a number that JSON does not have, as Python writes it
        content = json.dumps(record).encode()
    (own_digits_run / "run.json").write_bytes(content)
    with pytest.raises(DamagedError) as caught:
        load_trained(load_run(own_digits_run))
    text = str(caught.value)
    assert text.startswith(f"{own_digits_run / 'run.json'} is damaged (")
    assert text.isprintable()
    assert text.endswith(("; move the folder away, or choose another one", "; train the run again"))


def test_what_a_training_writes_is_fine(own_digits_run):
    record = json.loads((own_digits_run / "run.json").read_text())
    record["config"]["image_size"] = [8, 224]
    record["data"] |= {"image_shape": [8, 224, 3], "mean": [0, 1.5, 255], "std": [1, 1e-3, 9], "data_dir": "d"}
    (own_digits_run / "run.json").write_bytes(sealed(record))
    assert load_run(own_digits_run).own.data.std == [1, 1e-3, 9]
