"""How a thing with settings is written, `dropout:rate=0.3` or `sgd:momentum=0.9,nesterov=true`: one grammar for all.

Methods, optimizers and schedules are frozen dataclasses whose fields are their settings. Here is what reads them, what
writes them, and what recognizes other notations: `Dropout(0.5)`, `dropout=0.5`, `dropout:0.5`.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, fields
from typing import Any, ClassVar

from overfitlab.errors import UsageError, nearest
from overfitlab.values import is_truth_value, number, shown

SWITCH = {"true": True, "false": False}
# NAME, and then settings in brackets or behind a sign: Dropout(0.5), dropout=0.5, dropout:0.5, dropout 0.5
OTHER_NOTATION = re.compile(r"([^\W\d][\w. -]*?)\s*(?:[\[({:=,;]\s*|\s+(?=[\d.]))(.*?)[\])}\s]*")
OTHER_SETTINGS = {  # as other programs call them: what they may be called here
    "beta1": "beta_1", "beta2": "beta_2", "eps": "epsilon", "gamma": "factor", "milestones": "every", "p": "rate",
    "prob": "rate", "step_size": "every", "std": "deviation", "stddev": "deviation", "warmup": "warm_up",
    "warmup_epochs": "warm_up", "wd": "weight_decay",
}  # fmt: skip
RATES = ("lr", "learning_rate", "max_lr")  # which no setting is


def hyperparameter(
    default: float, *, low: float, high: float = math.inf, search: Sequence[float] = (), whole: bool = False
) -> Any:
    """Declare a hyperparameter of a method, as a field of its dataclass.

    Args:
        default: its value where none is given.
        low: the least value that is allowed, and `high` the greatest.
        high: see `low`.
        search: values worth trying, ascending; the pilot behind the defaults tries them (`make pilot`).
        whole: whether it must be a whole number.
    """
    return field(default=default, metadata={"low": low, "high": high, "search": tuple(search), "whole": whole})


def switch(*, default: bool) -> Any:
    """Declare a setting that is on or off, as a field of a dataclass; it is written `true` or `false`."""
    return field(default=default, metadata={"switch": True})


class Spelled:
    """What is written as a name with settings: the base of frozen dataclasses whose fields are the settings.

    Raises `UsageError` for a value out of range.
    """

    name: ClassVar[str]

    def __post_init__(self) -> None:
        for parameter, value in self.hyperparameters().items():
            self._check(parameter, value)

    def hyperparameters(self) -> dict[str, float]:
        """Return names and values of all hyperparameters, in the order in which they are declared."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}  # type: ignore[arg-type]

    @property
    def spec(self) -> str:
        """The text that makes it again, with every hyperparameter: `dropout:rate=0.2`."""
        return self._written(self.hyperparameters())

    @property
    def label(self) -> str:
        """The text for people: `spec` without the hyperparameters that have their default."""
        defaults = {entry.name: entry.default for entry in fields(self)}  # type: ignore[arg-type]
        given = self.hyperparameters().items()
        return self._written({name: value for name, value in given if value != defaults[name]})

    def _written(self, values: Mapping[str, float]) -> str:
        settings = written(values)
        return f"{self.name}:{settings}" if settings else self.name

    def _check(self, parameter: str, value: Any) -> None:
        declared = next(entry for entry in fields(self) if entry.name == parameter)  # type: ignore[arg-type]
        if declared.metadata.get("switch"):
            if not is_truth_value(value):
                raise _no_switch(self.name, parameter, value)
            object.__setattr__(self, parameter, bool(value))
            return
        low, high, whole = (declared.metadata[entry] for entry in ("low", "high", "whole"))
        found = number(value)
        fits = found is not None and math.isfinite(found) and low <= found <= high
        if found is None or not fits or (whole and found != int(found)):
            raise _out_of_range(whole, high, method=self.name, parameter=parameter, low=low, value=shown(value))
        object.__setattr__(self, parameter, int(found) if whole else found)  # 0 and 0.0 are one setting


def written(values: Mapping[str, float]) -> str:
    """Return settings as they are written: `momentum=0.9,nesterov=true`."""
    return ",".join(
        f"{name}={str(value).lower() if isinstance(value, bool) else repr(value)}" for name, value in values.items()
    )


