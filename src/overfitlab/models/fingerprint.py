"""What a network in Python is recognised by: a hash of its code and of all that the code refers to.

The same class gives the same hash in another process, another notebook cell or a file of its own, and another one as
soon as something of it changes: a line of a method, a number outside that it uses, a helper of the user's. Pickles
would not do: those of cloudpickle name classes at random, and repeat names by which strings happen to be one object.
What belongs to an installed package counts by its name and the package's version.
"""

import dis
import functools
import hashlib
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from overfitlab.models.own_code import is_installed_module

ATOMS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented))
GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")
# of a class: what says where and how it was defined, or is made from the rest
NOT_CODE = frozenset((
    "__module__", "__dict__", "__weakref__", "__doc__", "__firstlineno__", "__static_attributes__", "__annotations__",
    "__annotate__", "__annotate_func__", "__annotations_cache__", "__abstractmethods__", "_abc_impl",
))  # fmt: skip
BY_NAME = (
    types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.ClassMethodDescriptorType,
)  # fmt: skip


class _UnknownError(Exception):
    """There is no telling what an object is."""


def of(network: object) -> str | None:
    """Return the SHA-256 of a class, a function or an `nn.Module`, in hexadecimal; None where there is none.

    There is none where something in it cannot be taken apart, or would be another one in another process.
    """
    try:
        first, second = (_Digests().of(network).hex() for _ in range(2))
    except (_UnknownError, RecursionError):
        return None
    return first if first == second else None


def of_weights(network: object) -> str | None:
    """Return the SHA-256 of the weights of an `nn.Module`, by name; None for anything else."""
    if not isinstance(network, nn.Module):
        return None
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(f"{len(name)} {name} ".encode())
        try:
            digest.update(_of_tensor(value) if isinstance(value, Tensor) else repr(type(value)).encode())
        except _UnknownError:  # sparse or quantized: no network with such a state is trained
            digest.update(repr((value.dtype, value.shape)).encode())
    return digest.hexdigest()


def _of_tensor(value: Tensor) -> bytes:
    if is_lazy(value):
        return b"not yet made"
    head = f"{value.dtype} {tuple(value.shape)} ".encode()
    if value.layout is not torch.strided or value.is_quantized or value.is_meta:
        raise _UnknownError
    content = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return hashlib.sha256(head + content.view(torch.uint8).numpy().tobytes()).digest()


