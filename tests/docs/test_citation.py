"""CITATION.cff, and what a report says of how to cite: the same."""

import tomllib
from pathlib import Path

from overfitlab._version import __version__
from overfitlab.report.methods_text import AUTHORS, TITLE, bibtex, citation
from overfitlab.study.contrasts import CONTRAST_COLUMNS, OF_AN_AXIS
from overfitlab.words.language import ENGLISH

ROOT = Path(__file__).resolve().parent.parent.parent
CFF = (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_they_agree():
    """`cffconvert --validate` has checked the file against the schema 1.2.0."""
    assert f'title: "{TITLE}"' in CFF
    assert f"- name: {AUTHORS}" in CFF
    assert f"version: {__version__}\n" in CFF
    assert TITLE in citation(ENGLISH)
    assert TITLE in bibtex()
    assert AUTHORS in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["license"] in CFF


def test_the_page_of_reports_explains_every_column():
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    of_axes = {f"{axis}_{name}" for axis in ("metric", "gap") for name in OF_AN_AXIS}
    of_onset = {name for name in CONTRAST_COLUMNS if name.startswith("onset_")}
    for name in {*OF_AN_AXIS, *CONTRAST_COLUMNS} - of_axes - of_onset:
        assert f"`{name}`" in page, name
