"""Methods are found by name, and described by text that makes them again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.methods.composition import Composition


@pytest.mark.parametrize("name", registry.names())
def test_every_name_is_a_method_with_a_card(name):
    kind = registry.method_class(name)
    assert issubclass(kind, Method)
    assert kind.name == name
    for part in ("Equation:", "Helps:", "Hurts:", "Cost:"):
        assert part in kind.__doc__, f"the card of {name} lacks {part}"


def test_the_names_are_known():
    assert {"none", "batch_norm", "dropout"} <= set(registry.names())


@given(st.floats(0, 0.99), st.floats(0, 1))
def test_a_spec_makes_the_same_method_again(rate, momentum):
    method = registry.parse(f"dropout:rate={rate!r}+batch_norm:momentum={momentum!r}")
    again = registry.parse(method.spec)
    assert again.spec == method.spec
    assert again.hyperparameters() == method.hyperparameters()


def test_order_and_spelling_do_not_matter():
    texts = ("batch_norm+dropout:rate=0.30", "dropout:rate=.3+batch_norm", " dropout : rate = 0.3 + batch_norm")
    assert len({registry.parse(text).spec for text in texts[:2]}) == 1
    assert registry.parse("batch_norm+dropout").label == "batch_norm+dropout"
    assert registry.parse("dropout:rate=0.2").label == "dropout"
    assert registry.parse("dropout:rate=0.2").spec == "dropout:rate=0.2"
    assert isinstance(registry.parse("dropout+batch_norm"), Composition)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("droput", "unknown method 'droput'; did you mean 'dropout'"),
        ("batchnorm", "did you mean 'batch_norm'"),
        ("xyzzy", "choose from augment, batch_norm,"),
        ("base", "unknown method 'base'"),
        ("", "has an empty part"),
        ("dropout+", "has an empty part"),
        ("dropout:", "cannot read ''"),
        ("dropout:0.3", "write dropout:NAME=NUMBER"),
        ("dropout:rate=0.3,rate=0.4", "each name once"),
        ("dropout:rat=0.3", "unknown hyperparameter of dropout 'rat'; did you mean 'rate'"),
        ("none:rate=1", "none has no hyperparameters"),
        ("dropout:rate=high", "rate must be a number, not 'high'"),
        ("dropout:rate=nan", "rate must be a number from 0 to 0.99, not nan"),
        ("dropout:rate=1", "rate must be a number from 0 to 0.99"),
        ("dropout:rate=-0.1", "rate must be a number from 0 to 0.99"),
        ("dropout+dropout:rate=0.5", "given twice"),
        ("../../etc/passwd", "unknown method"),
    ],
)
def test_bad_text_is_one_line_that_says_what_to_do(text, message):
    with pytest.raises(UsageError, match=message) as caught:
        registry.parse(text)
    assert "\n" not in str(caught.value)


def test_none_adds_nothing_to_others():
    assert registry.parse("none+dropout").spec == registry.parse("dropout").spec
    assert registry.parse("none").spec == "none"


def test_two_normalizations_exclude_each_other():
    class Other(Method):
        name = "other"
        exclusive = "normalization"

        def hyperparameters(self):
            return {}

    with pytest.raises(UsageError, match="only one normalization fits"):
        Composition([registry.parse("batch_norm"), Other()])


class Entry:
    """A stand-in for an entry point of another package."""

    def __init__(self, name, load):
        self.name, self.load, self.value = name, load, f"other_package:{name}"


def test_a_method_of_another_package_is_found(monkeypatch):
    class Mine(Method):
        name = "mine"

        def hyperparameters(self):
            return {}

    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("mine", lambda: Mine)])
    assert "mine" in registry.names()
    assert registry.method_class("mine") is Mine


def test_a_package_cannot_replace_a_built_in_method(monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("dropout", lambda: None)])
    with pytest.raises(OverfitlabError, match="'dropout', which is built in"):
        registry.parse("dropout")


@pytest.mark.parametrize("found", [int, "text", registry.method_class("none")])
def test_something_else_under_the_entry_point_is_one_line(monkeypatch, found):
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("mine", lambda: found)])
    with pytest.raises(OverfitlabError, match="other_package:mine is not an overfitlab method"):
        registry.method_class("mine")


def test_a_package_that_cannot_be_imported_is_one_line(monkeypatch):
    def fails():
        raise ImportError("no such library")

    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("mine", fails)])
    with pytest.raises(OverfitlabError, match="other_package:mine cannot be imported: no such library"):
        registry.method_class("mine")
