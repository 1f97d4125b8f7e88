"""An interrupted run goes on with the same call, and ends with the same bits."""

import contextlib
import re

import pytest
import safetensors.numpy

import overfitlab
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.methods import registry
from overfitlab.records.run_folder import CHECKPOINT, PREVIOUS_CHECKPOINT
from overfitlab.training.loop import Trainer

pytestmark = pytest.mark.slow

SETTINGS = {
    "data": "digits",
    "epochs": 4,
    "batch_size": 64,
    "training_images": 320,  # five batches an epoch, and three of others
    "learning_rate": 1e-3,
    "seed": 5,
    "threads": 1,
    "verbose": False,
}
LOUD = SETTINGS | {"verbose": True}
IN_BFLOAT16 = ["none", "batch_norm+dropout", "layer_norm+spatial_dropout+l2+mixup+weight_averaging"]
WITHOUT_BARE = [name for name in registry.names() if name != "as_is"]
CASES = [(method, "float32") for method in WITHOUT_BARE] + [(method, "bfloat16") for method in IN_BFLOAT16]


def resumed_after(capsys):
    """The epoch after which the last training said that it resumes."""
    return int(re.findall(r"Resuming after epoch (\d+)", capsys.readouterr().out)[-1])


def outcome(run):
    """Everything of a run that must not depend on interruptions: all but the times."""
    weights = (run.folder / "weights.safetensors").read_bytes()
    history = {name: values for name, values in run.history.items() if name != "seconds"}
    return weights, repr(history)


@pytest.fixture
def interrupt():
    """Let Ctrl-C come in the middle of the n-th batch, within a `with`."""

    @contextlib.contextmanager
    def armed(batches):
        original, left = Trainer.batches, [batches]

        def counted(self, largest):
            source = original(self, largest)
            gather = source.gather

            def counting(rows):
                left[0] -= 1
                if left[0] == 0:
                    raise KeyboardInterrupt
                return gather(rows)

            source.gather = counting
            return source

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Trainer, "batches", counted)
            with pytest.raises(KeyboardInterrupt):
                yield

    return armed


@pytest.mark.parametrize(("method", "precision"), CASES)
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(method, precision, tmp_path, interrupt, capsys):
    settings = SETTINGS | {"precision": precision}
    whole = overfitlab.train(method, out=tmp_path / "whole", **settings)
    broken = tmp_path / "broken"
    for batches in (20, 11, 3):  # in the third epoch, in the fourth, and right after the start
        with interrupt(batches):
            overfitlab.train(method, out=broken, **settings)
    assert overfitlab.load_run(broken).record.status == "interrupted"
    assert (broken / CHECKPOINT).exists()
    run = overfitlab.train(method, out=broken, **settings | {"verbose": True})
    assert resumed_after(capsys) == 3
    assert outcome(run) == outcome(whole)
    assert len(run.record.resumed) == 3
    assert not (broken / CHECKPOINT).exists()
    assert not (broken / PREVIOUS_CHECKPOINT).exists()


RECIPES = [
    {"optimizer": "adam:beta_1=0.8", "schedule": "constant:warm_up=2"},
    {"optimizer": "adamw:weight_decay=0.1", "schedule": "cosine:warm_up=1", "keep": "best"},
    {"optimizer": "sgd", "schedule": "step:every=1,factor=0.5", "learning_rate": 0.05},
    {"optimizer": "sgd:momentum=0.9,nesterov=true,weight_decay=0.01", "schedule": "one-cycle", "learning_rate": 0.05},
    {"keep": "best", "learning_rate": 0.02},
]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_a_run_of_any_recipe_goes_on_to_the_bit(recipe, tmp_path, interrupt, capsys):
    settings = SETTINGS | {"precision": "float32"} | recipe
    whole = overfitlab.train("batch_norm", out=tmp_path / "whole", **settings)
    for batches in (20, 11, 3):
        with interrupt(batches):
            overfitlab.train("batch_norm", out=tmp_path / "broken", **settings)
    run = overfitlab.train("batch_norm", out=tmp_path / "broken", **settings | {"verbose": True})
    assert resumed_after(capsys) == 3
    assert outcome(run) == outcome(whole)
    assert run.handed_over == whole.handed_over


def test_a_resumed_run_under_the_clean_protocol_knows_the_weights_of_its_onset(tmp_path, interrupt, capsys, misleading):
    settings = SETTINGS | {"data": misleading, "protocol": "clean", "batch_size": 16, "training_images": None}
    whole = overfitlab.train("batch_norm", out=tmp_path / "whole", **settings)
    assert whole.onset == 1
    with interrupt(26):  # 6 training batches and 2 others an epoch
        overfitlab.train("batch_norm", out=tmp_path / "broken", **settings)
    run = overfitlab.train("batch_norm", out=tmp_path / "broken", **settings | {"verbose": True})
    assert resumed_after(capsys) == 3
    assert outcome(run) == outcome(whole)
    assert run.measured == whole.measured


