"""Run the published study, and write its numbers into docs/studies/batch-norm-and-dropout.md, with figures and data.

    python benchmarks/published_study.py [--out runs] [--only NAME] [--write-only]

Studies on CIFAR-10: six methods at nine seeds on 5,000 images; three methods at three seeds as long as the notebook
trains; and four small ones that ask which difference between the first two turns the answer on batch normalization.
Together they take four to seven hours on two cores; interrupted, the same command goes on. The page is written from
the files of docs/studies/data, as far as they are there: `--write-only` trains nothing, and has them judged by the
statistics of today.
"""

import argparse
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from pages import replace_generated
from published_evidence import AXES, HISTORY, NUMBERS, RUNS, axis_then, document, evidence, word_then

import overfitlab
from overfitlab.api.reporting import figure_of
from overfitlab.api.studies import Study
from overfitlab.report.content import sections
from overfitlab.report.figures import compressed, pixels
from overfitlab.report.markdown import laid_out, table
from overfitlab.report.paper import drawing
from overfitlab.report.study_sentences import p_value
from overfitlab.report.study_tables import Table, between, difference, pair, spread
from overfitlab.study.evidence import Evidence
from overfitlab.words.language import ENGLISH

DOCS = Path(__file__).resolve().parent.parent / "docs" / "studies"
DATA = DOCS / "data"
PAGE = DOCS / "batch-norm-and-dropout.md"
SHORT, LONG = "batch-norm-and-dropout", "batch-norm-and-dropout-30-epochs"
MORE_IMAGES, LOW_RATE = "batch-norm-falling-rate-35000-images", "batch-norm-constant-rate-5000-images"
HIGH_CONSTANT, LOW_FALLING = "batch-norm-high-constant-rate-5000-images", "batch-norm-low-falling-rate-5000-images"
PAIR = ("batch_norm", "none")
CROSSED = "batch-norm-crossed"  # the part of the page with batch normalization in all of them
WORDS = "published-words"  # the part with what was said first, and what the statistics of today say
ASKED = {
    SHORT: {
        "methods": ["none", "dropout", "batch_norm", "batch_norm+dropout", "l2", "augment"],
        "contrasts": ["batch_norm:dropout", "batch_norm+dropout:dropout"],
        "protocol": "quick", "training_images": 5_000, "epochs": 15, "seeds": 9,
    },
    LONG: {
        "methods": ["none", "dropout", "batch_norm"],
        "contrasts": ["batch_norm:dropout"],
        "protocol": "clean", "epochs": 30, "seeds": 3,
    },
    MORE_IMAGES: {
        "methods": ["none", "batch_norm"],
        "protocol": "quick", "training_images": 35_000, "epochs": 10, "seeds": 5,
    },
    LOW_RATE: {
        "methods": ["none", "batch_norm"],
        "protocol": "clean", "training_images": 5_000, "epochs": 40, "seeds": 5,
    },
    HIGH_CONSTANT: {
        "methods": ["none", "batch_norm"],
        "protocol": "clean", "learning_rate": 1e-3, "training_images": 5_000, "epochs": 15, "seeds": 5,
    },
    LOW_FALLING: {
        "methods": ["none", "batch_norm"],
        "protocol": "quick", "learning_rate": 1e-4, "training_images": 5_000, "epochs": 40, "seeds": 5,
    },
}  # fmt: skip
SHOWN = ("answer", "verdict", "methods", "differences", "curves", "gaps", "equal-fit", "noise", "cost", "calibration",
         "limits", "protocol")  # fmt: skip
KEPT = (NUMBERS, RUNS, HISTORY)
WHOLE = (SHORT, LONG)  # studies that the page shows section by section
HEADER = ("images", "epochs", "learning rate", "train acc: none", "batch_norm", "test accuracy", "95 %", "gap", "95 %",
          "gap at equal fit", "95 %", "n")  # fmt: skip
WORDS_HEADER = ("study", "contrast", "n", "test accuracy, then", "now", "p adj., then", "now", "gap, then", "now",
                "p adj., then", "now")  # fmt: skip


