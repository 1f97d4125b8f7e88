"""Run the published study, and write its numbers into docs/studies/batch-norm-and-dropout.md, with figures and data.

    python benchmarks/published_study.py [--out runs]

Studies on CIFAR-10: six methods at nine seeds on 5,000 images; three methods at three seeds as long as the notebook
trains; and two small ones that ask which difference between the first two turns the answer on batch normalization.
Together they take three to five hours on two cores; interrupted, the same command goes on.
"""

import argparse
import re
import shutil
from pathlib import Path

from machine import machine, machine_sentence, today
from pages import replace_generated

import overfitlab
from overfitlab.report.content import sections
from overfitlab.report.language import ENGLISH
from overfitlab.report.markdown import laid_out
from overfitlab.study.study import Study

DOCS = Path(__file__).resolve().parent.parent / "docs" / "studies"
PAGE = DOCS / "batch-norm-and-dropout.md"
SHORT, LONG = "batch-norm-and-dropout", "batch-norm-and-dropout-30-epochs"
MORE_IMAGES, LOW_RATE = "batch-norm-falling-rate-35000-images", "batch-norm-constant-rate-5000-images"
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
SHOWN = ("answer", "verdict", "methods", "differences", "curves", "gaps", "equal-fit", "cost", "calibration", "limits")
KEPT = ("verdict.json", "runs.csv", "history.csv")


def main() -> None:
    """Train what is missing, and write the page's generated parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where the studies lie  [default: runs]")
    parser.add_argument("--only", choices=list(ASKED), help="one of the two")
    given = parser.parse_args()
    for name in [given.only] if given.only else ASKED:
        study = overfitlab.compare(data="cifar10", out=given.out / name, command="make study", **ASKED[name])
        publish(study, name)


def publish(study: Study, name: str) -> None:
    """Write figures, data and the generated part of the page for one study."""
    report = study.report().parent
    data, figures = DOCS / "data" / name, DOCS / "figures" / name
    for folder in (data, figures):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for file in KEPT:
        shutil.copy(report / file, data / file)
    text = written(study, f"figures/{name}")
    for linked in sorted(set(re.findall(rf"figures/{name}/(\w+\.png)", text))):
        shutil.copy(report / "figures" / linked, figures / linked)
    replace_generated(PAGE, text, name)


def written(study: Study, figures: str) -> str:
    """Return the parts of a report that the page shows, in Markdown, with headings one level lower."""
    evidence = study.evidence()
    parts = []
    for section in sections(evidence, ENGLISH):
        if section.anchor in SHOWN:
            parts += [f"### {section.title}", *(laid_out(block, figures, ENGLISH) for block in section.blocks)]
    n = f"n = {evidence['seeds']} seeds, {machine_sentence(machine(), today())}"
    data = f"Data: [verdict.json](data/{figures.partition('/')[2]}/verdict.json), runs.csv and history.csv beside it."
    return "\n\n".join([*parts, n, data]) + "\n"


if __name__ == "__main__":
    main()