@pytest.mark.parametrize("protocol", ["notebook", "clean"])
def test_a_training_that_stops_early_hands_over_the_weights_of_its_onset(protocol, tmp_path, interrupt, misleading):
    """Interrupted too: also after its last epoch, before anything was written down."""
    settings = SETTINGS | {
        "data": misleading, "protocol": protocol, "epochs": 9, "batch_size": 16, "training_images": None,
    }  # fmt: skip
    one = overfitlab.train("early_stopping", out=tmp_path / "one", **settings | {"epochs": 1})
    assert one.onset == 1
    run = overfitlab.train("early_stopping", out=tmp_path / "run", **settings)
    assert (run.onset, run.handed_over, len(run.rows)) == (1, 1, 4)
    assert run.stopped_early
    assert run.record.status == "finished"
    assert "early_stopping stopped the training after epoch 4 of 9; the weights are those of epoch 1." in run.summary()
    weights = [safetensors.numpy.load_file(each.folder / "weights.safetensors") for each in (one, run)]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    assert run.measured["end"]["validation"]["loss"] == pytest.approx(run.rows[0].val_loss)
    assert run.measured.get("onset", run.measured["end"]) == run.measured["end"]
    assert "onset (" not in run.table(), "the same weights twice"
    batches = 4 * (8 if protocol == "clean" else 7)  # 6 of them are for training
    with interrupt(batches + 1):
        overfitlab.train("early_stopping", out=tmp_path / "broken", **settings)
    assert len(overfitlab.load_run(tmp_path / "broken").rows) == 4
    resumed = overfitlab.train("early_stopping", out=tmp_path / "broken", **settings)
    assert outcome(resumed) == outcome(run)
    assert resumed.handed_over == 1


