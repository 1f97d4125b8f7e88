"""What every method keeps, as checks that a package with a method of its own can run too.

    import pytest
    from overfitlab import testing

    @pytest.mark.parametrize("check", testing.CHECKS, ids=testing.check_name)
    def test_mine_keeps_the_contract(check):
        check("mine")

A check takes the text of a registered method (`"mine"`, `"mine:strength=0.5"`) and raises `AssertionError` where the
method breaks a rule. `check_pair` is the one rule for two methods. All of them train a small network on made-up images
for a few steps, in some hundredths of a second.
"""

import copy
import functools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import ParamSpec

import numpy as np
import torch
from torch import Tensor

from overfitlab.config import CLEAN, Protocol, RunConfig
from overfitlab.data.dataset import Dataset
from overfitlab.data.prepare.material import Material
from overfitlab.data.prepare.splits import Split
from overfitlab.data.prepare.standardize import channel_statistics
from overfitlab.errors import UsageError
from overfitlab.events import Listener
from overfitlab.kernels import library
from overfitlab.methods import registry
from overfitlab.methods.base import RandomLayer, Site, SiteKind
from overfitlab.models.model import Model
from overfitlab.models.network import Builder
from overfitlab.models.sites import layers_by_site
from overfitlab.randomness import Key, run_key
from overfitlab.results.history import EpochRow
from overfitlab.training.compute import Compute
from overfitlab.training.loop import Trainer

Texts = ParamSpec("Texts")
CARD = ("Equation:", "Source:", "Helps:", "Hurts:", "Cost:")
CLASSES = 3
TRAINING, VALIDATION, BATCH, EPOCHS = 25, 10, 8, 3  # images; the last batch of an epoch is a single one
SHAPE = (8, 9, 3)  # height, width, channels; nine pixels are pooled to five
SEED = 3
KINDS: tuple[SiteKind, ...] = ("norm", "pool", "classifier")
PROTOCOL = replace(CLEAN, epochs=EPOCHS, batch_size=BATCH, learning_rate=1e-2, schedule="cosine")


def describe(build: Builder, classes: int) -> None:
    """Append a small network with every kind of site."""
    for filters in (6, 8):
        build.conv(filters)
        build.norm_site()
        build.relu()
        build.max_pool()
        build.pool_site()
    build.flatten()
    build.dense(16)
    build.norm_site()
    build.relu()
    build.classifier_site()
    build.dense(classes)