def main() -> None:
    """Train what is missing, and write the page's generated parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where the studies lie  [default: runs]")
    parser.add_argument("--only", choices=list(ASKED), help="train one of them")
    parser.add_argument("--seeds", type=int, help="instead of its own number, with --only")
    parser.add_argument("--write-only", action="store_true", help="write the page from docs/studies/data")
    given = parser.parse_args()
    if given.seeds and not given.only:
        parser.error("--seeds is for one study: --only")
    names = [] if given.write_only else [given.only] if given.only else list(ASKED)
    for name in names:
        changed = {"seeds": given.seeds} if given.seeds else {}
        asked = ASKED[name] | changed
        keep(overfitlab.compare(data="cifar10", out=given.out / name, command="make study", **asked), name)
    there = {name: evidence(DATA / name) for name in ASKED if (DATA / name).exists()}
    for name in WHOLE:
        if name in there:
            show(there[name], name)
    replace_generated(PAGE, crossed(there), CROSSED)
    replace_generated(PAGE, then_and_now(there), WORDS)


def keep(study: Study, name: str) -> None:
    """Write the data of one study."""
    report = study.report(language="en").parent
    data = emptied(DATA / name)
    for file in KEPT:
        shutil.copy(report / file, data / file)


def show(found: Evidence, name: str) -> None:
    """Write the figures of one study and its part of the page."""
    figures = emptied(DOCS / "figures" / name)
    text = written(found, f"figures/{name}")
    for linked in sorted(set(re.findall(rf"figures/{name}/(\w+)\.png", text))):
        figure = figure_of(linked, found, {})
        if figure is not None:
            with drawing():
                (figures / f"{linked}.png").write_bytes(compressed(pixels(figure)))
    replace_generated(PAGE, text, name)


def emptied(folder: Path) -> Path:
    """Return the folder, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def crossed(there: Mapping[str, Evidence]) -> str:
    """Return a table of what batch normalization does in each study, by recipe and number of images."""
    rows = sorted(map(_recipe, there.values()), reverse=True)
    links = ", ".join(f"[{name}](data/{name}/{NUMBERS})" for name in there)
    where = "; ".join(dict.fromkeys(map(trained_on, there.values())))
    end = f"Data: {links}. {where}."
    return "\n\n".join([table(Table(HEADER, tuple(cells for _, cells in rows), left=3)), end]) + "\n"


def then_and_now(there: Mapping[str, Evidence]) -> str:
    """Return the word and the adjusted p of each contrast, as they were published and as they follow today."""
    rows = []
    for name, found in there.items():
        for then, now in zip(document(DATA / name)["contrasts"], found.contrasts, strict=True):
            cells = []
            for axis in AXES:
                p = now.axis(axis).p_adjusted
                assert p is not None
                cells += [word_then(then, axis), str(now.axis(axis).verdict)]
                cells += [p_value(axis_then(then, axis)["p_adjusted"], found.alpha), p_value(p, found.alpha)]
            rows.append((name, pair(now), str(now.metric.n), *cells))
    return table(Table(WORDS_HEADER, tuple(rows), left=2)) + "\n"


def trained_on(found: Evidence) -> str:
    """Return where and when a study was trained."""
    machine = found.environment
    days = dict.fromkeys(session.started[:10] for session in found.sessions)
    return (
        f"{machine['processor']}, {machine['cores']} cores, precision {', '.join(found.precision)}; "
        f"{machine['system']}; PyTorch {machine['torch']}; {', '.join(days)}"
    )


def _recipe(of: Evidence) -> tuple[tuple[float, str, int], tuple[str, ...]]:
    """Return learning rate, its fall and images of a study, to sort by, and its row of the table."""
    [contrast] = [each for each in of.contrasts if (each.label, each.against_label) == PAIR]
    train = {each.label: spread(each.train_acc) for each in of.methods}
    protocol, images = of.plan.protocol, of.plan.parts.training
    fall = "falling to 0" if protocol.schedule == "cosine" else "constant"
    found = (contrast.metric, contrast.gap, contrast.equal_fit)
    numbers = [
        cell for each in found for cell in (("", "") if each is None else (difference(each.mean), between(each)))
    ]
    rate = f"{protocol.learning_rate:g}, {fall}"
    cells = (f"{images:,}", str(protocol.epochs), rate, *(train[label] for label in reversed(PAIR)), *numbers,
             str(contrast.metric.n))  # fmt: skip
    return (protocol.learning_rate, fall, images), cells


def written(found: Evidence, figures: str) -> str:
    """Return the parts of a report that the page shows, in Markdown, with headings one level lower."""
    parts = []
    for section in sections(found, ENGLISH):
        if section.anchor in SHOWN:
            parts += [f"### {section.title}", *(laid_out(block, figures, ENGLISH) for block in section.blocks)]
    n = f"n = {found.seeds} seeds, {trained_on(found)}."
    data = f"Data: [{NUMBERS}](data/{figures.partition('/')[2]}/{NUMBERS}), {RUNS} and {HISTORY} beside it."
    return "\n\n".join([*parts, n, data]) + "\n"


if __name__ == "__main__":
    main()
