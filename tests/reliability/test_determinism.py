"""The same command gives the same bits, in another process and folder; another seed, or number of epochs, others."""

import pytest
from outcomes import of_run, of_study

import overfitlab

pytestmark = pytest.mark.slow

EACH_KIND = ["none", "batch_norm+dropout", "augment+mixup"]  # draws of the order, in layers, of images, of labels


@pytest.mark.parametrize("method", EACH_KIND)
def test_the_same_command_twice(breakable, method):
    for out in ("one", "other"):
        ended = breakable.train(method, out)
        assert ended.code == 0, ended.said
    one, other = (breakable.folder / name for name in ("one", "other"))
    assert of_run(one) == of_run(other)
    assert (
        overfitlab.load_run(one).record.files["weights.safetensors"]
        == (overfitlab.load_run(other).record.files["weights.safetensors"])
    )


def test_another_seed_gives_other_bits(breakable):
    for seed in (0, 1):
        ended = breakable.train("none", f"seed-{seed}", 3, "--seed", seed)
        assert ended.code == 0, ended.said
    one, other = (of_run(breakable.folder / f"seed-{seed}") for seed in (0, 1))
    assert one["weights.safetensors"] != other["weights.safetensors"]
    assert one["history"] != other["history"]


def test_the_same_study_with_another_number_of_jobs(breakable):
    found = []
    for jobs in (1, 2):
        breakable.fresh()
        ended = breakable.compare("none", "dropout", jobs=jobs, seeds=2)
        assert ended.code == 0, ended.said
        found.append(of_study(breakable.folder / "study"))
    assert found[0] == found[1]