def small_trainer(method: str, *, seed: int = SEED, protocol: Protocol = PROTOCOL) -> Trainer:
    """Return the training of a small network on made-up images under a method, on one thread."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (TRAINING + VALIDATION, *SHAPE), dtype=np.uint8)
    labels = np.arange(len(images)) % CLASSES
    rows = np.arange(len(images))
    split = Split(rows[:TRAINING], rows[TRAINING:], rows[:0])
    dataset = Dataset("made up", images, labels, ("a", "b", "c"), split.test, "", "made up", official=False)
    chosen = registry.parse(method)
    key = run_key(seed, protocol.vary)
    build = Builder(SHAPE, chosen, key, name="small", classes=CLASSES, warm_up=protocol.batch_norm_warm_up)
    describe(build, CLASSES)
    config = RunConfig(protocol, chosen.spec, "made up", seed=seed)
    material = Material(dataset, split, channel_statistics(images, split.training))
    library.use(library.best())
    return Trainer(config, material, build.network(), Compute("float32", threads=1))


def trained(method: str, *, seed: int = SEED) -> Trainer:
    """Return the same after its training."""
    trainer = small_trainer(method, seed=seed)
    trainer.train(lambda: None, Listener())
    return trainer


def outcome(trainer: Trainer) -> dict[str, Tensor]:
    """Return everything that a training leaves but its times: weights, what was handed over, the history."""
    found = {f"model.{name}": value.clone() for name, value in trainer.model.state_dict().items()}
    found |= {f"handed over.{name}": value.clone() for name, value in trainer.hand_over().state_dict().items()}
    rows = [[row.loss, row.acc, row.val_loss, row.val_acc] for row in trainer.progress.rows]
    return found | {"history": torch.tensor(rows, dtype=torch.float64)}


def same_bits(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Return whether two outcomes are equal, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def _on_one_thread(check: Callable[Texts, None]) -> Callable[Texts, None]:
    """Let a check compute on one thread: its tensors are so small that threads would only wait for each other."""

    @functools.wraps(check)
    def checked(*args: Texts.args, **options: Texts.kwargs) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            check(*args, **options)
        finally:
            torch.set_num_threads(threads)

    return checked


def check_card(method: str) -> None:
    """Its docstring is a card: a first line that says what it does, then equation, source, use and cost."""
    for part in registry.parse(method).parts:
        card = type(part).__doc__ or ""
        first = card.strip().partition("\n")[0]
        assert first.endswith("."), f"{part.name}: the card's first line is a sentence, not {first!r}"
        missing = [word for word in CARD if word not in card]
        assert not missing, f"{part.name}: its card lacks {', '.join(missing)}"


def check_text(method: str) -> None:
    """Its text makes it again, and its hyperparameters survive JSON."""
    made = registry.parse(method)
    again = registry.parse(made.spec)
    assert again.spec == made.spec, f"{made.spec} became {again.spec}"
    kept = json.loads(json.dumps(made.hyperparameters()))
    assert kept == again.hyperparameters(), f"{made.hyperparameters()} became {kept}"
    if len(made.parts) == 1:
        assert type(made)(**made.hyperparameters()) == made


def check_off(method: str) -> None:
    """At its `off` setting a training equals one without it, to the bit."""
    for part in registry.parse(method).parts:
        if part.off is not None:
            off = registry.make(part.name, **{**part.hyperparameters(), **part.off}).spec
            assert same_bits(outcome(trained(off)), outcome(trained("none"))), f"{off} is not without effect"


def check_initial_bits(method: str) -> None:
    """Layers that it leaves in shape begin with the bits that they have without it."""
    baseline, network = small_trainer("none").model.state_dict(), small_trainer(method).model.state_dict()
    missing = baseline.keys() - network.keys()
    spared = {name for name in missing if name.endswith(".bias")}
    assert missing == spared, f"{method} takes away {', '.join(sorted(missing - spared))}"
    for name in baseline.keys() & network.keys():
        if baseline[name].shape == network[name].shape:
            assert torch.equal(baseline[name], network[name]), f"{method} changes the initial bits of {name}"


def check_same_seed(method: str) -> None:
    """The same seed trains to the same bits, and another seed to others."""
    first = outcome(trained(method))
    assert same_bits(first, outcome(trained(method))), f"{method} trains differently when it is repeated"
    assert not same_bits(first, outcome(trained(method, seed=SEED + 1))), f"{method} ignores the seed"


def check_global_generators(method: str) -> None:
    """It draws from its keys, never from a generator that others share, which it would disturb."""
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]
    first = outcome(trained(method))
    after = torch.random.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]
    for name, one, other in zip(("PyTorch", "NumPy", "Python"), before, after, strict=True):
        equal = torch.equal(one, other) if isinstance(one, Tensor) else one == other
        assert equal, f"{method} draws from the global generator of {name}; use the key or rng that it is given"
    torch.manual_seed(2)
    np.random.seed(2)
    random.seed(2)
    assert same_bits(first, outcome(trained(method))), f"{method} depends on a global generator"


def check_evaluation(method: str) -> None:
    """In evaluation nothing is drawn, and a prediction does not depend on the other images of the batch."""
    trainer = trained(method)
    model = trainer.hand_over().eval()
    images, _ = trainer.batches(TRAINING).gather(torch.arange(TRAINING))
    with torch.inference_mode():
        together = model(images)
        model.at(9, 9)
        assert torch.equal(model(images), together), f"{method} gives two answers for the same images"
        alone = torch.cat([model(image[None]) for image in images])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


def check_sites(method: str) -> None:
    """It inserts a layer at the sites that it declares and nowhere else, and a network without them refuses it."""
    for part in registry.parse(method).parts:
        for kind in KINDS:
            inserted = part.layer(Site(kind, "here", channels=6, ndim=4), Key(0)) is not None
            assert inserted == (kind in part.sites), f"{part.name} and a {kind!r} site: sites = {part.sites}"
        if part.sites:
            try:
                layers_by_site(part, [], Key(0), "bare")
            except UsageError:
                continue
            raise AssertionError(f"a network without sites has to refuse {part.name}")


def check_layers(method: str) -> None:
    """Its layers keep shape and dtype of vectors and images, of one image too, and pass gradients on."""
    for part in registry.parse(method).parts:
        for kind, shape in (
            (kind, shape) for kind in part.sites for shape in ((4, 6), (1, 6), (4, 6, 5, 7), (1, 6, 1, 1))
        ):
            layer = part.layer(Site(kind, "here", channels=6, ndim=len(shape)), Key(0))
            assert layer is not None
            for dtype in (torch.float32, torch.float64):
                layer = copy.deepcopy(layer).to(dtype).train()
                if isinstance(layer, RandomLayer):
                    layer.at(1, 1)
                x = torch.linspace(-1, 1, int(np.prod(shape)), dtype=dtype).reshape(shape).requires_grad_()
                y = layer(x)
                assert (y.shape, y.dtype) == (x.shape, x.dtype), f"{part.name} makes {y.shape} {y.dtype} of {x.shape}"
                y.sum().backward()
                assert x.grad is not None, f"{part.name} passes no gradient on"
                assert bool(x.grad.isfinite().all()), f"{part.name} has a gradient that is not finite"


def check_batches(method: str) -> None:
    """A transformed batch has its shape and dtype, finite pixels, and label probabilities that sum to one."""
    for part in registry.parse(method).parts:
        for batch, channels, height, width in ((8, 3, 8, 8), (1, 1, 5, 7), (7, 3, 12, 6)):
            for step in range(1, 4):
                x, y = made_up_batch(batch, channels, height, width)
                key = Key(0) / step
                x_out, y_out = part.batch(x.clone(memory_format=torch.preserve_format), y.clone(), key.generator())
                assert (x_out.shape, x_out.dtype) == (x.shape, x.dtype), f"{part.name} makes {x_out.shape} of {x.shape}"
                assert (y_out.shape, y_out.dtype) == (y.shape, y.dtype), f"{part.name} makes {y_out.shape} of {y.shape}"
                assert x_out.is_contiguous(memory_format=torch.channels_last), f"{part.name} loses the memory layout"
                assert bool(x_out.isfinite().all()), f"{part.name} makes pixels that are not finite"
                assert bool((y_out >= 0).all()), f"{part.name} makes negative probabilities"
                torch.testing.assert_close(y_out.sum(1), torch.ones(batch), rtol=0, atol=1e-5)
                again = part.batch(x.clone(memory_format=torch.preserve_format), y.clone(), key.generator())
                assert torch.equal(x_out, again[0]), f"{part.name}: the same key gives other images"
                assert torch.equal(y_out, again[1]), f"{part.name}: the same key gives other labels"


def made_up_batch(batch: int, channels: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return images [B, C, H, W] in channels-last memory, as in training, and label probabilities [B, CLASSES]."""
    numbers = np.random.default_rng(batch).normal(size=(batch, height, width, channels)).astype(np.float32)
    return torch.from_numpy(numbers).permute(0, 3, 1, 2), torch.eye(CLASSES)[torch.arange(batch) % CLASSES]


