"""Bits that fall over and files that end too early: noticed, said in words, and never a silently wrong number."""

import errno
import random
import shutil
from pathlib import Path

import pytest

import overfitlab
from overfitlab.errors import OverfitlabError
from overfitlab.inference.trained import load_trained
from overfitlab.records import probabilities
from overfitlab.records.run_folder import CHECKPOINT, PREVIOUS_CHECKPOINT, RunFolder
from overfitlab.records.study_folder import StudyFolder
from overfitlab.training import checkpoint

BLOCK = 4096
FLIPS = 150  # of single bits, at random places


def damages(content):
    """Yield what a disk can make of a file: cut at every 4 kB, empty, full of zeros, or one bit of it fallen over."""
    for end in range(0, len(content), BLOCK):
        yield f"cut at {end}", content[:end]
    yield "zeros", bytes(len(content))
    yield "a block of zeros", bytes(min(BLOCK, len(content))) + content[BLOCK:]
    chance = random.Random(0)
    for _ in range(FLIPS):
        place, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        yield f"bit {bit} at {place}", content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


def survivors(path, look):
    """Return the damages of the file that nobody noticed, although `look` sees something else than before."""
    content, before = path.read_bytes(), look()
    missed, said = [], []
    for what, damaged in damages(content):
        path.write_bytes(damaged)
        try:
            if look() != before:
                missed.append(what)
        except OverfitlabError as error:
            said.append(str(error))
    assert all("\n" not in line and "; " in line for line in said), "one line that says what to do"
    path.write_bytes(content)
    assert look() == before
    return missed, len(said)


def run_said(folder):
    run = overfitlab.load_run(folder)
    return repr((run.record, run.rows))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["run.json", "history.csv"])
def test_a_damaged_run_is_never_read_as_another_one(own_digits_run, name):
    missed, noticed = survivors(own_digits_run / name, lambda: run_said(own_digits_run))
    assert missed == []
    assert noticed > 100


def test_damaged_weights_are_never_used(own_digits_run):
    def look():
        trained = load_trained(overfitlab.load_run(own_digits_run))
        return [value.sum().item() for value in trained.model.state_dict().values()]

    path = own_digits_run / "weights.safetensors"
    for _, damaged in [each for number, each in enumerate(damages(path.read_bytes())) if number % 20 == 0]:
        path.write_bytes(damaged)
        with pytest.raises(OverfitlabError, match="is not the file that the training wrote"):
            look()


def test_damaged_predictions_are_never_counted(own_digits_run):
    record = overfitlab.load_run(own_digits_run).record
    path = own_digits_run / "probabilities.safetensors"

    def look():
        found = probabilities.read(path, ("test",), record.files[path.name])
        return found["test"].probabilities.tobytes(), found["test"].classes.tobytes()

    missed, noticed = survivors(path, look)
    assert missed == []
    assert noticed > 100


@pytest.fixture
def study(small_study, tmp_path):
    return StudyFolder(Path(shutil.copytree(small_study, tmp_path / "study")))


@pytest.mark.slow
def test_a_damaged_study_is_never_read_as_another_one(study):
    missed, noticed = survivors(study.path / "study.json", lambda: repr(overfitlab.load_study(study.path).record))
    assert missed == []
    assert noticed > 100


@pytest.fixture
def two_checkpoints(tmp_path, trainer_of):
    """A folder with the checkpoints of two epochs, a learner that fits, and how far each had come."""
    from overfitlab.events import Listener

    trainer = trainer_of("smaller_network:width=0.1+batch_norm+weight_averaging", epochs=3, protocol="clean")
    folder = RunFolder(tmp_path)
    trainer.train(lambda: checkpoint.save(folder, "abc", trainer.learner, trainer.progress), Listener())
    return folder, trainer_of(
        "smaller_network:width=0.1+batch_norm+weight_averaging", epochs=3, protocol="clean"
    ).learner


def state_of(learner):
    parts = (learner.model.tensors(), learner.optimizer.state(), learner.regularization.state())
    return [{name: value.numpy().tobytes() for name, value in part.items()} for part in parts]


@pytest.mark.slow
def test_a_damaged_checkpoint_is_never_taken(two_checkpoints):
    folder, learner = two_checkpoints
    newest, previous = (folder / CHECKPOINT).read_bytes(), (folder / PREVIOUS_CHECKPOINT).read_bytes()
    assert len(newest) > 10 * BLOCK
    rows = checkpoint.restore(folder, "abc", learner).progress.rows
    state = state_of(learner)
    fell_back = 0
    for what, damaged in damages(newest):
        (folder / CHECKPOINT).write_bytes(damaged)
        (folder / PREVIOUS_CHECKPOINT).write_bytes(previous)
        restored = checkpoint.restore(folder, "abc", learner)
        if restored.unusable:
            fell_back += 1
            assert len(restored.progress.rows) == 2, what
            assert [note.code for note in restored.notes[1:]] == ["run_goes_on_from_the_one_before"]
            assert restored.notes[0].values == {"file": "checkpoint.safetensors"}
            assert not (folder / CHECKPOINT).exists()
        else:  # a bit that means nothing, as one of the padding of the header
            assert restored.progress.rows == rows, what
            assert state_of(learner) == state, what
    assert fell_back > 100


def test_a_checkpoint_of_another_run_or_network_is_not_taken(two_checkpoints, trainer_of):
    folder, learner = two_checkpoints
    content = {name: (folder / name).read_bytes() for name in (CHECKPOINT, PREVIOUS_CHECKPOINT)}
    wrong = [
        ("xyz", learner, "checkpoint_of_another_run"),
        ("abc", trainer_of("layer_norm").learner, "checkpoint_does_not_fit"),
        ("abc", trainer_of("none").learner, "checkpoint_does_not_fit"),
    ]
    for tries, (identity, other, reason) in enumerate(wrong, start=1):
        for name, each in content.items():
            (folder / name).write_bytes(each)
        restored = checkpoint.restore(folder, identity, other)
        assert restored.progress is None
        assert [(each.code, each.values["file"]) for each in restored.unusable] == [(reason, name) for name in content]
        assert restored.notes[-1].code == "run_starts_over"
        assert not (folder / CHECKPOINT).exists()
        aside = sorted(path.read_bytes() for path in folder.path.glob("checkpoint*.unusable*"))
        # All are still there: each may be somebody's.
        assert aside == sorted([*content.values()] * tries)
    checkpoint.remove(folder)
    assert list(folder.path.glob("checkpoint*")) == []


def test_a_checkpoint_is_not_given_up_for_what_can_pass(two_checkpoints, monkeypatch):
    """A disk that does not answer, or too little memory for a moment: the next call finds all as it was."""
    folder, learner = two_checkpoints
    content = {name: (folder / name).read_bytes() for name in (CHECKPOINT, PREVIOUS_CHECKPOINT)}

    def refuses(*_):
        raise OSError(errno.EIO, "Input/output error")

    def hungers(*_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")

    for target, name, failing, error in [
        (checkpoint, "read_whole", refuses, OSError),
        (type(learner.model), "load_state_dict", hungers, RuntimeError),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(target, name, failing)
            with pytest.raises(error):
                checkpoint.restore(folder, "abc", learner)
        assert {name: (folder / name).read_bytes() for name in content} == content
    assert len(checkpoint.restore(folder, "abc", learner).progress.rows) == 3
