"""Cards of methods in other languages: they say what the docstrings say, and stand nowhere but where they belong."""

import re
from dataclasses import dataclass

import pytest
from rich.cells import cell_len

from overfitlab.describe.card import card
from overfitlab.methods import registry
from overfitlab.methods.base import Method, hyperparameter
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import CODES, language_named

OTHERS = [code for code in CODES if code != "en"]
LONGEST = 120  # columns of what is one line of a list


def codes_of(text):
    return set(re.findall(r"`[^`]+`", text))


def numbers_of(text):
    return set(re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text))


@pytest.mark.parametrize("code", OTHERS)
def test_every_method_has_a_card_and_no_card_is_left_over(code):
    assert language_named(code).cards.keys() == set(registry.built_in_names())


@pytest.mark.parametrize("name", registry.built_in_names())
@pytest.mark.parametrize("code", OTHERS)
def test_a_card_says_what_the_docstring_says(code, name):
    english, own = card(registry.make(name)), card(registry.make(name), language_named(code))
    words = language_named(code).cards[name]
    assert words.sections.keys() == english.sections.keys()
    assert own.sections == words.sections
    assert list(own.sections) == list(english.sections)
    assert len(own.details) == len(english.details)
    pairs = [(english.summary, own.summary), *zip(english.details, own.details, strict=True)]
    pairs += [(english.sections[section], own.sections[section]) for section in english.sections]
    for said, translated in pairs:
        assert translated != said
        assert "  " not in translated
        assert codes_of(translated) == codes_of(said), translated
        assert numbers_of(said) <= numbers_of(translated), translated
    assert cell_len(own.summary) <= LONGEST


@pytest.mark.parametrize("name", registry.built_in_names())
@pytest.mark.parametrize("code", OTHERS)
def test_a_card_names_each_hyperparameter_that_the_docstring_names(code, name):
    english, own = (card(registry.make(name), language) for language in (ENGLISH, language_named(code)))
    for one in english.hyperparameters:
        for section, said in english.sections.items():
            if re.search(rf"(?<!learning )\b{one.name}\b", said):
                assert one.name in own.sections[section], f"{section}: {one.name}"
    assert [one.name for one in own.hyperparameters] == [one.name for one in english.hyperparameters]


def test_a_method_of_another_package_stays_english():
    @dataclass(frozen=True)
    class Mine(Method):
        """Mine: it does what it does.

        Equation: y = x.
        """

        name = "mine"
        strength: float = hyperparameter(1.0, low=0.0)

    own = card(Mine(), language_named("ko"))
    assert own.summary == "Mine: it does what it does."
    assert own.sections == {"Equation": "y = x."}
    assert own.hyperparameters[0].allowed == "0 이상"  # our words about it are Korean all the same
