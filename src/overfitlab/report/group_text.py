"""What there is to say of groups that stay whole: how many each part has, and what that cost in balance."""

from collections.abc import Iterator

from overfitlab.records.data_record import GroupPart, GroupsRecord
from overfitlab.words.language import Language

MOST = 0.5  # of all images: a group that has more of them leaves no part the size that was asked for
AS_ASKED = 0.0005  # of a part: a difference in share that is none
LISTED = 3  # classes in a sentence


def group_lines(groups: GroupsRecord, say: Language, seed: int | None = None) -> list[str]:
    """Return how many groups there are in which part, and what that cost; `seed` where other seeds have other parts."""
    whole = say("Groups: {groups:,}.", groups=groups.groups) if groups.shared else say(
        "Groups: {groups:,}, none of them in two parts.", groups=groups.groups
    )  # fmt: skip
    return [f"{whole} {_in_parts(groups, say, seed)}", *_cost(groups, say)]


def group_notes(groups: GroupsRecord, images: int, say: Language) -> Iterator[str]:
    """Yield what a reader of results has to know about the parts."""
    for pair, count in groups.shared.items():
        one, other = (say(part) for part in pair.split("/"))
        yield say(
            "Groups in two parts: {count:,} are both in {one} and in {other}, as the data comes with these parts; "
            "results there may partly be memory.",
            count=count, one=one, other=other,
        )  # fmt: skip
    for part, found in groups.parts.items():
        if found.lacking:
            names = ", ".join(found.lacking[:LISTED]) + (", ..." if len(found.lacking) > LISTED else "")
            yield say(
                "No image in {part} is of {names}: a class needs a group for each part.", part=say(part), names=names
            )
    if groups.largest > MOST * images:
        yield say(
            "One group has {largest:,} of the {images:,} images, so the parts cannot have the sizes that were asked "
            "for.",
            largest=groups.largest, images=images,
        )  # fmt: skip


def _in_parts(groups: GroupsRecord, say: Language, seed: int | None) -> str:
    counts = {part: groups.parts[part].groups if part in groups.parts else 0
              for part in ("training", "validation", "test")}  # fmt: skip
    if seed is None:
        return say("{training:,} in training, {validation:,} in validation, {test:,} in test.", **counts)
    return say("At seed {seed} {training:,} in training, {validation:,} in validation, {test:,} in test.",
               seed=str(seed), **counts)  # fmt: skip


def _cost(groups: GroupsRecord, say: Language) -> list[str]:
    return [
        _balance(part, found, say)
        for part, found in groups.parts.items()
        if part != "training" and found.asked is not None
    ]


def _balance(part: str, found: GroupPart, say: Language) -> str:
    """Return size and shares of a part, asked for and got; of the classes the one that is farthest off."""
    if abs(found.share - found.expected) < AS_ASKED:
        return say(
            "Balance of {part}: {images:,} images, {asked:,} were asked for, with the classes in the shares asked for.",
            part=say(part), images=found.images, asked=found.asked,
        )  # fmt: skip
    return say(
        "Balance of {part}: {images:,} images, {asked:,} were asked for; class {name} makes up {share} % of them, "
        "{expected} % were asked for (no class is farther off).",
        part=say(part), images=found.images, asked=found.asked, name=found.farthest,
        share=f"{100 * found.share:.1f}", expected=f"{100 * found.expected:.1f}",
    )  # fmt: skip
