"""What is said of the recipe: on the screen, in a plan, in a report; true of it, and the same as ever without one."""

from dataclasses import replace

import made_evidence as made
import msgspec
import pytest

from overfitlab.config import CLEAN, NOTEBOOK, QUICK
from overfitlab.report.content import _verdict
from overfitlab.report.reproduction_facts import protocol as facts
from overfitlab.report.study_sentences import caveats
from overfitlab.report.study_text import whole
from overfitlab.report.training_words import falling, optimizer_text, recipe_notes, sources
from overfitlab.words.language import ENGLISH
from overfitlab.words.languages import CODES, language_named


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        (NOTEBOOK, "Adam 0.0001"),
        (QUICK, "Adam 0.001, falling to zero along a cosine"),
        (replace(CLEAN, optimizer="adam:beta_1=0.8"), "Adam 0.0001 (beta_1=0.8)"),
        (replace(CLEAN, optimizer="adamw"), "AdamW 0.0001 (weight_decay=0.01)"),
        (replace(CLEAN, optimizer="adamw:weight_decay=0"), "AdamW 0.0001 (weight_decay=0.0)"),
        (
            replace(CLEAN, optimizer="sgd:momentum=0.9", learning_rate=0.1, schedule="constant:warm_up=1"),
            "SGD 0.1 (momentum=0.9), after a warm-up of 1 epoch",
        ),
        (
            replace(CLEAN, schedule="step:warm_up=2"),
            "Adam 0.0001, after a warm-up of 2 epochs, times 0.1 after every 10 epochs",
        ),
    ],
)
def test_the_optimizer_and_its_rate(protocol, said):
    assert optimizer_text(protocol, ENGLISH) == said


def test_nothing_is_noted_where_nothing_was_chosen():
    for protocol in (NOTEBOOK, CLEAN, QUICK, replace(CLEAN, optimizer="sgd", schedule="step")):
        assert list(recipe_notes(protocol, ["none", "l2"], ENGLISH)) == []


def test_a_decay_of_the_optimizer_is_under_every_method():
    protocol = replace(CLEAN, optimizer="sgd:weight_decay=0.001")
    [alone] = recipe_notes(protocol, ["none", "dropout"], ENGLISH)
    assert alone == "For every method, SGD has its own weight decay of 0.001 on all kernels."
    [beside] = recipe_notes(protocol, ["none", "dropout+l2", "weight_decay:rate=1e+1"], ENGLISH)
    assert beside.endswith("that of dropout+l2 and weight_decay:rate=1e+1 is added to it.")


@pytest.mark.parametrize(
    ("protocol", "names"),
    [
        (NOTEBOOK, ["Kingma"]),
        (replace(CLEAN, optimizer="adamw", schedule="cosine:warm_up=1"), ["Kingma", "Loshchilov", "Goyal"]),
        (replace(CLEAN, optimizer="sgd", schedule="one-cycle"), ["Smith"]),
        (replace(CLEAN, optimizer="sgd:momentum=0.9"), ["Sutskever"]),
    ],
)
def test_a_paper_cites_what_was_used(protocol, names):
    found = list(sources(protocol))
    assert len(found) == len(names)
    assert all(name in source for name, source in zip(names, found, strict=True))


def kept(**changes):
    return made.evidence(protocol={"keep": "best", "epochs": 1, **changes})


def test_a_report_says_which_epoch_was_kept_and_who_chose_it():
    found = caveats(kept(), kept(), ENGLISH)
    assert any("--keep best" in each and "chosen on the validation images" in each for each in found)
    [epochs] = [each for each in found if each.startswith("The epoch that was kept, on average:")]
    assert "none 1.0" in epochs
    assert not any("kept" in each for each in caveats(made.evidence(), made.evidence(), ENGLISH))


def test_the_second_look_is_left_out_where_it_would_be_the_first_again():
    def looks(evidence):
        return str(_verdict(evidence, ENGLISH)).count("at the onset"), whole(evidence, evidence, "made", ENGLISH).count(
            "at the onset"
        )

    assert looks(kept()) == (0, 0)
    assert all(looks(made.evidence()))


@pytest.mark.parametrize("code", CODES)
def test_the_facts_of_a_study_name_its_recipe(code):
    say = language_named(code)
    protocol = {"optimizer": "sgd:momentum=0.9", "learning_rate": 0.1, "schedule": "step:every=3"}
    evidence = made.evidence(protocol=protocol, asked={"given": ("optimizer",)})
    said = " ".join(text for _, text in facts(evidence, say))
    assert "SGD 0.1 (momentum=0.9)" in said
    assert falling(evidence.plan.protocol, say) in said
    assert say("optimizer") in said


def test_a_plan_of_an_older_record_has_the_recipe_of_then():
    plan = msgspec.to_builtins(made.evidence().plan)
    assert (plan["protocol"].pop("optimizer"), plan["protocol"].pop("keep")) == ("adam", "last")
    assert msgspec.convert(plan, type(made.evidence().plan)) == made.evidence().plan
