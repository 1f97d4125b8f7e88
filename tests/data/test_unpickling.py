"""The restricted unpickler: what it takes, and that nothing else ever runs."""

import contextlib
import os
import pickle
import pickletools
import subprocess
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from overfitlab.data.sources import unpickling
from overfitlab.data.sources.unpickling import ForbiddenPickleError, _instructions, restricted_loads

OFFICIAL_STYLE = (  # numpy 1 under Python 2: _reconstruct, a str as content, Fortran order off
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05U\x01b"
    b"\x87q\x06Rq\x07(K\x01K\x02K\x03\x86q\x08cnumpy\ndtype\nq\tU\x02u1K\x00K\x01\x87q\nRq\x0b(K\x03U\x01|NNNJ\xff\xff\xff"
    b"\xffJ\xff\xff\xff\xffK\x00tb\x89U\x06abcdefq\x0ctbU\x06labelsq\r]q\x0e(K\x06K\teu."
)


def test_the_official_style_is_read():
    batch = restricted_loads(OFFICIAL_STYLE)
    assert batch[b"data"].array.tolist() == [[97, 98, 99], [100, 101, 102]]
    assert batch[b"labels"] == [6, 9]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_of_bytes_survive(order, protocol):
    array = np.arange(24, dtype=np.uint8).reshape(4, 6, order=order)
    np.testing.assert_array_equal(restricted_loads(pickle.dumps(array, protocol)).array, array)


@pytest.mark.slow
@given(st.recursive(st.integers() | st.binary() | st.none() | st.booleans(), st.lists))
def test_plain_values_survive(value):
    assert restricted_loads(pickle.dumps(value, 3)) == value


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


CANARY = "touch canary"


@pytest.mark.parametrize(
    "attack",
    [
        Calls(os.system, CANARY),
        Calls(eval, "open('canary', 'w')"),
        Calls(subprocess.call, CANARY.split()),
        {b"data": [Calls(os.system, CANARY)], b"labels": [1]},
        Calls(getattr, Calls(__import__, "os"), "system"),
        np.array([Calls(os.system, CANARY)], dtype=object),
        Calls(np.ndarray, (10**12,)),  # no memory may be asked for either
        Calls(np.dtype, "O"),
        Calls(np.load, "anything"),
    ],
)
def test_attacks_are_refused_and_nothing_runs(attack, tmp_path):
    with pytest.raises(pickle.UnpicklingError):
        restricted_loads(pickle.dumps(attack, 2))
    assert not os.path.exists("canary")  # noqa: PTH110 - the working folder is what a shell command sees


@pytest.mark.parametrize(
    "content",
    [
        b"cnumpy\ndtype\n}U\x05_callcos\nsystem\nsb.",  # BUILD: try to change a stand-in
        b"c_codecs\nencode\nN}U\x05_callNs\x86b.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85U\x01btR.",
        b"cnumpy\nndarray\n)R.",
        b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x03\x00\x00\x00rottR.",
    ],
)
def test_stand_ins_cannot_be_misused(content):
    with pytest.raises(ForbiddenPickleError):
        restricted_loads(content)


def test_an_array_that_claims_more_than_it_has_is_refused():
    content = pickle.dumps(np.zeros((2, 3), np.uint8), 2).replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86")
    with pytest.raises(ForbiddenPickleError):
        restricted_loads(content)


LONG_TEXT = b"X" + (2**20).to_bytes(4, "little") + b"a" * 2**20 + b"q\x01"
AGAIN = b"h\x00h\x01X\x06\x00\x00\x00latin1\x86R"  # encode that text