class _Digests:
    """Digests of objects by what they are made of, not by where they lie."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}
        self._open: dict[int, int] = {}  # what is being taken apart, by its depth: objects can refer to each other
        self._kept: list[object] = []  # so that no other object gets the same id

    def of(self, value: Any) -> bytes:
        """Return the digest of `value`; raises `_UnknownError`."""
        if isinstance(value, ATOMS) and type(value) in ATOMS:
            return _digest(type(value).__name__, repr(value).encode("utf-8", "backslashreplace"))
        if id(value) in self._known:
            return self._known[id(value)]
        if id(value) in self._open:
            return _digest("again", str(self._open[id(value)]).encode())
        self._open[id(value)] = len(self._open)
        try:
            found = _digest(*self._taken_apart(value))
        finally:
            del self._open[id(value)]
        self._kept.append(value)
        self._known[id(value)] = found
        return found

    def _taken_apart(self, value: Any) -> Iterator[str | bytes]:
        """Yield what kind of thing it is, and the digests of its parts."""
        if isinstance(value, Tensor):
            yield "tensor"
            yield _of_tensor(value)
        elif isinstance(value, np.ndarray) and value.dtype != object:
            yield f"array {value.dtype} {value.shape}"
            yield np.ascontiguousarray(value).tobytes()
        elif isinstance(value, type):
            yield from self._class(value)
        elif isinstance(value, types.FunctionType):
            yield from self._function(value)
        elif isinstance(value, types.CodeType):
            yield from self._code(value)
        elif isinstance(value, types.ModuleType):
            yield from _module(value)
        elif isinstance(value, BY_NAME):
            yield "named"
            yield f"{getattr(value, '__module__', '')} {getattr(value, '__qualname__', repr(value))}".encode()
        else:
            yield from self._parts(value)

    def _parts(self, value: Any) -> Iterator[str | bytes]:
        if isinstance(value, Mapping) and type(value).__reduce_ex__ is object.__reduce_ex__:
            yield "mapping"
            yield self.of(type(value))
            for key, content in value.items():  # in their order, which can be that of layers
                yield self.of(key)
                yield self.of(content)
        elif isinstance(value, set | frozenset):
            yield "set"
            yield self.of(type(value))
            yield from sorted(self.of(each) for each in value)
        elif isinstance(value, list | tuple):
            yield "row"
            yield self.of(type(value))
            yield from map(self.of, value)
        elif isinstance(value, staticmethod | classmethod):
            yield type(value).__name__
            yield self.of(value.__func__)
        elif isinstance(value, property | functools.cached_property):
            yield type(value).__name__
            yield from map(self.of, _functions_of(value))
        elif isinstance(value, types.MethodType):
            yield "method"
            yield self.of(value.__func__)
            yield self.of(value.__self__)
        elif isinstance(value, types.CellType):
            yield "cell"
            yield self.of(_content(value))
        elif isinstance(value, nn.Module):
            yield "network"
            yield self.of(type(value))
            yield self.of(dict(_attributes(value)))
        else:
            yield from self._reduced(value)

    def _reduced(self, value: Any) -> Iterator[str | bytes]:
        """Take anything else apart as a pickle does."""
        try:
            reduced = value.__reduce_ex__(4)
        except Exception as error:  # whatever somebody's object does
            raise _UnknownError from error
        yield "object"
        if isinstance(reduced, str):  # something global
            yield f"{getattr(value, '__module__', '')} {reduced}".encode()
            return
        for each in reduced:
            yield self.of(list(each) if isinstance(each, Iterator) else each)

    def _class(self, value: type) -> Iterator[str | bytes]:
        if is_installed_module(value.__module__):
            yield from _named(value.__module__, value.__qualname__)
            return
        yield "class"
        yield value.__qualname__.encode()
        yield from map(self.of, value.__bases__)
        if type(value) is not type:
            yield self.of(type(value))
        for name in sorted(vars(value).keys() - NOT_CODE):
            yield name.encode()
            yield self.of(vars(value)[name])

    def _function(self, value: types.FunctionType) -> Iterator[str | bytes]:
        if is_installed_module(value.__module__):
            yield from _named(value.__module__, value.__qualname__)
            return
        yield "function"
        yield self.of(value.__code__)
        yield self.of(value.__defaults__)
        yield self.of(value.__kwdefaults__)
        yield self.of(value.__dict__)
        yield from map(self.of, value.__closure__ or ())
        for name in sorted(set(_globals_of(value.__code__))):
            if name in value.__globals__:
                yield name.encode()
                yield self.of(value.__globals__[name])

    def _code(self, value: types.CodeType) -> Iterator[str | bytes]:
        yield "code"
        yield value.co_code
        for each in (
            value.co_consts, value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars,
            value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount, value.co_flags,
        ):  # fmt: skip
            yield self.of(each)


def _functions_of(value: "property | functools.cached_property[Any]") -> tuple[object, ...]:
    return (value.func,) if isinstance(value, functools.cached_property) else (value.fget, value.fset, value.fdel)


def _attributes(network: nn.Module) -> Iterator[tuple[str, object]]:
    """Yield what an `nn.Module` holds: not its mode, which training sets, and its hooks without their numbers."""
    for name, value in vars(network).items():
        if name != "training" and value is not None and not (isinstance(value, dict) and not value):
            yield name, list(value.values()) if name.endswith("_hooks") and isinstance(value, dict) else value


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not yet filled
        return None


def _globals_of(code: types.CodeType) -> Iterator[str]:
    """Yield the names outside of it that some code uses, and what is defined in it."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in GLOBAL:
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals_of(constant)


def _named(module: str, name: str) -> Iterator[str | bytes]:
    yield "installed"
    package = sys.modules.get(module.partition(".")[0])
    yield f"{module} {name} {getattr(package, '__version__', '')}".encode()


def _module(value: types.ModuleType) -> Iterator[str | bytes]:
    if is_installed_module(value.__name__):
        yield from _named(value.__name__, "")
        return
    yield "module"
    yield value.__name__.encode()
    file = getattr(value, "__file__", None)
    if file is not None:
        try:
            yield Path(file).read_bytes()
        except OSError as error:
            raise _UnknownError from error


def _digest(*parts: str | bytes) -> bytes:
    found = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "backslashreplace") if isinstance(part, str) else part
        found.update(len(content).to_bytes(8, "little"))
        found.update(content)
    return found.digest()
