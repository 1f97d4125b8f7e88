"""Cards: what docstrings and declarations say, taken apart."""

from dataclasses import dataclass

import pytest

from overfitlab.describe import card as room
from overfitlab.describe.card import SECTIONS, card
from overfitlab.describe.costs import Cost
from overfitlab.methods import registry
from overfitlab.methods.base import Method, hyperparameter


@pytest.mark.parametrize("name", registry.built_in_names())
def test_every_method_of_ours_says_what_a_card_has(name):
    found = card(registry.make(name))
    assert set(SECTIONS) - set(found.sections) <= ({"Source"} if name == "none" else set())
    assert found.summary.endswith((".", ":"))
    assert len(found.summary) <= 120, "it is one line of a list"
    assert all(text and "\n" not in text and "  " not in text for text in (*found.details, *found.sections.values()))
    assert [one.name for one in found.hyperparameters] == list(registry.make(name).hyperparameters())


def test_a_card_is_taken_apart():
    found = card(registry.parse("dropout:rate=0.5"))
    assert found.summary.startswith("Dropout after every pooling: each activation is set to zero")
    assert found.details == ("In a network without pooling it acts once, right before the last dense layer.",)
    assert found.sections["Helps"] == (
        "use it with large dense layers and little data: it keeps units from relying on each other."
    )
    [rate] = found.hyperparameters
    assert (rate.value, rate.default, rate.allowed) == (0.5, 0.2, "0 to 0.99")
    assert rate.worth_trying == "0.1, 0.2, 0.3, 0.4, 0.5"
    assert found.off == "dropout:rate=0"
    assert found.sites == ("pool", "classifier")
    assert found.needs.startswith('a place after a pooling ("pool" site), or else a place before the last dense layer')


def test_bounds_are_said_as_people_say_them():
    ranges = {name: card(registry.make(name)).hyperparameters[0].allowed for name in ("l2", "early_stopping")}
    assert ranges == {"l2": "0 or more", "early_stopping": "1 or more, whole"}
    assert card(registry.make("l2")).as_dict()["hyperparameters"][0]["high"] is None


def test_what_a_method_needs():
    assert card(registry.make("mixup")).needs == room.ANY_NETWORK
    assert card(registry.make("smaller_network")).needs == room.OWN_NETWORK


def test_a_method_without_a_docstring_has_a_card():
    @dataclass(frozen=True)
    class Mine(Method):  # the dataclass writes a docstring of its own, which says nothing
        name = "mine"
        strength: float = hyperparameter(1.0, low=0.0)

    found = card(Mine())
    assert found.summary == "Its class has no docstring that would say what it does."
    assert found.sections == {}
    assert found.defaults == "strength=1"


def test_a_measured_cost_says_at_which_setting_it_was_taken(monkeypatch):
    cost = Cost(34.0, (1.03, 1.01, 1.05), 7, "float32", 2, "a machine", "2026-01-02")
    monkeypatch.setattr(room.costs, "measured", lambda: {"dropout": cost})
    assert card(registry.make("dropout")).measured == cost.text()
    assert card(registry.parse("dropout:rate=0.5")).measured == f"at its defaults {cost.text()}"
    assert card(registry.make("mixup")).measured == "not measured"
    assert card(registry.make("mixup")).as_dict()["measured"] is None