def settings(name: str, kind: type, text: str) -> dict[str, Any]:
    """Return the settings of `name` that a text such as `rate=0.3` gives, in the order in which they are written.

    Raises `UsageError` for what cannot be read, and for a setting that its dataclass `kind` does not have.
    """
    values: dict[str, Any] = {}
    for setting in text.split(","):
        parameter, equals, value = (part.strip() for part in setting.partition("="))
        if parameter in values:
            raise UsageError(
                "setting_twice", "{method}: {parameter} is given twice; leave one of them out",
                method=name, parameter=parameter,
            )  # fmt: skip
        if not equals and any(each.name == parameter and each.metadata.get("switch") for each in fields(kind)):
            values[parameter] = True  # as an option of its own would be switched on
            continue
        if not equals:
            raise UsageError(
                "setting_unreadable", "{method}: cannot read {setting!r}; write {method}:NAME=NUMBER",
                method=name, setting=setting,
            )  # fmt: skip
        check_known(name, kind, [parameter])
        declared = next(entry for entry in fields(kind) if entry.name == parameter)
        if declared.metadata.get("switch"):
            if value.lower() not in SWITCH:
                raise _no_switch(name, parameter, value)
            values[parameter] = SWITCH[value.lower()]
            continue
        try:
            values[parameter] = float(value)
        except ValueError:
            raise UsageError(
                "setting_is_no_number", "{method}: {parameter} must be a number, not {value!r}",
                method=name, parameter=parameter, value=value,
            ) from None  # fmt: skip
    return values


def check_known(name: str, kind: type, parameters: Iterable[str]) -> None:
    """Raise `UsageError` for a setting that the dataclass `kind`, called `name`, does not have."""
    known = [entry.name for entry in fields(kind)]
    for parameter in parameters:
        if parameter in known:
            continue
        if parameter in RATES:
            raise UsageError(
                "learning_rate_is_an_option", "{method}: the learning rate is an option of its own: --learning-rate X",
                method=name,
            )  # fmt: skip
        if not known:
            raise UsageError(
                "method_without_hyperparameters", "{method} has no hyperparameters, so {name!r} cannot be set",
                method=name, name=parameter,
            )  # fmt: skip
        near = _setting_called(parameter, known)
        if near is not None:
            raise UsageError(
                "unknown_hyperparameter_like", "unknown hyperparameter of {method} {name!r}; did you mean {near!r}?",
                method=name, name=parameter, near=near,
            )  # fmt: skip
        raise UsageError(
            "unknown_hyperparameter", "unknown hyperparameter of {method} {name!r}; choose from {known}",
            method=name, name=parameter, known=", ".join(sorted(known)),
        )  # fmt: skip


def meant(text: str, called: Callable[[str], tuple[str, type] | None]) -> str | None:
    """Return how to write what another notation says, None where nobody can tell.

    `called` returns the name and the dataclass of what a word probably names. Values without a name are those of the
    settings in their order: `step(10, 0.1)` is `step:every=10,factor=0.1`.
    """
    found = OTHER_NOTATION.fullmatch(text.strip())
    known = called((found[1] if found else text).rpartition(".")[2])
    if known is None:
        return None
    name, kind = known
    given = found[2] if found else ""
    left = [entry.name for entry in fields(kind)]
    parts = []
    for each in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*[=:]\s*", "=", given))):
        parameter, equals, value = each.rpartition("=")
        if equals:
            parameter = _setting_called(parameter, left) or parameter
        elif left:
            parameter = left[0]
        else:
            return None
        if not is_number(value) and value.lower() not in SWITCH:
            return None
        left = [one for one in left if one != parameter]
        parts.append(f"{parameter}={value.lower()}")
    return f"{name}:{','.join(parts)}" if parts else name


def same_word(word: str) -> str:
    """Return what is left of a word once the ways of writing it are equal: `Batch-Norm` and `batch_norm` are."""
    return "".join(sign for sign in word.lower() if sign.isalnum())


def _setting_called(word: str, known: Sequence[str]) -> str | None:
    other = OTHER_SETTINGS.get(word.lower())
    by_word = {same_word(name): name for name in known}
    return by_word.get(same_word(word)) or (other if other in known else nearest(word, known))


def is_number(text: str) -> bool:
    """Return whether a text is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _no_switch(name: str, parameter: str, value: object) -> UsageError:
    return UsageError(
        "setting_is_no_switch", "{method}: {parameter} must be true or false, not {value}",
        method=name, parameter=parameter, value=repr(value),
    )  # fmt: skip


def _out_of_range(whole: bool, high: float, **values: object) -> UsageError:
    if whole and high == math.inf:
        return UsageError(
            "hyperparameter_not_whole_from",
            "{method}: {parameter} must be a whole number of at least {low:g}, not {value}",
            **values,
        )
    if whole:
        return UsageError(
            "hyperparameter_not_whole_between",
            "{method}: {parameter} must be a whole number from {low:g} to {high:g}, not {value}",
            high=high, **values,
        )  # fmt: skip
    if high == math.inf:
        return UsageError(
            "hyperparameter_not_from", "{method}: {parameter} must be a number of at least {low:g}, not {value}",
            **values,
        )  # fmt: skip
    return UsageError(
        "hyperparameter_not_between", "{method}: {parameter} must be a number from {low:g} to {high:g}, not {value}",
        high=high, **values,
    )  # fmt: skip
