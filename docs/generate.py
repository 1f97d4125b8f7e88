"""Write the pages that are made from the code.

docs/commands.md comes from the help of every command; docs/methods.md, docs/methods.ko.md and their figures from the
methods' cards and demonstrations.
"""

import re
from pathlib import Path

import click

from overfitlab.api.describing import MethodDescription, describe_method
from overfitlab.cli.main import cli
from overfitlab.describe.card import Card
from overfitlab.methods import registry
from overfitlab.report.figures import rendered
from overfitlab.words.language import ENGLISH, Language
from overfitlab.words.languages import language_named, speak

FOLDER = Path(__file__).resolve().parent
FIGURES = "figures/methods"  # in that folder
WIDTH = 100
SETTINGS = {**cli.context_settings, "max_content_width": WIDTH}
PUBLISHED = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}
HEADS = {"en": ("method", "what it does", "defaults"), "ko": ("기법", "하는 일", "기본값")}
PAGES = {"en": "methods.md", "ko": "methods.ko.md"}
INTRODUCTIONS = {
    "en": """\
# Methods

[한국어](methods.ko.md)

Made by `make docs` from the methods themselves; `overfitlab methods NAME` prints such a card, and shows the method at
the strength that you give it: `overfitlab methods dropout:rate=0.5`. Methods compose with `+`:
`overfitlab train --method augment+batch_norm`. How to add one is in [CONTRIBUTING.md](../CONTRIBUTING.md#a-new-method).

The figures are drawn from what each method does to digits, activations, weights or losses; none of them is the result
of a training.
""",
    "ko": """\
# 기법

[English](methods.md)

`make docs`가 기법의 코드에서 만든 문서입니다. `overfitlab methods NAME --lang ko`로도 같은 설명을 볼 수 있고,
세기를 지정하면 그 세기에서 기법이 하는 일을 보여 줍니다: `overfitlab methods dropout:rate=0.5 --lang ko`.
기법은 `+`로 조합할 수 있습니다: `overfitlab train --method augment+batch_norm`.

그림은 기법이 숫자 이미지, 활성화 값, 가중치, 손실에 하는 일을 그린 것이며, 훈련 결과가 아닙니다.
그림 속 글자는 영어입니다.
""",
}


def commands_page() -> str:
    """Return the page of commands, in Markdown."""
    parts = ["# Commands", "", "Made from `--help` by `make docs`.", ""]
    for title, text in pages(cli, "overfitlab").items():
        parts += [f"## `{title}`", "", "```text", text, "```", ""]
    return "\n".join(parts)


def pages(command: click.Command, name: str, parent: click.Context | None = None) -> dict[str, str]:
    """Return the help of a command by its name, and that of all commands below it."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH, **SETTINGS)
    found = {context.command_path: command.get_help(context)}
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        found |= pages(below, below.name or "", context)
    return found


def described() -> dict[str, MethodDescription]:
    """Return the methods of this package: those that others bring are on no page of ours."""
    return {name: describe_method(name) for name in registry.built_in_names()}


def methods_page(methods: dict[str, MethodDescription], code: str = "en") -> str:
    """Return the page of methods in the language of that code, in Markdown."""
    say = language_named(code)
    rows = [
        f"| [`{name}`](#{name}) | {markdown(card.summary)} | {card.defaults} |"
        for name, [card] in ((name, of.cards_in(say)) for name, of in methods.items())
    ]
    parts = [INTRODUCTIONS[code], f"| {' | '.join(HEADS[code])} |", "| --- | --- | --- |", *rows, ""]
    for name, description in methods.items():
        [card], [shown] = description.cards_in(say), description.exhibits_in(say)
        title = name if say.method(name) == name else f"{name}: {say.method(name)}"
        parts += [f'<a id="{name}"></a>', f"## {title}", ""] if title != name else [f"## {name}", ""]
        parts += section(card, say)
        if shown.demonstrations:
            alternative = " ".join(one.caption for one in shown.demonstrations)
            parts += [f"![{alternative}]({FIGURES}/{name}.png)", ""]
    return "\n".join(parts)


def section(card: Card, say: Language = ENGLISH) -> list[str]:
    """Return the lines of one card."""
    lines = [line for paragraph in (card.summary, *card.details) for line in (markdown(paragraph), "")]
    entries = {**card.sections, "Measured": card.measured, "Needs": card.needs}
    if card.off:
        entries["Off"] = say("{setting} has no effect", setting=f"`{card.off}`")
    lines += [f"- **{say(label)}**: {markdown(text)}" for label, text in entries.items()]
    lines.append("")
    if card.hyperparameters:
        heads = [say(head) for head in ("Hyperparameter", "default", "allowed", "worth trying")]
        lines += [f"| {' | '.join(heads)} |", "| --- | --- | --- | --- |"]
        lines += [
            f"| `{one.name}` | {one.default:g} | {one.allowed} | {one.worth_trying} |" for one in card.hyperparameters
        ]
        lines.append("")
    return lines


def markdown(text: str) -> str:
    """Return a docstring's text with what Markdown would take for markup escaped, and with links to what it cites."""
    plain_and_code = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else _linked(part) for part in plain_and_code)


def _linked(text: str) -> str:
    pieces = re.split(r"\b(arXiv|doi):(\S*\w)", text)  # text, kind, identifier, text, ...
    linked = [_escaped(pieces[0])]
    for kind, identifier, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        linked += [f"[{kind}:{identifier}]({PUBLISHED[kind]}{identifier})", _escaped(after)]
    return "".join(linked)


def _escaped(text: str) -> str:
    return re.sub(r"([\\*_\[\]<>|~])", r"\\\1", text)


def write() -> None:
    """Write all of it: the commands and the figures in English."""
    speak("en")
    (FOLDER / "commands.md").write_text(commands_page(), encoding="utf-8")
    methods = described()
    for code, page in PAGES.items():
        (FOLDER / page).write_text(methods_page(methods, code), encoding="utf-8")
    folder = FOLDER / FIGURES
    folder.mkdir(parents=True, exist_ok=True)
    for name, description in methods.items():
        if description.exhibits[0].demonstrations:
            (folder / f"{name}.png").write_bytes(rendered(description.figure(), "png"))


if __name__ == "__main__":
    write()
