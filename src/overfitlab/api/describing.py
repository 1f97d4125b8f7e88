"""`overfitlab.describe_method`."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overfitlab.describe.card import Card, Hyperparameter, card
from overfitlab.describe.demonstration import exhibit
from overfitlab.describe.panels import Exhibit
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.files import replacing, user_path
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.terminal.method_card import card_text
from overfitlab.words.language import ENGLISH, Language
from overfitlab.words.languages import spoken

if TYPE_CHECKING:
    from overfitlab.report.figures import DisplayedFigure

ENDINGS = (".png", ".svg")


@dataclass(frozen=True, repr=False)
class MethodDescription:
    """What there is to say about a method, or about each of those that a composition is made of."""

    method: Method

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """A card for each part, in the order in which they apply; a single method has one part, itself."""
        return self.cards_in(ENGLISH)

    @cached_property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """What can be shown of each part, as plain data."""
        return self.exhibits_in(ENGLISH)

    def cards_in(self, say: Language) -> tuple[Card, ...]:
        """Return the cards in that language; those of other packages are English in any."""
        return tuple(card(part, say) for part in self.method.parts)

    def exhibits_in(self, say: Language) -> tuple[Exhibit, ...]:
        """Return what can be shown, with captions in that language."""
        return tuple(exhibit(part, say) for part in self.method.parts)

    @property
    def card(self) -> str:
        """The cards as text for people, in the language that is spoken."""
        say = spoken()
        return "\n".join(card_text(one, say=say) for one in self.cards_in(say))

    @property
    def hyperparameters(self) -> dict[str, Hyperparameter]:
        """The hyperparameters by name, those of a composition as `method.name`."""
        single = len(self.cards) == 1
        return {one.name if single else f"{of.name}.{one.name}": one for of in self.cards for one in of.hyperparameters}

    def figure(self) -> "DisplayedFigure":
        """Return the figure of what it does, which displays itself in a notebook.

        Raises `UsageError` where there is nothing to show.
        """
        from overfitlab.api.reporting import language_of_pictures  # draws, which a list of methods does not
        from overfitlab.report.method_figure import method_figure

        say = language_of_pictures(spoken())
        exhibits = self.exhibits_in(say)
        if not any(one.demonstrations for one in exhibits):
            raise UsageError("nothing_to_show", "{reasons}", reasons="; ".join(one.note for one in exhibits))
        return method_figure(exhibits, say)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain JSON values, the demonstrations too."""
        parts = [
            {**one.as_dict(), "demonstration": shown.as_dict()}
            for one, shown in zip(self.cards, self.exhibits, strict=True)
        ]
        return {"method": self.method.label, "spec": self.method.spec, "parts": parts}

    def __repr__(self) -> str:
        return self.card


def describe_method(name: str | Method) -> MethodDescription:
    """Return what there is to say about a method: its card, its hyperparameters, and a figure of what it does.

    Args:
        name: a method's name, with hyperparameters where they are to be others than the defaults: `"mixup"`,
            `"dropout:rate=0.5"`, `"augment+mixup"`; or a `Method`.

    Raises `UsageError` for a name, a hyperparameter or a value that does not exist.
    """
    return MethodDescription(registry.resolve(name))


def all_cards(say: Language = ENGLISH) -> tuple[list[Card], dict[str, str]]:
    """Return the cards of all methods at their defaults, and the names of those that cannot be had, with the reason.

    Only methods of other packages can be among the latter.
    """
    cards, problems = [], {}
    for name in registry.names():
        try:
            cards.append(card(registry.make(name), say))
        except Exception as error:  # somebody's package must not hide the other methods
            reason = say.error(error) if isinstance(error, OverfitlabError) else str(error)
            problems[name] = " ".join(reason.split())
    return cards, problems


def write_figure(description: MethodDescription, out: str | Path) -> Path:
    """Write the figure of what a method does, and return the file's path.

    Raises `UsageError` where there is nothing to show or the name ends neither in `.png` nor in `.svg`, and
    `OverfitlabError` where it cannot be written.
    """
    place = user_path(out)
    if place.suffix.lower() not in ENDINGS:
        raise UsageError(
            "figure_of_another_ending", "{path}: figures are written as .png or .svg; name such a file with "
                                        "--figure",
            path=place,
        )  # fmt: skip
    from overfitlab.report.figures import rendered

    content = rendered(description.figure(), place.suffix.lower().removeprefix("."))
    try:
        with replacing(place) as stream:
            stream.write(content)
    except OSError as error:
        raise OverfitlabError(
            "figure_cannot_be_written", "cannot write {path} ({reason}); choose another --figure",
            path=place, reason=error.strerror or error,
        ) from error  # fmt: skip
    return place
