"""How runs of others were judged, in a paragraph for a paper: true of these runs, and of nothing that no log shows."""

from collections.abc import Iterator

from overfitlab._version import __version__
from overfitlab.interop.evidence import FROM_COLUMN, FROM_GRID, FROM_OPTION, JudgedEvidence
from overfitlab.report.judged_statistics import (
    are_apart,
    are_paired,
    intervals_of_others,
    tested_for_equivalence,
    tests_of_others,
)
from overfitlab.report.judged_text import pairing, read_as
from overfitlab.report.methods_text import EXACT, IN_ROUNDS, SEVERAL, TWO_ONE_SIDED, file_of
from overfitlab.report.statistics_text import deviations, exact_test, pairs_named, planned_maximum
from overfitlab.stats.sequential import FEWEST
from overfitlab.words.language import ENGLISH, Language

APART = (
    "B. L. Welch (1947). The generalization of Student's problem when several different population variances are "
    "involved. Biometrika 34.",
    "M. R. Mickey and M. B. Brown (1966). Bounds on the distribution functions of the Behrens-Fisher statistic. Annals "
    "of Mathematical Statistics 37. (Degrees of freedom of the smaller arm.)",
)


def judged_methods_text(evidence: JudgedEvidence, say: Language) -> str:
    """Return the file: the paragraphs, what they cite, and how to cite the program."""
    return file_of(judged_paragraphs(evidence, say), references(evidence), say)


def judged_paragraphs(evidence: JudgedEvidence, say: Language = ENGLISH) -> tuple[str, ...]:
    """Return the runs, what was compared, statistics, what went otherwise, and software."""
    statistics = (*tests_of_others(evidence, say), intervals_of_others(evidence, say), *exact_test(evidence, say))
    parts = (_runs(evidence, say), _design(evidence, say), statistics, deviations(evidence, say),
             _software(evidence, say))  # fmt: skip
    return tuple(" ".join(part) for part in parts)


def _runs(evidence: JudgedEvidence, say: Language) -> Iterator[str]:
    counts = ", ".join(f"{say.method(each.label)} {each.finished + each.diverged}" for each in evidence.methods)
    yield say("The runs were trained elsewhere and read from their logs ({kinds}): {counts}.",
              kinds=say.listing(list(dict.fromkeys(log.kind for log in evidence.logs))), counts=counts)  # fmt: skip
    yield from read_as(evidence, say)
    images = f"{evidence.test_images:,}"
    if evidence.images_from == FROM_OPTION:
        yield say("It was measured on {images} images; the number was given by the user.", images=images)
    elif evidence.images_from == FROM_COLUMN:
        yield say("It was measured on {images} images, according to the logs.", images=images)
    elif evidence.images_from == FROM_GRID:
        yield say("It was measured on {images} images, inferred from the steps between its values.", images=images)
    yield say("The logs do not show how the networks were trained, or whether these images "
              "were also used to choose settings, an epoch or a method.")  # fmt: skip


def _design(evidence: JudgedEvidence, say: Language) -> Iterator[str]:
    yield say("The contrasts: {pairs}.", pairs=pairs_named(evidence, say))
    yield from pairing(evidence, say)
    if evidence.progress is None:
        yield say("The runs were read once; the number of seeds is assumed to have been fixed in advance.")
        return
    yield say("The runs were read in rounds, starting with {first} of each method and adding one more each time, until "
              "every contrast was decided; {planned}.", first=FEWEST,
              planned=planned_maximum(evidence, say))  # fmt: skip


def _software(evidence: JudgedEvidence, say: Language) -> Iterator[str]:
    yield say("Judged with {own}.", own=f"overfitlab {__version__}")
    if evidence.command:
        yield say("Command that gives this verdict again: {command}", command=evidence.command)


def references(evidence: JudgedEvidence) -> Iterator[str]:
    """Yield what the paragraphs rely on."""
    if evidence.progress is not None:
        yield from IN_ROUNDS
    elif tested_for_equivalence(evidence):
        yield from TWO_ONE_SIDED
    if any(each.metric.p_sign_flip_raw is not None for each in evidence.contrasts) and are_paired(evidence):
        yield from EXACT
    if are_apart(evidence):
        yield from APART
    if len(evidence.contrasts) > 1:
        yield from SEVERAL
