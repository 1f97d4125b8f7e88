"""What a form asks for: the command that it becomes, and what that study would take and could decide."""

from dataclasses import replace
from pathlib import Path

import click
import pytest

from overfitlab.api.planning import PROTOCOLS, Images, Wish, look_at, outlook
from overfitlab.cli.main import cli
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.study.cost import plan_seconds

RUNS = Path("runs")


@pytest.fixture(scope="module")
def images() -> Images:
    """What there is to know of the digits."""
    return Images.of(look_at("digits"), "digits")


def of(images, *methods, **wish):
    return outlook(Wish("digits", methods or ("dropout",), **wish), images, RUNS)


def test_the_parts_of_the_images_are_those_that_a_study_has(images):
    dataset = look_at("digits")
    for protocol in PROTOCOLS:
        parts = images.parts(protocol)
        assert parts.training + parts.validation == len(dataset.learning)
        assert parts.test == len(dataset.test)
        assert 0 < parts.validation < parts.training
    assert (images.shape, len(images.classes)) == ((8, 8, 1), 10)


def test_the_outlook_has_the_baseline_and_a_plan_of_its_runs(images):
    found = of(images, "dropout", "batch_norm", seeds="4")
    assert [*found.labels] == [*found.config.methods]
    assert found.config.methods[0] == "none"
    assert (found.plan.seeds, len(found.plan.costs)) == (4, 3)
    assert found.seconds == plan_seconds(found.plan, found.jobs) > 0
    assert 1 <= found.jobs <= 12
    assert found.rounds is None
    assert found.name.startswith("study-digits-")


def test_more_seeds_take_longer_and_decide_more(images):
    few, many = (of(images, seeds=number) for number in ("4", "20"))
    assert many.seconds > few.seconds
    for one, other in zip(few.power.cases, many.power.cases, strict=True):
        assert other.differ[-1].chance > one.differ[-1].chance


def test_the_same_wish_has_the_same_name_and_another_one_another(images):
    assert of(images, seeds="4").name == of(images, seeds="4").name
    assert len({of(images, seeds=number).name for number in ("4", "5", "")}) == 3


def test_epochs_are_those_that_were_typed(images):
    found = of(images, epochs="7", seeds="3")
    assert found.plan.protocol.epochs == 7
    assert found.seconds < of(images, epochs="70", seeds="3").seconds


def test_until_decided_has_rounds_and_a_maximum(images):
    found = of(images, until_decided="8")
    assert found.config.until_decided is not None
    assert found.rounds is not None
    assert found.rounds.least <= found.rounds.typical <= found.rounds.most == 2 * 8
    assert of(images, until_decided="").rounds is not None


def test_a_budget_is_kept_and_what_was_given_up_is_said(images):
    photos = replace(images, name="photos", source="photos", shape=(32, 32, 3), learning=50_000, test=10_000,
                     available=dict.fromkeys(PROTOCOLS, 35_000))  # fmt: skip
    free = of(photos, seeds="10", protocol="clean")
    assert not free.plan.gave_up
    found = of(photos, seeds="10", protocol="clean", budget=f"{free.seconds / 4:.0f}s")
    assert found.seconds <= free.seconds / 4
    assert found.plan.gave_up
    assert found.plan.seeds == 10, "seeds are not given up"
    with pytest.raises(UsageError, match="is too short"):
        of(photos, seeds="10", budget="1s")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"epochs": "0"}, None),
        ({"epochs": "1.5"}, "no_number_of_epochs"),
        ({"epochs": "١٢"}, "no_number_of_epochs"),
        ({"epochs": "9" * 40}, "no_number_of_epochs"),
        ({"seeds": "x"}, None),
        ({"seeds": "0"}, None),
        ({"budget": "soon"}, None),
        ({"budget": "1ms"}, None),
        ({"until_decided": "no"}, None),
        ({"protocol": "notebook"}, None),
        ({"model": "net.py"}, None),
        ({"model": "../../x"}, None),
        ({"methods": ("dropuot",)}, None),
        ({"methods": ("dropout:rate=2",)}, None),
    ],
)
def test_what_cannot_be_is_refused_as_the_command_line_refuses_it(images, wish, code):
    methods = wish.pop("methods", ("dropout",))
    with pytest.raises(UsageError) as refused:
        outlook(Wish("digits", methods, **wish), images, RUNS)
    assert code in (None, refused.value.code)
    assert not RUNS.exists(), "nothing is written"


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish("digits", ("dropout",)), ["dropout", "--data", "digits", "--protocol", "quick"]),
        (
            Wish("digits", ("dropout", "l2"), "notebook_cnn", "clean", "9", "5", None, "10m"),
            ["dropout", "l2", "--data", "digits", "--protocol", "clean", "--epochs", "9", "--seeds", "5", "--budget",
             "10m"],
        ),
        (
            Wish("digits", ("dropout",), seeds="5", until_decided="20"),
            ["dropout", "--data", "digits", "--protocol", "quick", "--until-decided", "20"],
        ),
    ],
)  # fmt: skip
def test_the_command_is_what_one_would_type(wish, words):
    assert wish.arguments() == words
    context = cli.commands["compare"].make_context(
        "compare", [*words], parent=click.Context(cli, **cli.context_settings), resilient_parsing=True
    )
    assert context.params["methods"] == wish.methods, "the command line understands it"


def test_images_that_are_not_here_are_not_fetched():
    with pytest.raises(OverfitlabError, match="CIFAR-10 is not on this machine"):
        look_at("cifar10")
