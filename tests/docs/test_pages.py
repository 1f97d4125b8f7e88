"""The documentation says what the program does."""

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
READMES = ["README.md", "README.ko.md"]
FOLDERS = ["docs", "examples"]  # that have pages; the environments beside them have thousands


def blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_of_commands_is_current():
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))["commands_page"]()
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == page, "run make docs"


def test_the_page_of_methods_is_current():
    generated = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    methods = generated["described"]()
    for code, page in generated["PAGES"].items():
        written = (ROOT / "docs" / page).read_text(encoding="utf-8")
        assert written == generated["methods_page"](methods, code), "run make docs"
    drawn = {name for name, description in methods.items() if description.exhibits[0].demonstrations}
    assert {path.stem for path in (ROOT / "docs" / "figures" / "methods").iterdir()} == drawn, "run make docs"
    assert drawn == methods.keys() - {"none", "as_is"}


def test_only_methods_of_this_package_are_on_the_page(monkeypatch):
    from overfitlab.methods import registry

    monkeypatch.setattr(registry, "_third_party", lambda: {"mine": None})
    assert "mine" in registry.names()
    assert "mine" not in runpy.run_path(str(ROOT / "docs" / "generate.py"))["described"]()


def test_what_markdown_would_take_for_markup_is_escaped():
    markdown = runpy.run_path(str(ROOT / "docs" / "generate.py"))["markdown"]
    assert markdown("a * b, |w|, `x_1 * y`") == r"a \* b, \|w\|, `x_1 * y`"
    assert (
        markdown("see arXiv:1711.05101 (AdamW)") == "see [arXiv:1711.05101](https://arxiv.org/abs/1711.05101) (AdamW)"
    )
    assert markdown("doi:10.1/3_8.") == "[doi:10.1/3_8](https://doi.org/10.1/3_8)."


@pytest.mark.slow
@pytest.mark.parametrize("name", READMES)
def test_the_python_example_runs(name, small_cifar10, monkeypatch):
    """On made-up data in CIFAR-10's layout, and for one epoch instead of the notebook's 30."""
    [code] = blocks(name, "python")
    assert len(code.strip().splitlines()) <= 10
    assert "epochs=" not in code
    monkeypatch.setenv("OVERFITLAB_DATA", str(small_cifar10))
    original = __import__("overfitlab").train
    monkeypatch.setattr("overfitlab.train", lambda *args, **given: original(*args, **given, epochs=1), raising=False)
    exec(compile(ast.parse(code), name, "exec"), {})


@pytest.mark.parametrize("name", READMES)
def test_make_targets_in_the_text_exist(name):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
    assert {"run", "test"} <= named <= targets


def pages():
    found = [*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))]
    return sorted(str(path.relative_to(ROOT)) for path in found)


@pytest.mark.parametrize("page", pages())
def test_links_within_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text(encoding="utf-8")):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target
