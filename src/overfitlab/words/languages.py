"""The languages that people are spoken to in: English, and for each other six files beside this one."""

import os
from contextvars import ContextVar
from functools import cache

from overfitlab.errors import UsageError
from overfitlab.values import shown
from overfitlab.words.language import ENGLISH, CardWords, Language, words_in

FILES = {"ko": "korean"}  # and korean_paper, _terminal, _ui, _judge, _errors, _cards
CODES = ("en", *FILES)
NAMES = {"en": "English", "ko": "한국어"}  # as each is called in itself
VARIABLE = "OVERFITLAB_LANG"
_chosen: ContextVar[str | None] = ContextVar("chosen language", default=None)


def speak(code: str | None) -> None:
    """Choose the language that is spoken from here on, whatever $OVERFITLAB_LANG asks for; None leaves it to that.

    Raises `UsageError` for a language that there is not.
    """
    _chosen.set(None)  # an unknown one is refused in the language of before
    if code is not None:
        _chosen.set(language_named(code.strip().lower()).code)


def spoken() -> Language:
    """Return the language that was chosen, else the one that $OVERFITLAB_LANG asks for, else English."""
    return asked_for() or ENGLISH


def asked_for() -> Language | None:
    """Return the language that was chosen, or that $OVERFITLAB_LANG asks for; None where nobody asked for one."""
    code = _chosen.get() or os.environ.get(VARIABLE, "").strip().lower()
    return language_named(code) if code in CODES else None


def language_named(code: str) -> Language:
    """Return the language of that code, `en` or `ko`; raises `UsageError` for another one."""
    if not isinstance(code, str) or code not in CODES:
        raise UsageError(
            "unknown_language", "unknown language {name!r}; choose from {known}",
            name=code if isinstance(code, str) else shown(code), known=" and ".join(CODES),
        )  # fmt: skip
    return ENGLISH if code == ENGLISH.code else _read(code)


@cache
def _read(code: str) -> Language:
    name = FILES[code]
    parts = ("", "_paper", "_terminal", "_ui", "_judge", "_errors")
    read, paper, terminal, ui, judge, errors = (words_in(f"{name}{part}.toml") for part in parts)
    return Language(
        code,
        texts={
            english: own
            for file in (read, paper, terminal, ui, judge)
            for part in file["texts"].values()
            for english, own in part.items()
        },
        method_names=read["method_names"],
        last_comma=read["last_comma"],
        between_clauses=read["between_clauses"],
        reasons=read["reasons"],
        errors=errors["errors"],
        nouns=errors["nouns"],
        counts=terminal["counts"],
        cards={method: _card(words) for method, words in words_in(f"{name}_cards.toml").items()},
    )


def _card(words: dict[str, str | list[str]]) -> CardWords:
    details = words.get("details", [])
    sections = {name: str(text) for name, text in words.items() if name not in ("summary", "details")}
    return CardWords(str(words["summary"]), tuple(details), sections)
