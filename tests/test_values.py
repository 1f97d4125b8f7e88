"""Numbers of any library are numbers; what is none is refused, and shown in a line."""

import decimal
import fractions

import numpy as np
import pytest
import torch

import overfitlab
from overfitlab.arguments import image_size, joined, looks, margins, varied
from overfitlab.config import NOTEBOOK, RunConfig, protocol_named
from overfitlab.values import is_truth_value, number, pair, shown, whole


@pytest.mark.parametrize(
    "value", [3, np.int8(3), np.int64(3), np.uint64(3), np.array(3), torch.tensor(3), np.arange(9)[3]], ids=repr
)
def test_whole_numbers(value):
    found = whole(value)
    assert (found, type(found)) == (3, int)
    assert number(value) == 3.0


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.True_,
        torch.tensor(True),
        "3",
        b"3",
        3.0,
        np.float64(3),
        None,
        [3],
        np.array([3]),
        torch.tensor([3]),
        int,
    ],
    ids=repr,
)
def test_what_is_no_whole_number(value):
    assert whole(value) is None


@pytest.mark.parametrize(
    "value",
    [0.001, np.float64(0.001), np.float32(0.001), np.float16(0.001), np.array(0.001), torch.tensor(0.001),
     torch.tensor(0.001, dtype=torch.float64), decimal.Decimal("0.001"), fractions.Fraction(1, 1000)],
    ids=repr,
)  # fmt: skip
def test_real_numbers_are_what_their_digits_say(value):
    found = number(value)
    assert (found, type(found)) == (0.001, float)


@pytest.mark.parametrize(
    "value", [True, np.False_, "0.1", None, 1j, [0.1], np.zeros(2), torch.zeros(1), float], ids=repr
)
def test_what_is_no_number(value):
    assert number(value) is None


def test_the_identity_of_a_run_does_not_depend_on_the_type_of_a_number():
    plain = RunConfig(protocol_named("notebook", epochs=2, learning_rate=1e-3, batch_size=16), "none", "x", seed=5)
    changes = {"epochs": np.int16(2), "learning_rate": np.float32(1e-3), "batch_size": np.array(16)}
    numpys = RunConfig(protocol_named("notebook", **changes), "none", "x", seed=np.uint8(5), threads=None)
    assert numpys.as_dict() == plain.as_dict()
    assert numpys.run_id("0" * 64) == plain.run_id("0" * 64)
    assert "groups" not in plain.as_dict()
    assert NOTEBOOK.epochs == 30


def test_a_hyperparameter_may_be_numpys():
    assert overfitlab.method("dropout", rate=np.float32(0.3)).spec == "dropout:rate=0.3"
    assert overfitlab.method("augment", shift=np.float64(0.1)).spec == overfitlab.method("augment", shift=0.1).spec


@pytest.mark.parametrize(
    "given", ["48x64", (48, 64), [48, 64], np.array([48, 64]), (np.int64(48), np.int32(64))], ids=repr
)
def test_two_sides(given):
    assert image_size(given) == (48, 64)


@pytest.mark.parametrize("given", ["16", 16, np.int64(16), (16, 16)], ids=repr)
def test_one_side(given):
    assert image_size(given) == (16, 16)


def test_lists_are_what_one_would_type():
    assert looks((6, np.int64(12))) == looks("6,12") == (6, 12)
    assert looks(np.array([6, 12])) == (6, 12)
    assert varied(["init", "order"]) == varied("init,order")
    assert margins((np.float32(0.5), 1)) == margins("0.5,1") == (0.5, 1.0)
    assert joined(np.float32(0.1)) == "0.1"


def test_pairs():
    assert pair((1, 2)) == (1, 2)
    for value in ("ab", b"ab", {1: 2, 3: 4}, {1, 2}, (1, 2, 3), 5, list, None):
        assert pair(value) is None


def test_truth_values():
    assert is_truth_value(np.True_)
    assert not any(map(is_truth_value, (1, "yes", None, np.array([True]))))


def test_anything_is_shown_in_a_line():
    class Rude:
        def __repr__(self):
            raise RuntimeError

    assert shown(Rude()) == "an object of the type Rude"
    assert shown("a\nb") == "'a\\nb'"
    assert shown(np.zeros((2, 3), np.float32)) == "an array float32 [2, 3]"
    assert shown(torch.zeros(2, 3)) == "an array float32 [2, 3]"
    assert shown([0] * 999) == "an object of the type list"
    assert shown(lambda: 0) == "an object of the type function"
