"""The command of a study, changed into that of the next one."""

import pytest

from overfitlab.study.retyped import first_seed, retyped


@pytest.mark.parametrize(
    ("command", "changes", "found"),
    [
        ("overfitlab compare l2 --seeds 7", {"--seeds": "9"}, "overfitlab compare l2 --seeds 9"),
        ("overfitlab compare l2 --seeds=7 --name x", {"--epochs": "9"}, "overfitlab compare l2 --seeds=7 --epochs 9"),
        ("overfitlab compare --until-decided 20 l2", {"--seeds": "9"}, "overfitlab compare l2 --seeds 9"),
        ("overfitlab compare --until-decided l2", {"--seeds": "9"}, "overfitlab compare l2 --seeds 9"),
        ("overfitlab compare l2 --until-decided", {"--seeds": "9"}, "overfitlab compare l2 --seeds 9"),
        ("overfitlab compare l2 --until-decided=none", {"--seeds": "9"}, "overfitlab compare l2 --seeds 9"),
        ("overfitlab compare l2 --until-decided", {"--epochs": "9"},
         "overfitlab compare l2 --until-decided --epochs 9"),
        ("overfitlab compare 'dropout:rate=0.5' --contrast 'a : b' --out 'my runs'", {},
         "overfitlab compare dropout:rate=0.5 --contrast 'a : b'"),
        ("", {"--seeds": "9"}, ""),
        ("a quote that ' never ends", {"--seeds": "9"}, ""),
    ],
)  # fmt: skip
def test_options_are_replaced(command, changes, found):
    assert retyped(command, changes) == found


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("overfitlab compare none dropout:rate=0.5 --data digits --seeds 2 --model python:Net --name x",
         "overfitlab.compare(['none', 'dropout:rate=0.5'], data='digits', seeds=2, model=Net, epochs=9)"),
        ("overfitlab compare --data digits --model 'python:<lambda>' --bare",
         "overfitlab.compare(data='digits', model=model, bare=True, epochs=9)"),
        ("overfitlab compare none l2 l1 --contrast 'l2 : l1' --data arrays-0123456789ab.npz --learning-rate 0.01",
         "overfitlab.compare(['none', 'l2', 'l1'], data=data, learning_rate=0.01, epochs=9, contrasts=['l2 : l1'])"),
        ("overfitlab compare none l2 --data arrays-0123456789ab.npz --groups groups-0123456789ab.csv --first-seed 3 "
         "--budget 90s --name 2024",
         "overfitlab.compare(['none', 'l2'], data=data, groups=groups, first_seed=3, budget='90s', epochs=9)"),
        ("overfitlab compare none --model net.py:Net", "overfitlab compare none --model net.py:Net --epochs 9"),
    ],
)  # fmt: skip
def test_what_was_handed_over_in_python_is_called_there(command, call):
    assert retyped(command, {"--epochs": "9"}) == call


def test_options_are_left_out():
    assert retyped("overfitlab compare l2 --seeds 3 --epochs 2", {"--epochs": "4"}, ("--seeds",)) == (
        "overfitlab compare l2 --epochs 4"
    )


@pytest.mark.parametrize(
    ("command", "found"),
    [("x --first-seed 3", 3), ("x --first-seed=4", 4), ("x", 0), ("x --first-seed soon", None), ("'", 0)],
)
def test_the_first_seed(command, found):
    assert first_seed(command) == found
