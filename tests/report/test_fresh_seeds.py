"""The command of the same study at seeds that it has not used."""

from types import SimpleNamespace

import pytest

from overfitlab.report.fresh_seeds import fresh_command


@pytest.mark.parametrize(
    ("command", "fresh"),
    [
        ("overfitlab compare l2 --seeds 7", "overfitlab compare l2 --seeds 7 --first-seed 7"),
        ("overfitlab compare l2 --first-seed 3 --name x", "overfitlab compare l2 --first-seed 10"),
        ("overfitlab compare --first-seed=3 --out=there --give-up l2", "overfitlab compare l2 --first-seed 10"),
        ("overfitlab compare --contrast 'a : b'", "overfitlab compare --contrast 'a : b' --first-seed 7"),
        ("", ""),
        ("a quote that ' never ends", ""),
        ("overfitlab compare --first-seed soon", ""),
    ],
)
def test_fresh_seeds_follow_the_last_one(command, fresh):
    study = SimpleNamespace(command=command, plan=SimpleNamespace(seeds=7))
    assert fresh_command(study) == fresh
