"""The contract that every method of the registry keeps, alone and composed with any other."""

import itertools

import pytest
import torch

from overfitlab import testing
from overfitlab.errors import UsageError
from overfitlab.methods import registry
from overfitlab.methods.base import Method
from overfitlab.models.network import Builder
from overfitlab.models.notebook_cnn import describe, notebook_cnn
from overfitlab.randomness import Key

SHAPE, CLASSES = (8, 8, 3), 10
NAMES = registry.names()
QUICK = {
    "none",
    "l2",
    "dropout",
    "batch_norm",
    "mixup",
    "early_stopping",
    "weight_averaging",
}  # one for each kind of hook


@pytest.mark.parametrize(
    "method", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
@pytest.mark.parametrize("check", testing.CHECKS, ids=testing.check_name)
def test_every_method_keeps_the_contract(check, method):
    check(method)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(NAMES, 2)))
def test_either_order_of_a_pair_is_equal_or_refused(one, other):
    testing.check_pair(one, other)


def test_the_list_of_the_design_is_complete():
    assert set(NAMES) >= {
        "none", "l1", "l2", "weight_decay", "dropout", "spatial_dropout", "batch_norm", "layer_norm", "group_norm",
        "gaussian_noise", "label_smoothing", "augment", "random_erasing", "mixup", "cutmix", "early_stopping",
        "weight_averaging", "smaller_network",
    }  # fmt: skip


@pytest.mark.slow
def test_only_normalizations_refuse_each_other():
    refused = set()
    for pair in itertools.combinations(NAMES, 2):
        try:
            registry.parse("+".join(pair))
        except UsageError:
            refused.add(pair)
    assert refused == set(itertools.combinations(["batch_norm", "group_norm", "layer_norm"], 2))


def test_a_method_with_a_layer_has_to_declare_its_sites():
    with pytest.raises(TypeError, match="Forgetful has a layer, so it must name its sites"):

        class Forgetful(Method):
            name = "forgetful"

            def layer(self, site, key):
                return None


@pytest.mark.parametrize("warm_up", [False, True])
def test_evaluation_after_one_step_is_close_to_training_where_statistics_warm_up(warm_up):
    """Without warm-up, moving averages still remember their start."""
    build = Builder(SHAPE, registry.parse("batch_norm"), Key(3), warm_up=warm_up)
    describe(build, CLASSES)
    model = build.network()
    x = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    model.train().at(1, 1)
    trained = model(x)
    with torch.inference_mode():
        assert torch.allclose(model.eval()(x), trained, rtol=1e-3, atol=1e-3) == warm_up


@pytest.mark.parametrize("method", NAMES)
def test_it_takes_vectors_where_images_have_shrunk_to_a_pixel(method):
    model = notebook_cnn((1, 1, 1), 2, registry.parse(method), Key(0))
    model.train().at(1, 1)
    assert model(torch.zeros(4, 1, 1, 1)).shape == (4, 2)
