"""Run the published study, and write its numbers into docs/studies/batch-norm-and-dropout.md, with figures and data.

    python benchmarks/published_study.py [--out runs]

Studies on CIFAR-10: six methods at nine seeds on 5,000 images; three methods at three seeds as long as the notebook
trains; and two small ones that ask which difference between the first two turns the answer on batch normalization.
Together they take three to five hours on two cores; interrupted, the same command goes on.
"""

import argparse
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from pages import replace_generated

import overfitlab
from overfitlab.api.studies import Study
from overfitlab.report.content import sections
from overfitlab.report.markdown import laid_out, table
from overfitlab.report.study_tables import Table, between, difference, spread
from overfitlab.study.evidence import Evidence
from overfitlab.words.language import ENGLISH

DOCS = Path(__file__).resolve().parent.parent / "docs" / "studies"
PAGE = DOCS / "batch-norm-and-dropout.md"
SHORT, LONG = "batch-norm-and-dropout", "batch-norm-and-dropout-30-epochs"
MORE_IMAGES, LOW_RATE = "batch-norm-falling-rate-35000-images", "batch-norm-constant-rate-5000-images"
PAIR = ("batch_norm", "none")
CROSSED = "batch-norm-crossed"  # the part of the page with both of the first two recipes on both numbers of images
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
}  # fmt: skip
SHOWN = ("answer", "verdict", "methods", "differences", "curves", "gaps", "equal-fit", "noise", "cost", "calibration",
         "limits", "protocol")  # fmt: skip
KEPT = ("verdict.json", "runs.csv", "history.csv")
WHOLE = (SHORT, LONG)  # studies that the page shows section by section
HEADER = ("images", "epochs", "learning rate", "train acc: none", "batch_norm", "test accuracy", "95 %", "gap", "95 %",
          "gap at equal fit", "95 %", "n")  # fmt: skip


def main() -> None:
    """Train what is missing, and write the page's generated parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where the studies lie  [default: runs]")
    parser.add_argument("--only", choices=list(ASKED), help="one of them")
    given = parser.parse_args()
    for name in [given.only] if given.only else ASKED:
        study = overfitlab.compare(data="cifar10", out=given.out / name, command="make study", **ASKED[name])
        publish(study, name)
    if all((given.out / name).exists() for name in ASKED):
        replace_generated(PAGE, crossed([overfitlab.load_study(given.out / name) for name in ASKED]), CROSSED)


def publish(study: Study, name: str) -> None:
    """Write the data of one study, and where the page shows all of it, its figures and its part of the page."""
    report = study.report().parent
    data = emptied(DOCS / "data" / name)
    for file in KEPT:
        shutil.copy(report / file, data / file)
    if name not in WHOLE:
        return
    figures = emptied(DOCS / "figures" / name)
    text = written(study, f"figures/{name}")
    for linked in sorted(set(re.findall(rf"figures/{name}/(\w+\.png)", text))):
        shutil.copy(report / "figures" / linked, figures / linked)
    replace_generated(PAGE, text, name)


def emptied(folder: Path) -> Path:
    """Return the folder, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def crossed(studies: Sequence[Study]) -> str:
    """Return a table of what batch normalization does in each study, by recipe and number of images."""
    found = [study.evidence() for study in studies]
    rows = sorted(map(_recipe, found), reverse=True)
    links = ", ".join(f"[{study.folder.name}](data/{study.folder.name}/verdict.json)" for study in studies)
    where = "; ".join(dict.fromkeys(map(trained_on, found)))
    end = f"Data: {links}. {where}."
    return "\n\n".join([table(Table(HEADER, tuple(cells for _, cells in rows), left=3)), end]) + "\n"


def trained_on(evidence: Evidence) -> str:
    """Return where and when a study was trained."""
    machine = evidence.environment
    days = dict.fromkeys(session.started[:10] for session in evidence.sessions)
    return (
        f"{machine['processor']}, {machine['cores']} cores, precision {', '.join(evidence.precision)}; "
        f"{machine['system']}; PyTorch {machine['torch']}; {', '.join(days)}"
    )


def _recipe(evidence: Evidence) -> tuple[tuple[float, int], tuple[str, ...]]:
    """Return learning rate and images of a study, to sort by, and its row of the table."""
    [contrast] = [each for each in evidence.contrasts if (each.label, each.against_label) == PAIR]
    train = {each.label: spread(each.train_acc) for each in evidence.methods}
    protocol, images = evidence.plan.protocol, evidence.plan.parts.training
    fall = "falling to 0" if protocol.schedule == "cosine" else "constant"
    found = (contrast.accuracy, contrast.gap, contrast.equal_fit)
    numbers = [
        cell for each in found for cell in (("", "") if each is None else (difference(each.mean), between(each)))
    ]
    rate = f"{protocol.learning_rate:g}, {fall}"
    cells = (f"{images:,}", str(protocol.epochs), rate, *(train[label] for label in reversed(PAIR)), *numbers,
             str(contrast.accuracy.n))  # fmt: skip
    return (protocol.learning_rate, images), cells


def written(study: Study, figures: str) -> str:
    """Return the parts of a report that the page shows, in Markdown, with headings one level lower."""
    evidence = study.evidence()
    parts = []
    for section in sections(evidence, ENGLISH):
        if section.anchor in SHOWN:
            parts += [f"### {section.title}", *(laid_out(block, figures, ENGLISH) for block in section.blocks)]
    n = f"n = {evidence.seeds} seeds, {trained_on(evidence)}."
    data = f"Data: [verdict.json](data/{figures.partition('/')[2]}/verdict.json), runs.csv and history.csv beside it."
    return "\n\n".join([*parts, n, data]) + "\n"


if __name__ == "__main__":
    main()
