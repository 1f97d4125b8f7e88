"""The language of what people read: English sentences stand in the code, other languages translate them whole.

A sentence is a template such as `"{name} overfits less than {against}"`; its fields are texts that are ready to be
read. A language maps English templates to its own, so that each can order its words as it likes. Errors and reasons
are found by their codes: the English of an error stands where it is raised, that of a reason in `english.toml`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import PurePath
from typing import Any

from overfitlab.errors import OverfitlabError
from overfitlab.reasons import Reason

FINAL_CONSONANTS = 28  # a Hangul syllable's code, counted from the first, leaves none of them where it divides
FIRST_SYLLABLE, LAST_SYLLABLE = "\uac00", "\ud7a3"
SPOKEN_WITH_FINAL = frozenset("013678KLMNPRTklmnprt")  # digits and letters whose Korean names end in a consonant
RIEUL = 8  # the final consonant after which 으로 is 로
RIEUL_SIGNS = frozenset("178LRlr")
PARTICLES = {"은": "는", "이": "가", "을": "를", "과": "와", "으로": "로"}  # after a consonant: after a vowel
METHODS = frozenset(("method", "against"))  # fields of reasons whose values are labels of methods
NOUNS = frozenset(("hint", "kind", "kinds", "part", "parts", "what"))  # fields whose values are English words of ours


class Name(str):
    """A name in a sentence, to which a Korean template can attach a particle: `{name:은}` is 은 or 는 as it sounds."""

    __slots__ = ()

    def __format__(self, particle: str) -> str:
        if particle not in PARTICLES:
            return super().__format__(particle)
        return str(self) + (particle if _ends_in_consonant(self, light=particle == "으로") else PARTICLES[particle])


def _ends_in_consonant(text: str, *, light: bool) -> bool:
    """Return whether the last letter that is spoken ends in a consonant; with `light`, ㄹ does not count as one."""
    spoken = [sign for sign in re.sub(r"(\([^()]*\))+$", "", text) if sign.isalnum()]
    last = spoken[-1] if spoken else "a"
    if FIRST_SYLLABLE <= last <= LAST_SYLLABLE:
        final = (ord(last) - ord(FIRST_SYLLABLE)) % FINAL_CONSONANTS
        return final != 0 and not (light and final == RIEUL)
    return last in SPOKEN_WITH_FINAL and not (light and last in RIEUL_SIGNS)


@dataclass(frozen=True)
class CardWords:
    """What the card of a method says, as its docstring does in English; `code` is in backquotes."""

    summary: str
    details: tuple[str, ...]  # paragraphs
    sections: Mapping[str, str]  # Equation, Helps, ...; one that is missing is said as the docstring says it


@dataclass(frozen=True)
class Language:
    """What people are spoken to in. Without a translation a text stays English."""

    code: str  # as HTML's `lang`
    texts: Mapping[str, str] = field(default_factory=dict)  # English template -> template of this language
    method_names: Mapping[str, str] = field(default_factory=dict)  # how textbooks call what is named `batch_norm`
    last_comma: str = " and "
    between_clauses: str = "; "  # of one sentence; where they are sentences of their own, what ends one
    reasons: Mapping[str, str] = field(default_factory=dict)  # code -> template
    errors: Mapping[str, str] = field(default_factory=dict)  # the same of errors; English ones bring theirs
    nouns: Mapping[str, str] = field(default_factory=dict)  # what stands in the fields NOUNS: English -> this language
    counts: Mapping[str, str] = field(default_factory=dict)  # English noun -> template of a number of them
    cards: Mapping[str, CardWords] = field(default_factory=dict)  # of methods, by their names

    def __call__(self, template: str, /, **fields: object) -> str:
        """Return the text of an English template."""
        template = self.texts.get(template, template)
        if not fields:  # it may be a name from a record, with braces in it
            return template
        return template.format(**_named(fields))

    def count(self, number: int, noun: str) -> Name:
        """Return how many there are of what an English noun names: `1 run`, `2 runs`."""
        english = f"{{number}} {noun}" if number == 1 else f"{{number}} {noun}s"
        return Name(self.counts.get(noun, english).format(number=number))

    def error(self, error: OverfitlabError) -> str:
        """Return what an error says, the errors within it included."""
        template = self.errors.get(error.code)
        if template is None:
            return str(error)
        return self._filled(template, error.values | {name: self.error(inner) for name, inner in error.inner.items()})

    def reason(self, reason: Reason) -> str:
        """Return the sentence of a reason; where it is not known here, the English of its error."""
        template = self.reasons.get(reason.code) or self.errors.get(reason.code)
        try:
            if template is None:
                return reason.message or reason.code
            values: dict[str, object] = dict(reason.values)
            for name in METHODS.intersection(values):
                values[name] = self.method(str(values[name]))
            return self._filled(template, values)
        except (LookupError, ValueError):  # from a record of another version, whose sentence has other fields
            return reason.message or reason.code

    def _filled(self, template: str, values: Mapping[str, object]) -> str:
        said = {name: self.nouns.get(str(value), value) if name in NOUNS else value for name, value in values.items()}
        return template.format(**_named(said))

    def method(self, label: str) -> Name:
        """Return what a method is called, given its label: `batch_norm+dropout`, `dropout:rate=0.5`."""
        parts = []
        for part in label.split("+"):
            name, colon, settings = part.partition(":")
            known = self.method_names.get(name)
            parts.append(part if known is None else f"{known}({settings})" if colon else known)
        return Name("+".join(parts))

    def listing(self, texts: Sequence[str]) -> Name:
        """Return texts in a row: a, b and c."""
        if len(texts) < 2:
            return Name("".join(texts))
        return Name(", ".join(texts[:-1]) + self.last_comma + texts[-1])


def words_in(name: str) -> dict[str, Any]:
    """Return what a file beside this one holds."""
    return tomllib.loads((resources.files("overfitlab.words") / name).read_text(encoding="utf-8"))


ENGLISH = Language("en", reasons=words_in("english.toml")["reasons"])


def _named(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: Name(value) if isinstance(value, str | PurePath) else value for name, value in fields.items()}
