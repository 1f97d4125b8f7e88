"""The paragraph of methods is true of the very study that it describes, whatever that was asked."""

import re

import made_evidence as made
import pytest

from overfitlab.reasons import Reason
from overfitlab.records.study_record import Failure
from overfitlab.report.methods_text import bibtex, methods_paragraphs, methods_text
from overfitlab.words.languages import CODES, language_named

NOW = "2026-11-28T12:00:00+00:00"
FAILED = {"l2-3": Failure("l2:rate=0.001", 3, Reason("words_of_others", {"text": "no memory"}), 2, NOW)}
GIVEN_UP = {"l2-3": Failure("l2:rate=0.001", 3, Reason("words_of_others", {"text": "no memory"}), 2, NOW, True)}
TWO = made.PAIRS[:2]
CASES = {
    "a fixed number of seeds": (
        {},
        ["The number of seeds, 7, was fixed before the training.", "two-sided paired t-test", "Shaffer's procedure",
         "two one-sided paired t-tests against margins of ±0.5 points (test accuracy) and ±1 point (gap)",
         "one of 359 test images or, for the gap, of 432 validation images", "at most 0.05",
         "95 % Student's t intervals", "No run diverged or failed.", "Seeds 0 to 6 were used", "exact sign-flip test"],
        ["always-valid", "Looks at the results", "before the last epoch", "Ville", "a maximum"],
    ),
    "two looks": (
        {"looks": (7, 14), "look": 1},
        ["planned after 7 and 14 seeds", "level of 5 % was divided equally, 2.5 % for each look",
         "This is look 1, after 7 seeds", "at most 0.025", "97.5 % Student's t intervals"],
        ["was fixed before the training", "always-valid", "95 %"],
    ),
    "until decided, at most 12": (
        {"seeds": 12, "until": 12},
        ["Seeds were added one by one", "a maximum of 12 seeds was planned", "within 12 seeds", "from 4 seeds on",
         "scale-invariant t process", "always-valid 95 % intervals", "two one-sided processes"],
        ["paired t-test", "was fixed before", "Ville", "sign-flip", "Student's"],
    ),
    "until decided, no maximum": (
        {"seeds": 20, "until": "none"},
        ["no maximum was planned", "Ville's inequality", "always-valid 95 % intervals"],
        ["a maximum of", "simulated", "paired t-test", "sign-flip"],
    ),
    "another level": (
        {"alpha": 0.01}, ["at most 0.01", "99 % Student's t intervals"], ["0.05", "95 %"],
    ),
    "other margins": (
        {"margins": (1.0, 2.5)}, ["±1 point (test accuracy) and ±2.5 points (gap)"], ["±0.5"],
    ),
    "the loss": (
        {"metric": "loss", "margins": (0.02, 0.04)},
        ["test loss, and the generalization gap (how much worse the same metric is on validation",
         "margins of ±0.02 nats (test loss) and ±0.04 nats (gap)"],
        ["the change that one image makes", "accuracy", "point"],
    ),
    "macro F1": (
        {"metric": "f1"}, ["test macro F1, and the generalization gap", "one of the smallest class"], ["of 359 test"],
    ),
    "one contrast": (
        {"pairs": made.PAIRS[:1]}, ["There is one contrast, so its p-value was not adjusted"], ["Holm", "Shaffer"],
    ),
    "one method alone": (
        {"pairs": (), "command": "overfitlab compare none"},
        ["One method was trained alone, to find out how much it varies from seed to seed. The number of seeds, 7, was",
         "A seed determines ", "interval from the chi-squared distribution", "Nothing was tested."],
        ["contrast", "paired", "t-test", "p-value", "help or harm", "Schuirmann", "difference", "identically"],
    ),
    "contrasts with the baseline": (
        {"pairs": TWO}, ["the 2 contrasts were adjusted by Holm's procedure"], ["Shaffer"],
    ),
    "early stopping": (
        {"stopped": ("l2:rate=0.001",)}, ["l2 stopped 7 of its 7 runs before the last epoch."], ["none stopped"],
    ),
    "images of one's own": (
        {"data": {"source": "own", "name": "photos", "test_set_apart": True, "brings_validation": False}},
        ["on our own images, photos (", "a fifth of each class was set aside", "drawn from the remaining images, anew"],
        ["trained on digits", "comes with"],
    ),
    "images of one's own in parts": (
        {"data": {"source": "own", "name": "photos", "test_set_apart": False, "brings_validation": True}},
        ["The test set is the one that comes with the data.",
         "The validation set is the one that comes with the data."],
        ["drawn from the remaining images", "a fifth"],
    ),
    "images of one's own, of whose parts an older record does not tell": (
        {"data": {"source": "own", "name": "photos", "brings_validation": None}},
        ["Training and validation images do not overlap."], ["drawn from the remaining images"],
    ),
    "one split": (
        {"protocol": {"vary": ("init",), "stratified": False, "standardization": "all", "schedule": "constant"}},
        ["drawn once from the remaining images, at random; they are the same for every seed",
         "A seed determines initial weights,", "of all but the test images"],
        ["anew", "cosine"],
    ),
    "gradient descent": (
        {"protocol": {"optimizer": "sgd:momentum=0.9,nesterov=true", "learning_rate": 0.1,
                      "schedule": "step:every=4,factor=0.2"}},
        ["using stochastic gradient descent as implemented in PyTorch (momentum=0.9, nesterov=true) with a learning "
         "rate of 0.1, times 0.2 after every 4 epochs, on the cross-entropy"],
        ["Adam", "cosine", "its own weight decay", "--keep"],
    ),
    "AdamW, whose decay is under every method": (
        {"protocol": {"optimizer": "adamw:weight_decay=0.05", "schedule": "cosine:warm_up=3"}},
        ["using AdamW as implemented in Keras (weight_decay=0.05)",
         ", after a warm-up of 3 epochs, falling to zero along a cosine",
         "For every method, AdamW has its own weight decay of 0.05 on all kernels; that of l2 is added to it"],
        ["--keep"],
    ),
    "weights of the lowest validation loss": (
        {"protocol": {"keep": "best", "schedule": "one-cycle"}, "asked": {"given": ("keep", "schedule")}},
        ["using Adam as implemented in Keras with",
         "in one cycle: from 0.04 of it, the whole of it after 30 % of the steps",
         "the final weights are those of the epoch with the lowest validation loss (--keep best)",
         "Changes to that protocol: weights kept and schedule of the learning rate."],
        ["its own weight decay"],
    ),
    "a run that diverged": (
        {"diverged": {("l2:rate=0.001", 3)}},
        ["1 of 7 runs of l2 diverged and have no outcome.", "Their pairs are left out"], ["No run diverged"],
    ),
    "a run that was given up": (
        {"given_up": {("l2:rate=0.001", 3)}, "failures": GIVEN_UP},
        ["The run l2-3 failed (no memory) and was given up", "Pairs of runs that are missing: l2 - none 1"],
        ["No run diverged", "not finished"],
    ),
    "a run that failed": (
        {"missing": {("l2:rate=0.001", 3)}, "failures": FAILED},
        ["The study is not finished", "The run l2-3 failed (no memory)."],
        ["given up", "t-test", "Intervals", "No run diverged"],
    ),
    "other versions": (
        {"differing": ("torch",)}, ["Not all runs were trained with the same torch"], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_says_what_was_done_and_nothing_else(case):
    changes, said, unsaid = CASES[case]
    text = " ".join(methods_paragraphs(made.evidence(**changes)))
    for sentence in said:
        assert sentence in text
    for sentence in unsaid:
        assert sentence not in text


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("code", CODES)
def test_it_is_whole_in_every_language(case, code):
    found = made.evidence(**CASES[case][0])
    text = methods_text(found, language_named(code))
    paragraphs = text.partition(bibtex())[0]
    assert not re.search(r"[{}]|None|nan|  ", paragraphs)
    assert found.data.sha256 in text
    if code != "en":
        assert len(re.findall("[가-힣]", paragraphs)) > 500


def test_every_number_of_it_is_one_of_the_study():
    """Also where the number of seeds of contrasts differs."""
    found = made.evidence(seeds=12, until=12)
    [spent] = re.findall(r"Number of seeds per contrast: (.*?)\.", " ".join(methods_paragraphs(found)))
    used = sorted(each.metric.n for each in found.contrasts)
    assert spent == (str(used[0]) if used[0] == used[-1] else f"{used[0]} to {used[-1]}")
    assert found.progress.maximum == 12


def test_what_it_cites_is_what_it_used():
    assert "Lai" not in methods_text(made.evidence(), language_named("en"))
    rounds = methods_text(made.evidence(seeds=12, until=12), language_named("en"))
    assert "Lai" in rounds
    assert "Schuirmann" not in rounds
    assert "Shaffer" not in methods_text(made.evidence(pairs=made.PAIRS[:1]), language_named("en"))
