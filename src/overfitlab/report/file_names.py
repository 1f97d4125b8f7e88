"""What the files of a report are called: each language has its own, so that none replaces that of another one."""

from pathlib import PurePath

from overfitlab.words.language import ENGLISH


def localized(name: str, language: str) -> str:
    """Return the name of a file in that language: `report.html` in English, `report.ko.html` in Korean."""
    path = PurePath(name)
    return name if language == ENGLISH.code else f"{path.stem}.{language}{path.suffix}"