def test_two_seeds_differ(tmp_path):
    one = overfitlab.train("none", out=tmp_path / "1", **SETTINGS)
    other = overfitlab.train("none", out=tmp_path / "2", **SETTINGS | {"seed": 6})
    assert outcome(one)[0] != outcome(other)[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What comes out of a run with dropout that nothing interrupts."""
    return outcome(overfitlab.train("dropout", out=tmp_path_factory.mktemp("whole") / "run", **SETTINGS))


@pytest.fixture
def interrupted(tmp_path, interrupt):
    """A run stopped in its third epoch, with two checkpoints."""
    with interrupt(20):
        overfitlab.train("dropout", out=tmp_path / "run", **SETTINGS)
    return tmp_path / "run"


DAMAGE = [
    lambda content: b"",
    lambda content: content[: len(content) // 2],
    lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    lambda content: content.replace(b"val_acc", b"val_akk", 1),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_falls_back_to_the_previous_one(interrupted, damage, whole, capsys):
    path = interrupted / CHECKPOINT
    path.write_bytes(damage(path.read_bytes()))
    run = overfitlab.train("dropout", out=interrupted, **LOUD)
    said = capsys.readouterr().out
    assert re.search(
        r"^Note: checkpoint.safetensors .*; the run continues from the checkpoint before it\.$", said, re.MULTILINE
    )
    assert "Resuming after epoch 1" in said
    assert outcome(run) == whole


def test_the_good_checkpoint_is_never_replaced_by_a_damaged_one(interrupted, interrupt):
    """After a fallback, a crash in the middle of the next save must still find a good one."""
    (interrupted / CHECKPOINT).write_bytes(b"damaged")
    with interrupt(1):
        overfitlab.train("dropout", out=interrupted, **SETTINGS)
    assert not (interrupted / CHECKPOINT).exists()
    assert (interrupted / PREVIOUS_CHECKPOINT).exists()


def test_when_both_checkpoints_are_damaged_the_run_starts_over_and_says_so(interrupted, whole, capsys):
    for name in (CHECKPOINT, PREVIOUS_CHECKPOINT):
        (interrupted / name).write_bytes(b"x" * 100)
    run = overfitlab.train("dropout", out=interrupted, **LOUD)
    notes = run.record.resumed[-1].notes
    assert [(note.code, *note.values.values()) for note in notes] == [
        ("checkpoint_damaged", CHECKPOINT), ("checkpoint_damaged", PREVIOUS_CHECKPOINT), ("run_starts_over",),
    ]  # fmt: skip
    said = f"Note: {CHECKPOINT} is damaged; {PREVIOUS_CHECKPOINT} is damaged; the run starts over."
    assert said in capsys.readouterr().out.splitlines()
    assert outcome(run) == whole


def test_a_method_that_fails_on_its_state_makes_the_run_start_over(tmp_path, interrupt, monkeypatch, capsys):
    """Its checkpoint is whole, but another version wrote it; of the half loaded network nothing must be left."""
    method = "weight_averaging"
    with interrupt(20):
        overfitlab.train(method, out=tmp_path / "run", **SETTINGS)

    def unfit(self, state):
        raise IndexError("another version")

    with monkeypatch.context() as patch:
        patch.setattr("overfitlab.methods.weight_averaging.AverageTracker.load_state_dict", unfit)
        run = overfitlab.train(method, out=tmp_path / "run", **LOUD)
    assert "does not fit this version of the network or the method; the run starts over." in capsys.readouterr().out
    assert outcome(run) == outcome(overfitlab.train(method, out=tmp_path / "whole", **SETTINGS))


def test_another_runs_checkpoint_is_not_taken(interrupted, whole, tmp_path, interrupt):
    with interrupt(20):
        overfitlab.train("dropout", out=tmp_path / "other", **SETTINGS | {"seed": 6})
    (interrupted / CHECKPOINT).write_bytes((tmp_path / "other" / CHECKPOINT).read_bytes())
    run = overfitlab.train("dropout", out=interrupted, **SETTINGS)
    assert outcome(run) == whole


def test_the_settings_that_were_resolved_are_kept(interrupted, monkeypatch):
    """`auto` may mean something else tomorrow; the run goes on as it began."""
    from overfitlab.training import compute

    before = overfitlab.load_run(interrupted).record.resolved
    monkeypatch.setattr(compute, "resolve", lambda precision, threads: pytest.fail("resolved anew"))
    assert overfitlab.train("dropout", out=interrupted, **SETTINGS).record.resolved == before


def test_a_finished_run_is_not_trained_again(tmp_path, monkeypatch, capsys):
    settings = SETTINGS | {"verbose": True}
    first = overfitlab.train("none", out=tmp_path / "run", **settings)
    monkeypatch.setattr(Trainer, "train", lambda *_: pytest.fail("trained again"))
    again = overfitlab.train("none", out=tmp_path / "run", **settings)
    assert outcome(again) == outcome(first)
    assert "nothing is trained again" in capsys.readouterr().out


def test_a_lost_figure_of_a_finished_run_is_drawn_again(tmp_path, drawn):
    run = overfitlab.train("none", out=tmp_path / "run", **SETTINGS)
    before = (run.folder / "curves.svg").read_bytes()
    (run.folder / "curves.svg").unlink()
    overfitlab.train("none", out=tmp_path / "run", **SETTINGS)
    assert (run.folder / "curves.svg").read_bytes() == before


def test_damaged_weights_of_a_finished_run_are_not_passed_over(tmp_path):
    run = overfitlab.train("none", out=tmp_path / "run", **SETTINGS)
    (run.folder / "weights.safetensors").write_bytes(b"")
    with pytest.raises(OverfitlabError, match=r"weights.safetensors is missing or damaged; move the folder away"):
        overfitlab.train("none", out=tmp_path / "run", **SETTINGS)


def test_another_configuration_does_not_touch_the_folder(tmp_path):
    run = overfitlab.train("none", out=tmp_path / "run", **SETTINGS)
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    with pytest.raises(UsageError, match="epochs 4 there, 5 here"):
        overfitlab.train("none", out=tmp_path / "run", **SETTINGS | {"epochs": 5})
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_a_diverged_run_says_so_each_time_and_keeps_its_history(tmp_path):
    settings = SETTINGS | {"learning_rate": 1e30, "epochs": 5}
    for _ in range(2):
        with pytest.raises(OverfitlabError, match=r"diverged in epoch \d.*lower --learning-rate"):
            overfitlab.train("none", out=tmp_path / "run", **settings)
    run = overfitlab.load_run(tmp_path / "run")
    assert run.record.status == "diverged"
    assert 1 <= len(run.rows) < 5


def test_a_run_without_a_finished_epoch_says_so(tmp_path, interrupt):
    with interrupt(5):
        overfitlab.train("none", out=tmp_path / "run", **SETTINGS)
    with pytest.raises(OverfitlabError, match="no finished epoch yet"):
        overfitlab.load_run(tmp_path / "run")


def test_weights_are_what_was_trained(tmp_path):
    run = overfitlab.train("batch_norm", out=tmp_path / "run", **SETTINGS)
    weights = safetensors.numpy.load_file(run.folder / "weights.safetensors")
    assert sum(array.size for array in weights.values()) == run.record.network.parameters.total
    assert not weights["conv1.bias"].any()
    assert weights["norm1.batch_norm.moving_mean"].any()