def check_penalty(method: str) -> None:
    """Penalty and decay are finite and not negative, and leave biases and the scales of normalizations alone."""
    trainer = small_trainer(method)
    penalty = trainer.regularization.penalty()
    if penalty is not None:
        assert penalty.ndim == 0, f"{method}: a penalty is a scalar, not {tuple(penalty.shape)}"
        assert penalty.item() >= 0
        assert bool(penalty.isfinite())
    chosen = registry.parse(method)
    for name, parameter in trainer.model.named_parameters():
        decay = chosen.weight_decay(name, parameter)
        assert decay >= 0, f"{method} lets {name} grow"
        assert decay == 0 or parameter.ndim >= 2, f"{method} decays {name}, which is not a kernel"


def check_resume(method: str) -> None:
    """A training that was interrupted after any epoch ends with the bits of one that was not."""
    whole = outcome(trained(method))
    first = small_trainer(method)
    saved: list[tuple[dict[str, Tensor], ...]] = []
    progress = []

    def save() -> None:
        parts = (first.model.tensors(), first.optimizer.state(), first.regularization.state())
        saved.append(copy.deepcopy(parts))
        progress.append(first.progress)

    first.train(save, Listener())
    for (model, optimizer, state), done in zip(saved, progress, strict=True):
        resumed = small_trainer(method)
        resumed.model.load_state_dict(model)
        resumed.optimizer.load_state(optimizer, done.steps)
        resumed.regularization.load_state(state)
        resumed.progress = done
        resumed.train(lambda: None, Listener())
        assert same_bits(outcome(resumed), whole), (
            f"{method} ends differently when resumed after epoch {len(done.rows)}"
        )


