"""The languages that people are spoken to in: English, and for each other two files beside this one."""

import os
from functools import cache

from overfitlab.errors import UsageError
from overfitlab.words.language import ENGLISH, Language, words_in

FILES = {"ko": "korean"}  # and korean_errors
CODES = ("en", *FILES)
VARIABLE = "OVERFITLAB_LANG"


def spoken() -> Language:
    """Return the language that $OVERFITLAB_LANG asks for; English where it is not set, or asks for an unknown one."""
    code = os.environ.get(VARIABLE, "").strip().lower()
    return language_named(code if code in CODES else ENGLISH.code)


@cache
def language_named(code: str) -> Language:
    """Return the language of that code, `en` or `ko`; raises `UsageError` for another one."""
    if code not in CODES:
        raise UsageError(
            "unknown_language", "unknown language {name!r}; there are {known}", name=code, known=" and ".join(CODES)
        )
    if code == ENGLISH.code:
        return ENGLISH
    read, errors = words_in(f"{FILES[code]}.toml"), words_in(f"{FILES[code]}_errors.toml")
    return Language(
        code,
        {english: own for part in read["texts"].values() for english, own in part.items()},
        read["method_names"],
        read["last_comma"],
        read["reasons"],
        errors["errors"],
        errors["nouns"],
    )
