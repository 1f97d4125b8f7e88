"""Unpickle bytes, numbers, containers and arrays of uint8, and nothing else.

The members of the CIFAR archives are pickles, and a pickle may call any function that it names. Here the four names
that an array needs resolve to stand-ins that only check and remember what they are given (Python's manual,
"Restricting Globals", taken one step further: NumPy's own `__setstate__` never sees the file's content either).
"""

import io
import math
import pickle
import pickletools
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overfitlab.errors import DataError

MEMORIZING = ("PUT", "LONG_BINPUT", "BINPUT", "MEMOIZE")
RECALLING = ("GET", "LONG_BINGET", "BINGET")
TUPLES = {"TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}  # of as many values, the first of all above the mark
INSTRUCTIONS = {ord(each.code): each for each in pickletools.opcodes}
GROWTH = {  # by how much each makes the stack grow, but for what lies above the last mark
    each.name: len(each.stack_after)
    - len(list(takewhile(lambda kind: kind is not pickletools.markobject, each.stack_before)))
    for each in pickletools.opcodes
}
# those that take all that lies above it
FROM_MARK = {each.name for each in pickletools.opcodes if pickletools.markobject in each.stack_before}
LENGTH_BYTES = {  # of an argument that begins with its length
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
USEFUL = {  # what writers of every protocol and of both Pythons need for a batch; sets, bytearrays and buffers are none
    "PROTO", "FRAME", "MARK", "STOP", "NONE", "NEWTRUE", "NEWFALSE",
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    "EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "EMPTY_DICT", "DICT", "SETITEM", "SETITEMS",
    "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD",
    "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET",
}  # fmt: skip
MEMORY_GAP = 1024  # some writers begin to count elsewhere than at 0
MOST_INSTRUCTIONS = 1_000_000  # CIFAR-100 has 300,000; each can cost about a hundred bytes
MOST_DIMENSIONS = 4
DEEPEST_TUPLE = 8  # an array has tuples in a tuple; a hundred thousand of them, as a key, end the process
MOST_ENTRIES = 1000  # of dictionaries: a batch has five, and keys that collide take the square of their number
LONGEST_NAME = 88  # characters in a message


class ForbiddenPickleError(DataError, pickle.UnpicklingError):
    """The pickle asks for something that a CIFAR batch has no use for."""


class PickledArray:
    """What stands where the pickle holds an array; `array` is uint8, of the pickled shape."""

    __slots__ = ("array",)
    array: NDArray[np.uint8]

    def __setstate__(self, state: Any) -> None:
        """Take NumPy's state (version, shape, dtype, Fortran order, content), if it is an array of uint8."""
        match state:
            case (1, tuple(shape), _ByteType(), bool(fortran), bytes(content)) if (
                len(shape) <= MOST_DIMENSIONS
                and all(isinstance(size, int) and 0 <= size <= len(content) for size in shape)
                and math.prod(shape) == len(content)
            ):
                flat = np.frombuffer(content, dtype=np.uint8)
                self.array = flat.reshape(shape, order="F" if fortran else "C")
            case _:
                raise ForbiddenPickleError("pickled_array_odd", "it holds an array that is not one of plain bytes")


class _ByteType:
    """What stands for `numpy.dtype("u1")`; its state holds only the byte order, which bytes do not have."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        pass


class _StandIn:
    """A name that the pickle may use: it can be called, where `call` is given, and nothing else."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any] | None = None) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        if self._call is None:
            raise ForbiddenPickleError("pickle_calls_a_name", "it calls something that is only ever named")
        return self._call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise ForbiddenPickleError("pickle_changes_a_function", "it tries to change a function")


def _empty_array(kind: Any, shape: Any, _code: Any) -> PickledArray:
    if kind is not _NDARRAY or shape != (0,):
        raise ForbiddenPickleError("pickled_array_unusual", "it holds an array of an unusual kind")
    return PickledArray()


def _byte_type(name: Any, *_flags: Any) -> _ByteType:
    if not isinstance(name, str | bytes):  # of lists in lists the text could be endless
        raise ForbiddenPickleError("pickled_array_unusual", "it holds an array of an unusual kind")
    if name not in ("u1", b"u1"):
        raise ForbiddenPickleError(
            "pickled_array_not_of_bytes", "it holds an array of {dtype!r}, not of bytes", dtype=str(name)[:20]
        )
    return _ByteType()


class _Latin1:
    """Stands in for `_codecs.encode`, by which protocol 2 spells bytes: once each, so never more than the file has."""

    def __init__(self, most: int) -> None:
        self._left = most

    def __call__(self, text: Any, encoding: Any) -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
            raise ForbiddenPickleError("pickle_of_odd_encoding", "it holds text in an unusual encoding")
        self._left -= len(text)
        if self._left < 0:
            raise ForbiddenPickleError("pickle_wants_memory", "it wants more memory than it can use")
        return text.encode("latin1")


_NDARRAY = _StandIn()
_RECONSTRUCT = _StandIn(_empty_array)
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,  # NumPy 1, and the official release
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,  # NumPy 2
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _StandIn(_byte_type),
}


class _RestrictedUnpickler(pickle.Unpickler):
    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._allowed = _ALLOWED | {("_codecs", "encode"): _StandIn(_Latin1(len(content)))}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._allowed[module, name]
        except KeyError:
            raise ForbiddenPickleError(
                "pickle_asks_for_a_name", "it asks for {name}", name=f"{module}.{name}"[:LONGEST_NAME]
            ) from None


def _refuse_bombs(content: bytes) -> None:
    """Refuse what takes far more memory or time than its bytes.

    Those are instructions that cost a hundred times what they measure; dictionaries that grow large; gaps in the
    numbers of what is remembered, because the list of that is as long as the largest number; and tuples that are
    recalled, because a tuple of two, of which both are a tuple of two, and so on, takes for ever to be a key.
    """
    entries = 0
    nesting: list[int] = []  # of each value on the stack: 0, or how many tuples deep a tuple is
    memory: dict[int, int] = {}  # the same for what is remembered
    marks: list[int] = []
    for count, (name, argument) in enumerate(_instructions(content)):
        if name not in USEFUL or count > MOST_INSTRUCTIONS:
            raise ForbiddenPickleError(
                "pickle_of_no_images", "it is not a batch of images ({instruction})", instruction=name.lower()
            )
        if name == "MARK":
            marks.append(len(nesting))
            continue
        mark = max(0, len(nesting) - TUPLES.get(name, 0))
        if name in FROM_MARK:
            mark = marks.pop() if marks else len(nesting)
            entries += (len(nesting) - mark) // 2 if name in ("SETITEMS", "DICT") else 0
        entries += name == "SETITEM"
        if entries > MOST_ENTRIES:
            raise ForbiddenPickleError(
                "pickled_dictionary_large", "it holds a larger dictionary than a batch of images has"
            )
        if name in TUPLES:
            nesting[mark:] = [1 + max(nesting[mark:], default=0)]
            if nesting[-1] > DEEPEST_TUPLE:
                raise ForbiddenPickleError("pickled_tuples_deep", "it holds tuples in tuples without end")
        else:
            del nesting[mark:]
            growth = GROWTH[name]
            del nesting[len(nesting) + min(0, growth) :]
            nesting.extend([0] * growth)
        if name in RECALLING and memory.get(_number(name, argument), 0):
            raise ForbiddenPickleError("pickled_tuple_twice", "it holds a tuple in more than one place")
        if name in MEMORIZING:
            number = len(memory) if name == "MEMOIZE" else _number(name, argument)
            if number > MEMORY_GAP + len(memory):
                raise ForbiddenPickleError("pickle_wants_memory", "it wants more memory than it can use")
            memory[number] = nesting[-1] if nesting else 0


def _number(name: str, argument: bytes) -> int:
    """Return which place in the memory an instruction means."""
    return int(argument) if name in ("PUT", "GET") else int.from_bytes(argument, "little")


def _instructions(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and argument of each instruction up to the end or the first damage; long arguments are left out.

    `pickletools.genops` does the same, but copies what it passes, which for images is all of the file.
    """
    position = 0
    while position < len(content):
        code = INSTRUCTIONS.get(content[position])
        if code is None or code.name == "STOP":
            return
        position += 1
        size = 0 if code.arg is None else code.arg.n
        if size == pickletools.UP_TO_NEWLINE:
            lines = 2 if code.name in ("GLOBAL", "INST") else 1
            start = position
            for _ in range(lines):
                position = content.find(b"\n", position) + 1
                if not position:
                    return
            yield code.name, content[start : position - 1]
        elif size < 0:
            width = LENGTH_BYTES[size]
            position += width + int.from_bytes(content[position : position + width], "little")
            yield code.name, b""
        else:
            yield code.name, content[position : position + size]
            position += size


def restricted_loads(content: bytes) -> Any:
    """Return what `content` holds, text as bytes and each array as a `PickledArray`.

    Raises `ForbiddenPickleError` where the pickle names any other callable or would take more memory or time than a
    batch of images of its size, and `pickle.UnpicklingError` where it is damaged in any way.
    """
    try:
        _refuse_bombs(content)
        return _RestrictedUnpickler(content).load()
    except pickle.UnpicklingError:
        raise
    # a damaged pickle makes the machine that runs its opcodes fail in nearly any way
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        TypeError,
        ValueError,
    ) as error:
        raise pickle.UnpicklingError(f"damaged pickle ({type(error).__name__})") from error
