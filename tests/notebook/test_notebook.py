"""A real notebook, run by a real kernel: progress changes in its place, and what a cell returns displays itself."""

import json
import re
import warnings
from pathlib import Path

import pytest
from once import once

import overfitlab

pytestmark = pytest.mark.slow

WHY = "needs a kernel: pip install ipykernel nbclient"
SETTINGS = 'data="digits", protocol="quick", threads=1, epochs=3'
CELLS = (
    "import overfitlab",
    f'run = overfitlab.train("batch_norm", {SETTINGS}, out="run")',
    "run",
    f'study = overfitlab.compare(["dropout"], {SETTINGS}, seeds=2, jobs=1, out="study")',
    "study",
    'study.figure("paired_differences")',
    f'quiet = overfitlab.train("none", {SETTINGS}, verbose=False, out="quiet")',
)
SETUP, TRAIN, RUN, COMPARE, STUDY, FIGURE, QUIET = range(len(CELLS))


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return the cells after their execution, and what was sent to each display on the way."""
    nbformat = pytest.importorskip("nbformat", reason=WHY)
    nbclient = pytest.importorskip("nbclient", reason=WHY)
    pytest.importorskip("ipykernel", reason=WHY)

    def execute(folder):
        sent = []

        class Client(nbclient.NotebookClient):
            def process_message(self, msg, cell, cell_index):
                if msg["msg_type"] in ("display_data", "update_display_data"):
                    sent.append((cell_index, msg["msg_type"], msg["content"]["data"]))
                return super().process_message(msg, cell, cell_index)

        folder.mkdir()
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of the kernel's client are not about us
            patch.setenv("OVERFITLAB_OFFLINE", "1")
            patch.setenv("PYTHONPATH", str(Path(overfitlab.__file__).parent.parent))
            client = Client(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
            client.execute()
        nbformat.write(notebook, folder / "executed.ipynb")
        (folder / "sent.json").write_text(json.dumps(sent))

    folder = once(tmp_path_factory, "notebook", execute)
    sent = {}
    for cell, kind, data in json.loads((folder / "sent.json").read_text()):
        sent.setdefault(cell, []).append((kind, data))
    return nbformat.read(folder / "executed.ipynb", 4).cells, sent


def outputs(cell, kind):
    return [output for output in cell.outputs if output.output_type == kind]


def points(html):
    """Return how many points the longest line of a picture has."""
    return max((len(found.split("L")) for found in re.findall(r' d="(M[^"]*)"', html)), default=0)


def test_a_training_is_one_display_that_changes_in_its_place(executed):
    cells, sent = executed
    kinds = [kind for kind, _ in sent[TRAIN]]
    assert kinds[0] == "display_data"
    assert set(kinds[1:]) == {"update_display_data"}
    assert len(kinds) >= 4  # each of three epochs, and the end
    pictures = [data["text/html"] for _, data in sent[TRAIN]]
    assert "<progress" in pictures[0]
    assert "<progress" not in pictures[-1]
    assert "<svg" in pictures[-1]
    [shown] = outputs(cells[TRAIN], "display_data")
    assert shown.data["text/html"] == pictures[-1]  # one output, the last one
    text = "".join(output.text for output in outputs(cells[TRAIN], "stream"))
    assert "Wrote run/curves.png" in text
    assert "Epoch 2/3" not in text  # the display says it


def test_a_study_is_one_display_whose_curves_grow(executed):
    cells, sent = executed
    kinds = [kind for kind, _ in sent[COMPARE]]
    assert (kinds[0], set(kinds[1:])) == ("display_data", {"update_display_data"})
    pictures = [data["text/html"] for _, data in sent[COMPARE]]
    texts = [data["text/plain"] for _, data in sent[COMPARE]]
    assert texts[0].startswith("0 of 4 runs done")
    assert texts[-1] == "4 of 4 runs done"
    assert "none (2)" in pictures[-1]
    assert "dropout" in pictures[-1]
    grown = [picture.count("<path") for picture in pictures]
    assert grown[-1] > grown[0]
    assert len(outputs(cells[COMPARE], "display_data")) == 1
    text = "".join(output.text for output in outputs(cells[COMPARE], "stream"))
    assert "[1/4]" not in text


def test_values_display_themselves(executed):
    cells, _ = executed
    for cell, words in ((RUN, "batch_norm on digits"), (STUDY, "generalizes better?")):
        [shown] = outputs(cells[cell], "execute_result")
        assert words in shown.data["text/html"]
        assert "<svg" in shown.data["text/html"]
        assert "<script" not in shown.data["text/html"]
    [figure] = outputs(cells[FIGURE], "execute_result")
    assert len(figure.data["image/png"]) > 1000


def test_who_wants_no_progress_gets_none(executed):
    cells, sent = executed
    assert cells[QUIET].outputs == []
    assert QUIET not in sent
