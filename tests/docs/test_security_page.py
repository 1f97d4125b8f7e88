"""The page that says which versions are safe, beside those that are taken and installed."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (?P<name>[a-z0-9-]+)(?: \(tests\))? \| (?P<least>[0-9.]+) \| CVE", re.MULTILINE)


def number(version):
    return tuple(int(part) for part in version.split("."))


def stated():
    return {row["name"]: number(row["least"]) for row in ROW.finditer((ROOT / "SECURITY.md").read_text())}


def test_no_version_that_is_known_to_be_vulnerable_is_taken():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    taken = [re.match(r"([a-z0-9-]+)>=([0-9.]+)", line).groups() for line in (*project["dependencies"], *extras)]
    safe = stated()
    assert len(safe) >= 9
    assert safe.keys() <= {name for name, _ in taken}
    assert [(name, least) for name, least in taken if name in safe and number(least) < safe[name]] == []


def test_what_is_installed_is_exact_and_safe():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)
    exact = {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)}
    assert {name for name, least in stated().items() if number(exact[name]) < least} == set()
    for path in ("constraints.txt", "pyproject.toml", "benchmarks/requirements.txt"):
        assert "://" not in (ROOT / path).read_text()


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(name, extras=("",)):
    """Yield the names of all packages that one needs here, itself included."""
    waiting, seen = [(name, extras)], set()
    while waiting:
        name, extras = waiting.pop()
        try:
            lines = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:  # an extra that is not installed, as the fuzzer
            continue
        yield canonical(name)
        for line in map(Requirement, lines):
            wanted = line.marker is None or any(line.marker.evaluate({"extra": extra}) for extra in extras)
            if wanted and (canonical(line.name), frozenset(line.extras)) not in seen:
                seen.add((canonical(line.name), frozenset(line.extras)))
                waiting.append((line.name, ("", *line.extras)))


def test_the_version_of_everything_that_is_needed_is_exact():
    exact = {
        canonical(line.partition("==")[0])
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    }
    extras = tuple(importlib.metadata.metadata("overfitlab").get_all("Provides-Extra"))
    found = set(needed("overfitlab", ("", *extras))) - {"overfitlab"}
    assert {"torch", "numpy", "keras"} <= found
    assert found - exact == set()
