"""The rooms: who may import whom, and which never import torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import overfitlab
from overfitlab.cli.main import cli

SOURCE = Path(overfitlab.__file__).parent
ROOMS = [
    "_version", "errors", "files", "config", "randomness", "machine", "results", "records", "data", "stats", "kernels",
    "methods", "models", "training", "describe", "words", "report", "runs", "inference", "study", "doctor", "terminal",
    "api", "testing", "cli", "__main__",
]  # fmt: skip
WITHOUT_TORCH = ["files", "config", "machine", "results", "records", "stats", "report", "randomness", "words", "errors"]
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


def test_every_room_is_known():
    assert {room_of(path) for path in files()} == set(ROOMS)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_from_rooms_above_it(path):
    own = ROOMS.index(room_of(path))
    for module in imports(path):
        if module.startswith("overfitlab."):
            assert ROOMS.index(module.split(".")[1]) <= own, f"{path.name} imports {module}, which lies below it"


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_rooms_without_torch_do_not_import_it(room):
    modules = [
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        for path in files()
        if room_of(path) == room and path.name != "__init__.py"
    ]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_help_imports_neither_torch_nor_anything_slow(command):
    code = (
        f"import sys; sys.argv = ['overfitlab', '{command}', '--help']\n"
        "from overfitlab.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "slow = {'torch', 'numpy', 'sklearn', 'matplotlib', 'rich', 'scipy', 'requests', 'PIL', 'pandas', 'jinja2'}\n"
        "slow &= sys.modules.keys()\n"
        "sys.exit(f'imported {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_stay_short(path):
    longest = LONGEST_METHOD if room_of(path) == "methods" and path.stem not in ("base", "registry") else LONGEST_FILE
    assert len(path.read_text().splitlines()) <= longest


def test_looking_at_studies_does_not_wait_for_torch():
    modules = "overfitlab.runs.run, overfitlab.api.listing, overfitlab.study.evidence, overfitlab.api.reporting"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
