"""Finds the methods: those in this folder, and those that other packages bring.

Another package registers a method under the entry point group `overfitlab.methods`, with the method's name as the
entry's name and its class as the object. Names are known without importing any method, so a misspelt one is
answered at once.
"""

import importlib
import inspect
import re
from dataclasses import fields
from importlib.metadata import EntryPoint, entry_points

from overfitlab import spelling
from overfitlab.errors import OverfitlabError, UsageError, unknown_name
from overfitlab.methods.base import Method
from overfitlab.methods.composition import composed
from overfitlab.methods.names import built_in, called
from overfitlab.values import shown

GROUP = "overfitlab.methods"
BETWEEN_METHODS = re.compile(r"(?<![\d.][eE])\+")  # not the + of 1e+16
BETWEEN_WORDS = re.compile(r"(?:[,;/|&\s]|\band\b)+")  # in a text that lists methods as if they were words


def names() -> list[str]:
    """Return the names of all methods, sorted."""
    return sorted(built_in() | _third_party().keys())


def built_in_names() -> list[str]:
    """Return the names of the methods that this package brings, sorted."""
    return sorted(built_in())


def method_class(name: str) -> type[Method]:
    """Return the class of the method with that name; raises `UsageError` where there is none."""
    if not isinstance(name, str) or name not in names():
        raise unknown_name("method", name if isinstance(name, str) else shown(name), names())
    third_party = _third_party().get(name)
    if third_party is not None:
        if name in built_in():
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
    module = importlib.import_module(f"overfitlab.methods.{name}")
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
        raise UsageError("no_method", "a method is a string or a Method, not a {type}", type=type(method).__name__)
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
    spelling.check_known(name, kind, hyperparameters)
    return kind(**hyperparameters)


def _parse_one(text: str) -> Method:
    name, colon, given = text.partition(":")
    try:
        kind = method_class(name)
        return kind(**spelling.settings(name, kind, given) if colon else {})
    except UsageError as error:
        if error.code not in ("setting_unreadable", "setting_is_no_number", "unknown_name", "unknown_name_like"):
            raise
        raise _misread(text, error) from None


def _misread(text: str, error: UsageError) -> UsageError:
    """Return the error for a text that is no method: how to write what was probably meant, else the error as it is."""
    several = _several(text)
    if several and "none" in several:
        return UsageError(
            "several_methods_with_none",
            "{text!r} is more than one method; compare takes them separately: overfitlab compare {apart}",
            text=text, apart=" ".join(several),
        )  # fmt: skip
    if several:
        return UsageError(
            "several_methods",
            "{text!r} is more than one method; compare takes them separately: overfitlab compare {apart}; all of "
            "them as one method is {together}",
            text=text, apart=" ".join(several), together="+".join(several),
        )  # fmt: skip
    if spelling.is_number(text):
        return UsageError(
            "method_is_a_number",
            "{text!r} is not a method; the setting of a method follows its name: dropout:rate=0.5",
            text=text,
        )  # fmt: skip
    plain = text.rstrip(" ,;")  # of `none, dropout`
    right = spelling.meant(plain, _class_called)
    if right is None or right == text or error.code == "setting_is_no_number":
        return error
    if right in names() and right != plain:
        return unknown_name("method", text, names(), meant=right)
    parse(right)  # a value out of range is said, not advised
    return UsageError("written_otherwise", "cannot read the {kind} {text!r}; write {right}",
                      kind="method", text=text, right=right)  # fmt: skip


def spelled(text: str) -> str | None:
    """Return how the methods are spelled that a text means in whatever notation, None where nobody can tell."""
    parts = [spelling.meant(part, _class_called) for part in BETWEEN_METHODS.split(text)]
    return None if None in parts else "+".join(filter(None, parts))


def _several(text: str) -> list[str]:
    """Return the methods of a text that has some of them with commas, blanks or the like between; none for others."""
    found: list[str] = []
    for word in filter(None, BETWEEN_WORDS.split(text)):
        name, colon, given = word.partition(":")
        known = called(name, names())
        if known is not None:
            found.append(f"{known}{colon}{given}")
        elif found and word.partition("=")[0] in _settings_of(found[-1]):
            found[-1] += f",{word}"
        elif right := spelling.meant(word, _class_called):
            found.append(right)
        else:
            return []
    return found if len(found) > 1 else []


def _settings_of(spec: str) -> list[str]:
    return [entry.name for entry in fields(method_class(spec.partition(":")[0]))]  # type: ignore[arg-type]


def _class_called(word: str) -> tuple[str, type[Method]] | None:
    name = called(word, names())
    return (name, method_class(name)) if name else None


def _third_party() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
