"""The card of a method: what its docstring and its declarations say, taken apart."""

import inspect
import math
import re
from collections.abc import Sequence
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import Any

from overfitlab.describe import costs
from overfitlab.describe.costs import Cost
from overfitlab.methods.base import Method
from overfitlab.models.sites import PLACES
from overfitlab.words.language import ENGLISH, Language

SECTIONS = ("Equation", "Source", "Helps", "Hurts", "Cost")  # of a docstring, in this order
ANY_NETWORK = "nothing; it works with any network"
BRINGING_NETWORK = "a network with built-in regularization, and --bare"
OWN_NETWORK = "one of overfitlab's own networks; those of timm and your own cannot be changed"


@dataclass(frozen=True)
class Hyperparameter:
    """A hyperparameter of a method, its value here, and what is said about it."""

    name: str
    allowed: str  # the range, for people
    value: float
    default: float
    low: float
    high: float  # infinite where there is no bound
    search: tuple[float, ...]  # values worth trying
    whole: bool

    @property
    def worth_trying(self) -> str:
        """The values worth trying, for people."""
        return ", ".join(f"{value:g}" for value in self.search)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values; `high` is None where there is no bound."""
        return {
            "name": self.name,
            "value": self.value,
            "default": self.default,
            "low": self.low,
            "high": None if math.isinf(self.high) else self.high,
            "whole": self.whole,
            "search": list(self.search),
        }


@dataclass(frozen=True)
class Card:
    """What there is to say about one method, in one language; texts have `code` in backquotes, as docstrings do."""

    name: str
    spec: str
    label: str
    summary: str  # the first line
    details: tuple[str, ...]  # paragraphs between it and the sections
    sections: dict[str, str]  # of SECTIONS, those that the docstring has
    hyperparameters: tuple[Hyperparameter, ...]
    off: str | None  # the text of the setting without effect
    sites: tuple[str, ...]  # kinds of places that it needs, best first
    needs: str
    cost: Cost | None
    measured: str  # what a step costs

    @property
    def defaults(self) -> str:
        """Its hyperparameters with their defaults, for a list: `rate=0.2`."""
        return ", ".join(f"{one.name}={one.default:g}" for one in self.hyperparameters)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "name": self.name,
            "spec": self.spec,
            "summary": self.summary,
            "details": list(self.details),
            **{section.lower(): self.sections.get(section) for section in SECTIONS},
            "hyperparameters": [one.as_dict() for one in self.hyperparameters],
            "off": self.off,
            "sites": list(self.sites),
            "measured": self.cost.as_dict() if self.cost else None,
        }


def card(method: Method, say: Language = ENGLISH) -> Card:
    """Return the card of a single method, not of a composition (see `Method.parts`).

    Its English is the docstring; a language has words of its own for the methods of this package.
    """
    kind = type(method)
    summary, details, sections = _taken_apart(_docstring(kind))
    own = say.cards.get(method.name)
    if own is not None:
        summary, details, sections = own.summary, own.details, {**sections, **own.sections}
    cost, hyperparameters = costs.measured().get(method.name), _hyperparameters(method, say)
    return Card(
        name=method.name,
        spec=method.spec,
        label=method.label,
        summary=summary or say("Its class has no docstring that would say what it does."),
        details=details,
        sections=sections,
        hyperparameters=hyperparameters,
        off=_setting(method.name, kind.off),
        sites=kind.sites,
        needs=_needs(kind, say),
        cost=cost,
        measured=_measured(cost, hyperparameters, say),
    )


def _measured(cost: Cost | None, hyperparameters: Sequence[Hyperparameter], say: Language) -> str:
    if cost is None:
        return say("not measured")
    at_defaults = all(one.value == one.default for one in hyperparameters)
    return cost.text(say) if at_defaults else say("at its defaults {cost}", cost=cost.text(say))


def _docstring(kind: type[Method]) -> str:
    text = kind.__doc__ or ""  # not inspect.getdoc, which would take that of the base class
    made_by_dataclass = text.startswith(f"{kind.__name__}(")
    return "" if made_by_dataclass else inspect.cleandoc(text)


def _taken_apart(text: str) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """Return the first paragraph, those up to the first section, and the sections, each on one line."""
    before, *found = re.split(rf"^({'|'.join(SECTIONS)}):", text, flags=re.MULTILINE)
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", before) if paragraph.strip()]
    sections = {name: " ".join(body.split()) for name, body in zip(found[::2], found[1::2], strict=True)}
    ordered = {name: sections[name] for name in SECTIONS if name in sections}
    return paragraphs[0] if paragraphs else "", tuple(paragraphs[1:]), ordered


def _hyperparameters(method: Method, say: Language) -> tuple[Hyperparameter, ...]:
    declared: tuple[Field[Any], ...] = fields(method) if is_dataclass(method) else ()
    return tuple(
        Hyperparameter(
            name=entry.name,
            allowed=_allowed(entry.metadata["low"], entry.metadata["high"], whole=entry.metadata["whole"], say=say),
            value=getattr(method, entry.name),
            default=float(entry.default),  # type: ignore[arg-type]  # a contract: each one has a default
            low=entry.metadata["low"],
            high=entry.metadata["high"],
            search=entry.metadata["search"],
            whole=entry.metadata["whole"],
        )
        for entry in declared
    )


def _allowed(low: float, high: float, *, whole: bool, say: Language) -> str:
    bounds = say("{low:g} or more", low=low) if math.isinf(high) else say("{low:g} to {high:g}", low=low, high=high)
    return say("{bounds}, whole", bounds=bounds) if whole else bounds


def _setting(name: str, values: dict[str, float] | None) -> str | None:
    if values is None:
        return None
    return f"{name}:{','.join(f'{parameter}={value:g}' for parameter, value in values.items())}"


def _needs(kind: type[Method], say: Language) -> str:
    if kind.keeps_own:
        return say(BRINGING_NETWORK)
    if kind.network is not Method.network:
        return say(OWN_NETWORK)
    return say(", or else ").join(say(PLACES[site]) for site in kind.sites) or say(ANY_NETWORK)
