"""Files that are read while the program runs are part of the package."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "overfitlab"
PATTERNS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["overfitlab"]
READ = {".csv", ".json", ".toml", ".html", ".css", ".md", ".txt", ".svg"}


def test_what_is_read_is_installed():
    packaged = {path for pattern in PATTERNS for path in PACKAGE.glob(pattern)}
    found = {path for path in PACKAGE.rglob("*") if path.suffix in READ}
    assert PACKAGE / "stats" / "maxima.csv" in found
    assert not found - packaged