TWICE = b"".join(b"h" + bytes([n]) + b"h" + bytes([n]) + b"\x86q" + bytes([n + 1]) for n in range(60))
EMPTY_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n(K\x00tC\x01b\x87R"
FLAT = b"(K\x01(" + b"K\x01" * 100_000 + b"tcnumpy\ndtype\nX\x02\x00\x00\x00u1\x85R\x89C\x01atb."


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bomb", "code"),
    [
        (b"()q\x00" + TWICE + b"l}h\x3cNs\x86.", "pickled_tuple_twice"),  # a key whose hash takes 2**60 steps
        (b"()q\x00" + TWICE + b"lcnumpy\ndtype\nh\x3c\x85R\x86.", "pickled_tuple_twice"),
        (b"()q\x00" + TWICE.replace(b"\x86", b"\x86Nb") + b"l}h\x3cNs\x86.", "pickled_tuple_twice"),
        (b"cnumpy\ndtype\n]q\x00(h\x00h\x00e\x85R.", "pickled_array_unusual"),  # a list in itself
        (b"})" + b"\x85" * 200_000 + b"Ns.", "pickled_tuples_deep"),  # a key whose hash calls itself as often
        (EMPTY_ARRAY + FLAT, "pickled_array_odd"),  # a product of as many numbers
        (b"(" + b"}" * 310_000 + b"l.", "pickle_of_no_images"),
        (b"(" + b"\x8f" * 1000 + b"l.", "pickle_of_no_images"),  # EMPTY_SET: 225 bytes of memory each
        (pickle.dumps({1, 2}, 4), "pickle_of_no_images"),
        (pickle.dumps(bytearray(10), 5), "pickle_of_no_images"),
        # keys that can collide
        (pickle.dumps({(number,): None for number in range(2000)}, 2), "pickled_dictionary_large"),
        (b"}(" + b"I1\nN" * 2000 + b"u.", "pickled_dictionary_large"),
        (b"}" + b"K\x01Ns" * 2000 + b".", "pickled_dictionary_large"),
        (b"(" + b"K\x01N" * 2000 + b"d.", "pickled_dictionary_large"),
        (b"(c_codecs\nencode\nq\x00" + LONG_TEXT + AGAIN * 5000 + b"l.", "pickle_wants_memory"),
    ],
    ids=[
        "shared tuples",
        "the text of shared tuples",
        "shared tuples, disguised",
        "a list as a type",
        "tuples in tuples",
        "dimensions",
        "dicts",
        "sets",
        "a set",
        "a bytearray",
        "keys",
        "entries",
        "single entries",
        "a dict of a mark",
        "texts",
    ],
)
def test_a_bomb_is_refused_before_it_takes_memory_and_time(monkeypatch, bomb, code):
    monkeypatch.setattr(unpickling, "MOST_INSTRUCTIONS", 300_000)  # fewer: under tracemalloc each takes its time
    tracemalloc.start()
    with refused(ForbiddenPickleError, code):
        restricted_loads(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**23 + 3 * len(bomb)


@pytest.mark.slow
def test_the_largest_batch_there_is_can_be_read():
    """One of CIFAR-100: its labels are two lists, and its names are long."""
    names = [f"name_of_an_image_{number}.png".encode() for number in range(50_000)]
    labels = [number % 100 for number in range(50_000)]
    batch = {b"data": np.zeros((50, 3072), np.uint8), b"filenames": names, b"fine_labels": labels}
    for protocol in (0, 2, 4):
        assert restricted_loads(pickle.dumps(batch | {b"coarse_labels": labels[:]}, protocol))[b"filenames"] == names


GREEDY = [b"Nr\xff\xff\xff\x1f.", b"Np999999999\n.", b"cnumpy\nndarray\nq\x00Nr\x00\x00\x00\x70."]


@pytest.mark.parametrize("content", GREEDY)
def test_a_pickle_that_wants_memory_for_nothing_is_refused(content):
    """Found by the fuzzer: one instruction of five bytes makes Python's unpickler ask for as many gigabytes."""
    with refused(ForbiddenPickleError, "pickle_wants_memory"):
        restricted_loads(content)


@pytest.mark.parametrize("protocol", range(5))
def test_instructions_are_those_of_pickletools(protocol):
    batch = {b"data": np.zeros((3, 4), np.uint8), b"labels": list(range(300)), b"names": [b"x" * 300, "y" * 70_000]}
    content = pickle.dumps(batch, protocol=protocol)
    found = [name for name, _ in _instructions(content)]
    assert [*found, "STOP"] == [code.name for code, _, _ in pickletools.genops(content)]


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_an_unpickling_error(content):
    with contextlib.suppress(pickle.UnpicklingError):
        restricted_loads(content)
