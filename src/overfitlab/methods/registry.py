"""Finds the methods: those in this folder, and those that other packages bring.

Another package registers a method under the entry point group `overfitlab.methods`, with the method's name as the
entry's name and its class as the object. Names are known without importing any method, so a misspelt one is
answered at once.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable
from dataclasses import fields
from importlib.metadata import EntryPoint, entry_points

from overfitlab import methods as package
from overfitlab.errors import OverfitlabError, UsageError, nearest, unknown_name
from overfitlab.methods.base import Method
from overfitlab.methods.composition import composed
from overfitlab.values import shown

GROUP = "overfitlab.methods"
BETWEEN_METHODS = re.compile(r"(?<![\d.][eE])\+")  # not the + of 1e+16
_NOT_METHODS = {"base", "composition", "registry", "tracking"}


def names() -> list[str]:
    """Return the names of all methods, sorted."""
    return sorted(_built_in() | _third_party().keys())


def built_in_names() -> list[str]:
    """Return the names of the methods that this package brings, sorted."""
    return sorted(_built_in())


def method_class(name: str) -> type[Method]:
    """Return the class of the method with that name; raises `UsageError` where there is none."""
    if not isinstance(name, str) or name not in names():
        raise unknown_name("method", name if isinstance(name, str) else shown(name), names())
    third_party = _third_party().get(name)
    if third_party is not None:
        if name in _built_in():
            raise OverfitlabError(
                "method_name_taken", "{place} claims the name of the method {name!r}, which is built in",
                place=third_party.value, name=name,
            )  # fmt: skip
        try:
            found = third_party.load()
        except Exception as error:  # whatever somebody's module does when imported
            raise OverfitlabError(
                "method_cannot_be_imported", "method {name!r} from {place} cannot be imported: {reason}",
                name=name, place=third_party.value, reason=error,
            ) from error  # fmt: skip
        if not (isinstance(found, type) and issubclass(found, Method) and getattr(found, "name", None) == name):
            raise OverfitlabError(
                "no_method_of_that_name", "{place} is not an overfitlab method with the name {name!r}",
                place=third_party.value, name=name,
            )  # fmt: skip
        _check_declaration(found, third_party.value)
        return found
    module = importlib.import_module(f"{package.__name__}.{name}")
    return next(
        found
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Method) and getattr(found, "name", None) == name
    )


def _check_declaration(kind: type[Method], where: str) -> None:
    """Raise `OverfitlabError` where a class of another package does not declare its hyperparameters as it has to."""
    if "__dataclass_params__" not in vars(kind) or not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise OverfitlabError(
            "method_not_frozen", "{place} must be a frozen dataclass: write @dataclass(frozen=True) above the class",
            place=where,
        )  # fmt: skip
    for entry in fields(kind):  # type: ignore[arg-type]
        if "whole" not in entry.metadata:
            raise OverfitlabError(
                "hyperparameter_undeclared",
                "{place}: declare its field {name!r} with hyperparameter(DEFAULT, low=...)",
                place=where, name=entry.name,
            )  # fmt: skip


def parse(text: str) -> Method:
    """Return the method that `text` describes: `none`, `dropout:rate=0.3`, `batch_norm+dropout`.

    Raises `UsageError` for unknown names, hyperparameters that the method does not have, values out of range, and
    methods that do not go together.
    """
    parts = [part.strip() for part in BETWEEN_METHODS.split(text)]
    if not all(parts):
        raise UsageError(
            "method_with_empty_part",
            "method {text!r} has an empty part; write for example batch_norm+dropout:rate=0.3",
            text=text,
        )
    return composed([_parse_one(part) for part in parts])


def resolve(method: str | Method) -> Method:
    """Return the method that a text describes, or the method itself.

    Raises `UsageError` as `parse` does, and for an object whose class the registry does not know: a run's record holds
    the text alone, which has to make the method again.
    """
    if isinstance(method, str):
        return parse(method)
    if not isinstance(method, Method):
        raise UsageError("no_method", "a method is a text or a Method, not a {type}", type=type(method).__name__)
    for part in method.parts:
        name = getattr(part, "name", None)  # a class may have forgotten it
        if name not in names() or method_class(name) is not type(part):
            raise UsageError(
                "method_not_registered",
                "{type} is not registered, so a record of it could not be read again; give it an entry point in the "
                "group {group} (CONTRIBUTING.md)",
                type=type(part).__name__, group=GROUP,
            )  # fmt: skip
    return parse(method.spec)


def make(name: str, **hyperparameters: float) -> Method:
    """Return the method with that name and those hyperparameters: `make("dropout", rate=0.3)`.

    Methods compose with `+`. Raises `UsageError` for a name or a hyperparameter that does not exist, and for a value
    out of range.
    """
    kind = method_class(name)
    _check_known(name, kind, hyperparameters)
    return kind(**hyperparameters)


def _check_known(name: str, kind: type[Method], parameters: Iterable[str]) -> None:
    known = list(inspect.signature(kind).parameters)
    for parameter in parameters:
        if parameter in known:
            continue
        if not known:
            raise UsageError(
                "method_without_hyperparameters", "{method} has no hyperparameters, so {name!r} cannot be set",
                method=name, name=parameter,
            )  # fmt: skip
        near = nearest(parameter, known)
        if near is not None:
            raise UsageError(
                "unknown_hyperparameter_like", "unknown hyperparameter of {method} {name!r}; did you mean {near!r}?",
                method=name, name=parameter, near=near,
            )  # fmt: skip
        raise UsageError(
            "unknown_hyperparameter", "unknown hyperparameter of {method} {name!r}; choose from {known}",
            method=name, name=parameter, known=", ".join(sorted(known)),
        )  # fmt: skip


def _parse_one(text: str) -> Method:
    name, colon, settings = text.partition(":")
    kind = method_class(name)
    values: dict[str, float] = {}
    for setting in settings.split(",") if colon else []:
        parameter, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or parameter in values:
            raise UsageError(
                "setting_unreadable", "{method}: cannot read {setting!r}; write {method}:NAME=NUMBER, each name once",
                method=name, setting=setting,
            )  # fmt: skip
        _check_known(name, kind, [parameter])
        try:
            values[parameter] = float(value)
        except ValueError:
            raise UsageError(
                "setting_is_no_number", "{method}: {parameter} must be a number, not {value!r}",
                method=name, parameter=parameter, value=value,
            ) from None  # fmt: skip
    return kind(**values)


def _built_in() -> set[str]:
    """Return the names of the methods in this folder: a method's file has the name of its method."""
    return {module.name for module in pkgutil.iter_modules(package.__path__)} - _NOT_METHODS


def _third_party() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
