"""Of which kind the arguments of the public functions are: a wrong one is a usage error that names the right one."""

import os
from collections.abc import Callable, Mapping

from overfitlab.errors import UsageError
from overfitlab.events import Listener
from overfitlab.runs.run import Run
from overfitlab.study.study import Study
from overfitlab.values import is_truth_value, shown

Kind = tuple[Callable[[object], bool], str]  # whether a value is of it, and what it is called


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike) and isinstance(os.fspath(value), str)


PATH: Kind = (_is_path, "a path")
TEXT: Kind = (lambda value: isinstance(value, str), "a text")
SWITCH: Kind = (is_truth_value, "True or False")
# those that are not here are checked where they are used, before anything is begun
KINDS: Mapping[str, Kind] = {
    "bare": SWITCH,
    "class_name": TEXT,
    "command": TEXT,
    "data_dir": PATH,
    "device": TEXT,
    "give_up": SWITCH,
    "layer": TEXT,
    "like": (lambda value: isinstance(value, Study) or _is_path(value), "a study, its folder, or its name or id"),
    "listener": (
        lambda value: isinstance(value, Listener) or (callable(value) and not isinstance(value, type)),
        "an overfitlab.Listener, or a function that takes an event",
    ),
    "name": TEXT,
    "metric": TEXT,
    "out": PATH,
    "part": TEXT,
    "precision": TEXT,
    "protocol": TEXT,
    "run": (lambda value: isinstance(value, Run) or _is_path(value), "a run, its folder, or its name or id"),
    "stream": (lambda value: hasattr(value, "write") and hasattr(value, "flush"), "a stream, such as sys.stdout"),
    "verbose": SWITCH,
    "weights": PATH,
}


def check_kinds(given: Mapping[str, object]) -> None:
    """Raise `UsageError` for the first argument that is of another kind; None is what stands for a default."""
    for name, value in given.items():
        if value is None or name not in KINDS:
            continue
        fits, kind = KINDS[name]
        if not fits(value):
            raise UsageError(
                "argument_of_another_kind", "{argument} must be {kind}, not {value}",
                argument=name, kind=kind, value=shown(value),
            )  # fmt: skip
