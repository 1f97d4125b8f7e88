"""Unpickle bytes, numbers, containers and arrays of uint8, and nothing else.

The members of the CIFAR archives are pickles, and a pickle may call any function that it names. Here the four names
that an array needs resolve to stand-ins that only check and remember what they are given (Python's manual,
"Restricting Globals", taken one step further: NumPy's own `__setstate__` never sees the file's content either).
"""

import io
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ForbiddenPickleError(pickle.UnpicklingError):
    """The pickle asks for something that a CIFAR batch has no use for."""


class PickledArray:
    """What stands where the pickle holds an array; `array` is uint8, of the pickled shape."""

    __slots__ = ("array",)
    array: NDArray[np.uint8]

    def __setstate__(self, state: Any) -> None:
        """Take NumPy's state (version, shape, dtype, Fortran order, content), if it is an array of uint8."""
        match state:
            case (1, tuple(shape), _ByteType(), bool(fortran), bytes(content)) if all(
                isinstance(size, int) and 0 <= size <= len(content) for size in shape
            ) and math.prod(shape) == len(content):
                flat = np.frombuffer(content, dtype=np.uint8)
                self.array = flat.reshape(shape, order="F" if fortran else "C")
            case _:
                raise ForbiddenPickleError("it holds an array that is not one of plain bytes")


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
            raise ForbiddenPickleError("it calls something that is only ever named")
        return self._call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise ForbiddenPickleError("it tries to change a function")


def _empty_array(kind: Any, shape: Any, _code: Any) -> PickledArray:
    if kind is not _NDARRAY or shape != (0,):
        raise ForbiddenPickleError("it holds an array of an unusual kind")
    return PickledArray()


def _byte_type(name: Any, *_flags: Any) -> _ByteType:
    if name not in ("u1", b"u1"):
        raise ForbiddenPickleError(f"it holds an array of {str(name)[:20]!r}, not of bytes")
    return _ByteType()


def _latin1(text: Any, encoding: Any) -> bytes:
    """Stand in for `_codecs.encode`, by which protocol 2 spells bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise ForbiddenPickleError("it holds text in an unusual encoding")
    return text.encode("latin1")


_NDARRAY = _StandIn()
_RECONSTRUCT = _StandIn(_empty_array)
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,  # NumPy 1, and the official release
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,  # NumPy 2
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _StandIn(_byte_type),
    ("_codecs", "encode"): _StandIn(_latin1),
}


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise ForbiddenPickleError(f"it asks for {module}.{name}"[:100]) from None


def restricted_loads(content: bytes) -> Any:
    """Return what `content` holds, text as bytes and each array as a `PickledArray`.

    Raises `ForbiddenPickleError` where the pickle names any other callable, and `pickle.UnpicklingError` where it is
    damaged in any way.
    """
    try:
        return _RestrictedUnpickler(io.BytesIO(content), encoding="bytes").load()
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
