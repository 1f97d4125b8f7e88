"""The contract that every method of the registry keeps, alone and composed with any other."""

import itertools

import pytest
import torch

from overfitlab.errors import UsageError
from overfitlab.methods import registry
from overfitlab.methods.base import Method, RandomLayer, Site
from overfitlab.models.network import Builder
from overfitlab.models.notebook_cnn import describe, notebook_cnn
from overfitlab.randomness import Key

SHAPE, CLASSES = (8, 8, 3), 10
NAMES = registry.names()


def network(method: str, seed: int = 3):
    return notebook_cnn(SHAPE, CLASSES, registry.parse(method), Key(seed))


def images(count: int = 6):
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def logits(model, epoch=1, step=1):
    model.train().at(epoch, step)
    return model(images())


@pytest.mark.parametrize("method", NAMES)
def test_layers_in_common_share_their_initial_bits(method):
    baseline, other = network("none").state_dict(), network(method).state_dict()
    assert {name for name in baseline if name.startswith(("conv", "dense"))} <= other.keys()
    for name in baseline.keys() & other.keys():
        if baseline[name].shape == other[name].shape:  # a smaller network has layers of its own
            assert torch.equal(baseline[name], other[name]), name


@pytest.mark.parametrize("method", NAMES)
def test_its_off_setting_equals_the_baseline_to_the_bit(method):
    off = registry.method_class(method).off
    if off is None:
        pytest.skip(f"{method} has no setting that means no effect")
    text = f"{method}:{','.join(f'{name}={value}' for name, value in off.items())}"
    assert torch.equal(logits(network(text)), logits(network("none")))


@pytest.mark.parametrize("method", NAMES)
def test_the_same_key_and_moment_give_the_same_output(method):
    assert torch.equal(logits(network(method)), logits(network(method)))
    random = not torch.equal(logits(network(method), 1, 1), logits(network(method), 1, 2))
    has_draws = any(isinstance(layer, RandomLayer) for layer in network(method).modules())
    assert random == has_draws, "a method depends on the step if and only if it draws"


@pytest.mark.parametrize("method", NAMES)
def test_evaluation_draws_nothing_and_ignores_the_rest_of_the_batch(method):
    model = network(method)
    logits(model)  # moving statistics get a value
    model.eval()
    with torch.inference_mode():
        together = model(images())
        torch.testing.assert_close(together, torch.cat([model(x[None]) for x in images()]), rtol=1e-5, atol=1e-5)
        torch.manual_seed(1)
        model.at(9, 9)
        assert torch.equal(model(images()), together)


@pytest.mark.parametrize("method", NAMES)
def test_no_draw_comes_from_a_global_generator(method):
    before = torch.random.get_rng_state()
    logits(network(method))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(NAMES, 2)))
def test_either_order_of_a_pair_is_equal_or_refused(one, other):
    try:
        forward = registry.parse(f"{one}+{other}")
    except UsageError:
        with pytest.raises(UsageError):
            registry.parse(f"{other}+{one}")
        return
    backward = registry.parse(f"{other}+{one}")
    assert forward.spec == backward.spec
    assert torch.equal(logits(network(f"{one}+{other}")), logits(network(f"{other}+{one}")))


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(NAMES, 2)))
def test_in_a_composition_a_method_keeps_its_names_and_its_draws(one, other):
    try:
        both = network(f"{one}+{other}")
    except UsageError:
        pytest.skip(f"{one} and {other} do not go together")
    alone = dict(network(one).named_modules())
    composed = dict(both.named_modules())
    for name, layer in alone.items():
        if isinstance(layer, RandomLayer):
            layer.at(2, 3)
            composed[name].at(2, 3)
            assert layer.generator().integers(2**63) == composed[name].generator().integers(2**63)
    assert network(one).state_dict().keys() <= both.state_dict().keys()


@pytest.mark.parametrize("kind", ["norm", "pool", "classifier"])
@pytest.mark.parametrize("method", NAMES)
def test_it_inserts_something_at_the_sites_that_it_declares_and_nowhere_else(method, kind):
    site = Site(kind, "here", channels=6, ndim=4)
    assert (registry.parse(method).layer(site, Key(0)) is not None) == (kind in registry.method_class(method).sites)


@pytest.mark.parametrize("method", NAMES)
def test_a_network_without_a_place_for_it_refuses_it(method):
    build = Builder(SHAPE, registry.parse(method), Key(0), name="bare")
    build.flatten()
    if registry.method_class(method).sites:
        with pytest.raises(UsageError, match=f"{method} needs a place .*, which bare does not offer"):
            build.network()
    else:
        build.network()


def test_a_method_with_a_layer_has_to_declare_its_sites():
    with pytest.raises(TypeError, match="Forgetful has a layer, so it must name its sites"):

        class Forgetful(Method):
            name = "forgetful"

            def layer(self, site, key):
                return None


@pytest.mark.parametrize("warm_up", [False, True])
@pytest.mark.parametrize("method", NAMES)
def test_evaluation_after_one_step_is_close_to_training_where_statistics_warm_up(method, warm_up):
    """Without warm-up, moving averages still remember their start; a method without any does not care."""
    build = Builder(SHAPE, registry.parse(method), Key(3), warm_up=warm_up)
    describe(build, CLASSES)
    model = build.network()
    trained = logits(model)
    has_statistics = any("moving" in name for name in model.state_dict())
    if not has_statistics or any(isinstance(layer, RandomLayer) for layer in model.modules()):
        pytest.skip("no moving statistics to warm up, or dropped activations in between")
    with torch.inference_mode():
        close = torch.allclose(model.eval()(images()), trained, rtol=1e-3, atol=1e-3)
    assert close == warm_up


@pytest.mark.parametrize("method", NAMES)
def test_it_takes_vectors_where_images_have_shrunk_to_a_pixel(method):
    model = notebook_cnn((1, 1, 1), 2, registry.parse(method), Key(0))
    model.train().at(1, 1)
    assert model(torch.zeros(4, 1, 1, 1)).shape == (4, 2)
