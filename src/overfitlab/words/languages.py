"""The languages that a report can be written in: English, and one file beside this one for each other."""

import tomllib
from functools import cache
from importlib import resources

from overfitlab.errors import UsageError
from overfitlab.words.language import ENGLISH, Language

FILES = {"ko": "korean"}
CODES = ("en", *FILES)


@cache
def language_named(code: str) -> Language:
    """Return the language of that code, `en` or `ko`; raises `UsageError` for another one."""
    if code not in CODES:
        raise UsageError(f"unknown language {code!r}; there are {' and '.join(CODES)}")
    if code == ENGLISH.code:
        return ENGLISH
    file = resources.files("overfitlab.words") / f"{FILES[code]}.toml"
    read = tomllib.loads(file.read_text(encoding="utf-8"))
    texts = {english: own for part in read["texts"].values() for english, own in part.items()}
    return Language(code, texts, read["messages"], read["method_names"], read["last_comma"])
