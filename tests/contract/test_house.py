"""The rooms: who may import whom, and which never import torch."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import overfitlab
from overfitlab.cli.main import cli

SOURCE = Path(overfitlab.__file__).parent
ROOMS = [
    "_version", "display", "errors", "values", "files", "reasons", "words", "spelling", "optimization", "config",
    "arguments", "randomness", "machine", "results", "stats", "records", "events", "data", "kernels", "methods",
    "models", "training", "runs", "study", "describe", "inference", "interop", "report", "doctor", "terminal",
    "notebook", "api", "testing", "ui", "cli", "__main__",
]  # fmt: skip
WITHOUT_TORCH = {
    "display", "errors", "values", "files", "reasons", "words", "spelling", "optimization", "config", "arguments",
    "randomness", "machine", "results", "stats", "records", "events", "interop", "report",
}  # fmt: skip
LOOKING = (
    "runs.run",
    "study.study",
    "study.evidence",
    "study.recipe",
    "api.listing",
    "api.reporting",
    "api.frames",
    "study.watching",
    "ui.app",
    "ui.server",
)
SLOW = {"torch", "numpy", "sklearn", "matplotlib", "rich", "scipy", "requests", "PIL", "pandas", "jinja2"}
LONGEST_FILE, LONGEST_METHOD = 400, 150


def files():
    return [path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py"]


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module
            if node.module == "overfitlab":
                yield from (f"overfitlab.{alias.name}" for alias in node.names)


def loaded_by(code: str, among: set[str]) -> set[str]:
    """Return which of these modules a fresh interpreter has loaded once it has run that code."""
    asking = f"import sys\n{code}\nprint('LOADED', *(set(sys.modules) & {among!r}))"
    done = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_every_room_is_known():
    assert {room_of(path) for path in files()} == set(ROOMS)


def test_contributing_lists_the_rooms_in_their_order():
    page = (SOURCE.parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)(?:/|\.py)`( \*)? \|", page, re.MULTILINE)
    assert [name for name, _ in listed] == [room for room in ROOMS if not room.startswith("_")]
    assert {name for name, star in listed if star} == WITHOUT_TORCH


def test_a_room_imports_only_from_rooms_above_it():
    below = [
        f"{path.relative_to(SOURCE)} imports {module}"
        for path in files()
        for module in imports(path)
        if module.startswith("overfitlab.") and ROOMS.index(module.split(".")[1]) > ROOMS.index(room_of(path))
    ]
    assert below == []


def test_rooms_without_torch_do_not_import_it():
    modules = [
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        for path in files()
        if room_of(path) in WITHOUT_TORCH and path.name != "__init__.py"
    ]
    assert loaded_by(f"import {', '.join(modules)}", {"torch"}) == set()


def test_looking_at_studies_does_not_wait_for_torch():
    assert loaded_by(f"import {', '.join(f'overfitlab.{name}' for name in LOOKING)}", {"torch"}) == set()


@pytest.mark.slow
def test_a_worker_draws_nothing():
    """matplotlib takes half a second to load, in every process of a study."""
    slow = {"matplotlib", "pandas", "rich", "jinja2"}
    assert loaded_by("import overfitlab.study.execute.worker", slow) == set()


def test_help_imports_neither_torch_nor_anything_slow():
    code = "\n".join([
        "from overfitlab.cli.main import cli",
        f"for command in {sorted(cli.commands)!r}:",
        "    try: cli.main([command, '--help'], standalone_mode=False)",
        "    except SystemExit: pass",
    ])  # fmt: skip
    assert loaded_by(code, SLOW) == set()


def test_files_stay_short():
    def longest(path):
        return LONGEST_METHOD if room_of(path) == "methods" and path.stem not in ("base", "registry") else LONGEST_FILE

    lengths = {path: len(path.read_text().splitlines()) for path in files()}
    assert {path.name: length for path, length in lengths.items() if length > longest(path)} == {}
