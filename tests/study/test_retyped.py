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
