"""`overfitlab.describe_method`."""

import json
from pathlib import Path

import pytest

import overfitlab
from overfitlab.api.describing import all_cards, write_figure
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.methods import registry


def test_one_method():
    found = overfitlab.describe_method("dropout:rate=0.5")
    assert found.card.startswith("dropout:rate=0.5\n\nDropout after every pooling")
    assert repr(found) == found.card
    assert found.hyperparameters["rate"].value == 0.5
    assert found.figure()._repr_png_().startswith(b"\x89PNG")
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    [part] = document["parts"]
    assert part["hyperparameters"][0]["value"] == 0.5
    assert part["demonstration"]["demonstrations"][0]["hook"] == "layer"


def test_a_composition_has_a_card_for_each_part():
    found = overfitlab.describe_method(overfitlab.method("mixup") + overfitlab.method("augment"))
    assert [card.name for card in found.cards] == ["augment", "mixup"]
    assert {"augment.flip", "mixup.alpha"} <= found.hyperparameters.keys()
    assert found.as_dict()["method"] == "augment+mixup"
    assert len(found.figure().texts) == 2


def test_nothing_to_draw_is_one_line():
    with pytest.raises(UsageError, match=r"^none changes nothing, so there is nothing to show$"):
        overfitlab.describe_method("none").figure()


def test_a_part_with_nothing_to_draw_is_left_out():
    assert len(overfitlab.describe_method("mixup+dropout:rate=0").figure().texts) == 1


def test_figures_are_files_of_two_kinds():
    found = overfitlab.describe_method("l2")
    assert write_figure(found, "a.PNG").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in write_figure(found, "a.svg").read_bytes()
    with pytest.raises(UsageError, match=r"figures are written as .png or .svg; name such a file with --figure"):
        write_figure(found, "a.pdf")
    with pytest.raises(OverfitlabError, match=r"cannot write missing/a.png .*; choose another --figure"):
        write_figure(found, "missing/a.png")
    assert sorted(path.name for path in Path().iterdir()) == ["a.PNG", "a.svg"]


def test_a_method_that_cannot_be_had_does_not_hide_the_others(monkeypatch):
    class Broken:
        value = "other_package:mine"

        def load(self):
            raise ImportError("no such\nlibrary")

    monkeypatch.setattr(registry, "_third_party", lambda: {"mine": Broken()})
    cards, problems = all_cards()
    assert [card.name for card in cards] == registry.built_in_names()
    assert problems == {"mine": "method 'mine' from other_package:mine cannot be imported: no such library"}
