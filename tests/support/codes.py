"""Finds in the sources which codes of errors and reasons there are, without running anything."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

import overfitlab

SOURCE = Path(overfitlab.__file__).parent
OWN_ARGUMENTS = {"passing", "again"}  # of kinds of errors that have more to say than a message


@dataclass(frozen=True)
class Use:
    """A call that makes an error or a reason; what is no literal is None."""

    place: str  # "data/loading.py:42"
    codes: tuple[str, ...] | None
    template: str | None  # of an error
    names: frozenset[str] | None  # of its values; None where they are not written out
    arguments: int  # that have no name

    @property
    def room(self):
        """The room of the house that it is in."""
        return self.place.partition(":")[0].partition("/")[0].removesuffix(".py")


@cache
def sources() -> dict[str, ast.Module]:
    """Return every source file by its path within the package."""
    return {
        path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(SOURCE.rglob("*.py"))
    }


@cache
def kinds() -> frozenset[str]:
    """Return the names of all kinds of errors of ours."""
    bases = {
        node.name: {name for base in node.bases if (name := _name(base))}
        for tree in sources().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"OverfitlabError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return frozenset(found)


@cache
def errors() -> tuple[Use, ...]:
    """Return every call that makes an error."""
    return tuple(
        _uses(
            lambda call, path: path != "reasons.py" and (_name(call.func) in kinds() or _is_kind_of_another(call.func))
        )
    )


@cache
def reasons() -> tuple[Use, ...]:
    """Return every call that makes a reason by its code."""
    return tuple(
        _uses(
            lambda call, path: (
                path != "reasons.py" and isinstance(call.func, ast.Name) and call.func.id in ("reason", "Reason")
            )
        )
    )


def fields(template: str) -> dict[str, str]:
    """Return the fields of a template, each with what it says of its form: `":,"`, `"!r"`."""
    found: dict[str, str] = {}
    for _, name, form, conversion in Formatter().parse(template):
        if name:
            found[name] = found.get(name, "") + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
    return found


def _uses(wanted) -> Iterator[Use]:
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and wanted(node, path):
                names = {keyword.arg for keyword in node.keywords} - OWN_ARGUMENTS
                second = node.args[1] if len(node.args) > 1 else None
                yield Use(
                    f"{path}:{node.lineno}",
                    _literals(node.args[0]),
                    second.value if isinstance(second, ast.Constant) and isinstance(second.value, str) else None,
                    None if None in names else frozenset(names),
                    len(node.args),
                )


def _literals(node: ast.expr) -> tuple[str, ...] | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (node.value,)
    if isinstance(node, ast.IfExp):
        first, second = _literals(node.body), _literals(node.orelse)
        return None if first is None or second is None else first + second
    return None


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _is_kind_of_another(node: ast.expr) -> bool:
    """Return whether it is `type(error)`, which makes an error of the same kind."""
    return isinstance(node, ast.Call) and _name(node.func) == "type"