def check_stop(method: str) -> None:
    """Whether it stops is a function of the history alone, which it leaves as it is."""
    chosen = registry.parse(method)
    losses = (2.0, 1.5, 1.6, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0)
    rows = [EpochRow(epoch, 1.0, 1.0, 0.5, loss, 0.5) for epoch, loss in enumerate(losses, start=1)]
    forward = [chosen.stop(rows[:count]) for count in range(1, len(rows) + 1)]
    backward = [chosen.stop(rows[:count]) for count in range(len(rows), 0, -1)][::-1]
    assert forward == backward, f"{method} remembers what it was asked before"
    assert [row.val_loss for row in rows] == list(losses)


def check_tracker(method: str) -> None:
    """A tracker leaves the training itself as it is, and its evaluation model is one of the same kind."""
    trainer = small_trainer(method)
    if trainer.regularization.tracker is None:
        return
    assert isinstance(trainer.evaluated, Model)
    assert trainer.evaluated is not trainer.model
    assert trainer.evaluated.state_dict().keys() == trainer.model.state_dict().keys()
    followed = trained(method)
    without = small_trainer(method)
    without.regularization.tracker = None
    without.train(lambda: None, Listener())
    assert same_bits(dict(followed.model.state_dict()), dict(without.model.state_dict())), f"{method} disturbs training"
    if not trainer.regularization.restores_onset:
        stopped = trained(f"{method}+early_stopping")
        first = {name: value + 1 for name, value in stopped.model.tensors().items()}
        stopped.progress = replace(stopped.progress, onset_weights=first)
        assert same_bits(dict(stopped.hand_over().state_dict()), first), f"{method} loses the weights of the onset"


def check_single_draws(method: str) -> None:
    """Composed with dropout a method draws what it draws alone: composing shifts no random number."""
    chosen = registry.parse(method)
    other = "spatial_dropout" if any(part.name == "dropout" for part in chosen.parts) else "dropout"
    if any(part.name == other for part in chosen.parts):
        return
    alone, composed = small_trainer(method), small_trainer(f"{method}+{other}")
    layers = dict(composed.model.named_modules())
    for name, layer in alone.model.named_modules():
        if isinstance(layer, RandomLayer):
            other_layer = layers[name]
            assert isinstance(other_layer, RandomLayer)
            layer.at(2, 3)
            other_layer.at(2, 3)
            drawn, drawn_composed = (each.generator().integers(2**63) for each in (layer, other_layer))
            assert drawn == drawn_composed, f"{name} draws something else in {method}+{other}"
    x, y = made_up_batch(8, 3, 8, 8)
    results = [
        trainer.regularization.batch(x.clone(memory_format=torch.preserve_format), y.clone(), 2, 3)
        for trainer in (alone, composed)
    ]
    assert torch.equal(results[0][0], results[1][0]), f"{method}+{other} transforms images in another way"
    assert torch.equal(results[0][1], results[1][1]), f"{method}+{other} transforms labels in another way"


@_on_one_thread
def check_pair(one: str, other: str) -> None:
    """Two methods compose in either order to the same training, or are refused in one line in either order."""
    try:
        forward = registry.parse(f"{one}+{other}")
    except UsageError:
        try:
            backward = registry.parse(f"{other}+{one}")
        except UsageError:
            return
        raise AssertionError(f"{backward.spec} composes, but {one}+{other} is refused") from None
    backward = registry.parse(f"{other}+{one}")
    assert forward.spec == backward.spec, f"{forward.spec} is not {backward.spec}"
    forward_outcome = outcome(trained(f"{one}+{other}"))
    assert same_bits(forward_outcome, outcome(trained(f"{other}+{one}"))), f"{one}+{other} depends on the order"
    for name, value in forward_outcome.items():
        assert bool(value.isfinite().all()), f"{one}+{other}: {name} is not finite"


Check = Callable[[str], None]


_ALL: tuple[Check, ...] = (
    check_card,
    check_text,
    check_off,
    check_initial_bits,
    check_same_seed,
    check_global_generators,
    check_evaluation,
    check_sites,
    check_layers,
    check_batches,
    check_penalty,
    check_resume,
    check_stop,
    check_tracker,
    check_single_draws,
)
CHECKS = tuple(_on_one_thread(check) for check in _ALL)


def check_name(check: Check) -> str:
    """Return what a check looks at, for the names of tests: "card", "resume"."""
    return check.__name__.removeprefix("check_")
