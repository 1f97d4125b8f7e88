"""SIGKILL at any operation on the disk, again and again; the same command; the bits of a run that nobody touched."""

import os
import random

import pytest
from faults import COUNT, KILL, TEAR
from outcomes import leftovers, of_run, of_study

from overfitlab.methods import registry

pytestmark = pytest.mark.slow

KILLS_ASKED = os.environ.get("OVERFITLAB_KILLS")  # by `make kills`
KILLS = int(KILLS_ASKED or 3)  # of each run
LONGEST_LIFE = 30  # operations on the disk
MOST_LIVES = 20  # for each kill
OPERATIONS = ("open", "write", "fsync", "truncate", "rename", "unlink", "mkdir")


# All methods, several in one run: what one keeps from step to step goes into the same checkpoint as that of others.
# `make kills` has each of them by itself.
TOGETHER = (
    "augment+random_erasing+mixup+batch_norm+dropout+spatial_dropout+gaussian_noise+l1+l2",
    "cutmix+group_norm+weight_decay+label_smoothing+weight_averaging",
    "smaller_network+layer_norm+early_stopping",
)
ALONE = tuple(name for name in registry.names() if name not in ("none", "as_is"))  # which needs --bare


def test_together_they_are_all():
    assert set("+".join(TOGETHER).split("+")) == set(ALONE)


@pytest.mark.parametrize("method", ["none", *(ALONE if KILLS_ASKED else TOGETHER)])
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(breakable, whole, method):
    expected = whole(method)
    chance = random.Random(method)
    places: list[str] = []
    resumed = False
    for _ in range(MOST_LIVES * KILLS):
        mode, nth = chance.choice((KILL, TEAR)), chance.randint(1, LONGEST_LIFE)
        breakable.faults.arm(mode, nth)
        ended = breakable.train(method)
        resumed |= "Resuming after epoch" in ended.said
        if not ended.killed:  # it came to its end before
            assert breakable.faults.fired == 0
            assert of_run(breakable.folder / "run") == expected
            breakable.fresh()
            continue
        assert breakable.faults.fired == 1
        places.append(breakable.faults.killed_at)
        if len(places) >= KILLS and resumed:
            break
    assert len(places) >= KILLS
    assert all(place.startswith(tuple(f"{kind} run" for kind in OPERATIONS)) for place in places), places
    breakable.faults.arm(COUNT)
    ended = breakable.train(method)
    assert ended.code == 0, ended.said
    assert resumed or "Resuming after epoch" in ended.said
    assert of_run(breakable.folder / "run") == expected
    assert leftovers(breakable.folder) == []


MOMENTS = {
    "the record of a run that begins": ("rename run/.run.json", 1, KILL),
    "a checkpoint": ("write run/.checkpoint", 2, TEAR),
    "a checkpoint becomes the previous one": ("rename run/checkpoint", 1, KILL),
    "a checkpoint comes to its name": ("rename run/.checkpoint", 2, KILL),
    "a checkpoint is safe": ("fsync run/.checkpoint", 2, KILL),
    "the weights": ("write run/.weights", 1, TEAR),
    "the record of a run that ends": ("rename run/.run.json", 3, KILL),
    "the last checkpoint is removed": ("unlink run/checkpoint.previous", 1, KILL),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_killed_at_a_critical_moment(breakable, whole, moment):
    place, count, mode = MOMENTS[moment]
    expected = whole("dropout")
    breakable.faults.arm(mode, count, match=place)
    assert breakable.train("dropout").killed
    assert breakable.faults.killed_at.startswith(place)
    breakable.faults.arm(COUNT)
    ended = breakable.train("dropout")
    assert ended.code == 0, ended.said
    assert of_run(breakable.folder / "run") == expected
    assert leftovers(breakable.folder) == []


PLACES = [
    "rename study/.study.json",
    "write study/.study.json",
    "rename study/.verdict.json",
    "write study/report/figures",
    "rename study/report/.verdict.json",
]


def test_a_study_that_is_killed_at_every_critical_moment(breakable):
    """One folder goes through all of it: plan, record, verdict, report; at last a worker is killed, and replaced."""
    ended = breakable.compare("l2")
    assert ended.code == 0, ended.said
    expected = of_study(breakable.folder / "study")
    report = names_of(breakable.folder / "study" / "report")
    breakable.fresh()
    for place in PLACES:
        breakable.faults.arm(TEAR, 1, match=place)
        ended = breakable.compare("l2")
        assert ended.killed, ended.said
        assert breakable.faults.killed_at.startswith(place)
    breakable.faults.arm(COUNT)
    ended = breakable.compare("l2")
    assert ended.code == 0, ended.said
    assert of_study(breakable.folder / "study") == expected
    assert names_of(breakable.folder / "study" / "report") == report
    again = breakable.run("report", "study", "--lang", "en", "--out", "again", folder=breakable.folder)
    assert again.code == 0, again.said
    assert contents_of(breakable.folder / "study" / "report") == contents_of(breakable.folder / "again")
    assert leftovers(breakable.folder / "study") == []
    breakable.fresh()
    breakable.faults.arm(TEAR, 1, match="write study/runs/l2-seed0")
    ended = breakable.compare("l2")
    assert breakable.faults.fired == 1
    assert "its process was killed by SIGKILL" in ended.said
    assert ended.code == 0
    assert of_study(breakable.folder / "study") == expected


def test_a_study_that_is_killed_at_random_again_and_again(breakable):
    """Whichever of its processes does the n-th operation is the one that is killed."""
    arguments = ("none", "l2")
    ended = breakable.compare(*arguments, jobs=2)
    assert ended.code == 0, ended.said
    operations = len(breakable.faults.operations())
    expected = of_study(breakable.folder / "study")
    breakable.fresh()
    chance, kills = random.Random(0), 0
    for _ in range(MOST_LIVES * KILLS):
        if kills >= KILLS:
            break
        breakable.faults.arm(chance.choice((KILL, TEAR)), chance.randint(1, operations // 2))
        ended = breakable.compare(*arguments, jobs=2)
        kills += breakable.faults.fired
        if ended.code == 0:  # it came to its end, perhaps with another worker
            assert of_study(breakable.folder / "study") == expected
            breakable.fresh()
    assert kills >= KILLS
    breakable.faults.arm(COUNT)
    ended = breakable.compare(*arguments, jobs=2)
    assert ended.code == 0, ended.said
    assert of_study(breakable.folder / "study") == expected
    assert leftovers(breakable.folder / "study") == []


def files_of(folder):
    return {str(path.relative_to(folder)): path for path in folder.rglob("[!.]*") if path.is_file()}


def names_of(folder):
    """What lies in a report: its numbers depend on the clock."""
    return sorted(files_of(folder))


def contents_of(folder):
    return {name: path.read_bytes() for name, path in files_of(folder).items()}
