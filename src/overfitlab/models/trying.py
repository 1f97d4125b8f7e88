"""Tries a network that somebody else wrote on made-up images, before anything is trained with it."""

import contextlib
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from overfitlab.errors import UsageError
from overfitlab.models.calls import Pass, record
from overfitlab.models.model import Order, probe
from overfitlab.randomness import Key

if TYPE_CHECKING:
    from overfitlab.models.foreign import ForeignModel

ROUNDING = 1e-3  # by which a sum of probabilities may miss 1
WRAPPED = "_orig_mod"  # what torch.compile calls the network in its wrapper
PASSES = 4  # in training mode, to see whether they take the same way
PROBE_SEED = 0  # of what is drawn in them: whether a network has places for a method is the same for every run of it


@contextlib.contextmanager
def drawing_from(key: Key) -> Iterator[None]:
    """Let the global generators of PyTorch (on the CPU), NumPy and Python follow `key`, and put them back after."""
    seeds = key.generator().integers(2**32, size=3)
    kept = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    try:
        random.seed(int(seeds[0]))
        np.random.seed(int(seeds[1]))
        torch.default_generator.manual_seed(int(seeds[2]))
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.random.set_rng_state(kept[2])


def checked(network: object, name: str) -> nn.Module:
    """Return the network; raises `UsageError` where it is none."""
    if isinstance(network, type):
        raise UsageError(
            "model_is_a_class", "{model} returned the class {type}; return an object of it",
            model=name, type=network.__name__,
        )  # fmt: skip
    if network is None:
        raise UsageError("model_is_nothing", "{model} returned nothing; it must return a torch.nn.Module", model=name)
    if not isinstance(network, nn.Module):
        raise UsageError(
            "model_is_no_module", "{model} returned a {type}; it must return a torch.nn.Module",
            model=name, type=type(network).__name__,
        )  # fmt: skip
    return network


def give_buffers_memory(network: nn.Module) -> None:
    """Replace buffers that repeat one number by `expand`, which a checkpoint could not be read back into."""
    for layer in network.modules():
        for name, buffer in layer._buffers.items():
            if buffer is not None and not is_lazy(buffer) and 0 in buffer.stride():
                layer._buffers[name] = buffer.clone(memory_format=torch.contiguous_format)


def uncompiled(network: nn.Module) -> tuple[nn.Module, bool]:
    """Return a network without the wrappers of `torch.compile`, which hide its calls, and whether it had any."""
    found = False
    while isinstance(inner := getattr(network, WRAPPED, None), nn.Module):
        network, found = inner, True
    for layer in list(network.modules()):
        for name, child in list(layer._modules.items()):
            while isinstance(inner := getattr(child, WRAPPED, None), nn.Module):
                child, found = inner, True  # noqa: PLW2901
            layer._modules[name] = child
        if getattr(layer, "_compiled_call_impl", None) is not None:  # by its method `compile`
            layer._compiled_call_impl, found = None, True
    return network, found


def check_output(output: object, images: int, order: Order) -> None:
    """Raise `UsageError` unless the network returned logits [B, K] for that many images."""
    if output is None:
        raise UsageError(
            "network_returns_nothing",
            "{model}: its network returns nothing; it must return logits, a tensor [B, {classes}]",
            model=order.name, classes=order.classes,
        )  # fmt: skip
    if not isinstance(output, Tensor):
        raise UsageError(
            "network_returns_no_tensor",
            "{model}: its network returns a {type}; it must return logits, a tensor [B, {classes}]",
            model=order.name, type=type(output).__name__, classes=order.classes,
        )  # fmt: skip
    if output.ndim == 2 and len(output) != images and output.shape[1] == order.classes:
        raise UsageError(
            "network_mixes_images",
            "{model}: its network returns shape {shape} for a batch of {images} images of {size}, so it takes images "
            "of another size; --image-size gives it those",
            model=order.name, shape=list(output.shape), images=images, size=size_text(order),
        )  # fmt: skip
    if tuple(output.shape) != (images, order.classes):
        raise UsageError(
            "network_returns_another_shape",
            "{model}: its network returns shape {shape} for a batch of {images}; it must be [{images}, {classes}], "
            "logits for each class",
            model=order.name, shape=list(output.shape), images=images, classes=order.classes,
        )  # fmt: skip
    sums = output.double().sum(1)
    if bool((output >= 0).all()) and bool(((sums - 1).abs() < ROUNDING).all()):
        raise UsageError(
            "network_returns_probabilities",
            "{model}: its network returns probabilities; leave out the last softmax, it must return logits",
            model=order.name,
        )


def check_state(model: "ForeignModel") -> None:
    """Raise `UsageError` where nothing of it trains, or its state cannot be written into a file."""
    if not any(value.requires_grad for value in model.parameters()):
        raise UsageError(
            "network_does_not_train", "{model}: its network has no parameters that train", model=model.name
        )
    for entry, value in model.state_dict().items():
        if not isinstance(value, Tensor) or value.is_sparse or value.is_quantized or value.is_complex():
            raise UsageError(
                "network_cannot_be_saved", "{model}: its state {entry!r} is not a plain tensor, so it cannot be "
                                           "saved",
                model=model.name, entry=entry,
            )  # fmt: skip


@contextlib.contextmanager
def left_as_it_was(model: "ForeignModel") -> Iterator[None]:
    """Put the state of the network back in the end."""
    before = {entry: value.clone() for entry, value in model.state_dict().items()}
    try:
        yield
    finally:
        model.load_state_dict(before)
        model._moment = None


def try_training(model: "ForeignModel", order: Order) -> None:
    """Find out whether it takes a batch of one image, in training too, and leave it as it was."""
    with torch.no_grad():
        check_output(model.eval()(probe(model, 1)), 1, order)
    model.needs_batches_of_two = False
    with left_as_it_was(model), torch.no_grad():
        model.train().at(0, 0)
        try:
            output = model(probe(model, 1))
        except ValueError:  # PyTorch's own: "Expected more than 1 value per channel when training"
            model.needs_batches_of_two = True
            output = model(probe(model, 1))
    check_output(output, 1, order)


def check_learning(model: "ForeignModel") -> None:
    """Raise `UsageError` where no gradient can reach a parameter from the logits."""
    with left_as_it_was(model), torch.enable_grad():
        model.train().at(0, 0)
        reached = model(probe(model, 2)).requires_grad
    if not reached:
        raise UsageError(
            "network_hides_its_gradients",
            "{model}: no gradient goes from its logits to its parameters, as under torch.no_grad() or after detach(), "
            "so it cannot learn; remove that from its forward",
            model=model.name,
        )


def draws_in_evaluation(model: "ForeignModel") -> bool:
    """Return whether it answers the same images differently in evaluation mode: it draws numbers there, too."""
    with left_as_it_was(model), torch.no_grad():
        model.eval()
        with drawing_from(Key(PROBE_SEED) / "evaluation" / 0):
            first = model(probe(model, 2))
        with drawing_from(Key(PROBE_SEED) / "evaluation" / 1):
            second = model(probe(model, 2))
    return not torch.allclose(first, second, equal_nan=True)


def passes(model: "ForeignModel", *, bare: bool) -> tuple[list[Pass], list[Pass]]:
    """Return what several forward passes in training mode did, and two in evaluation mode; it is left as it was."""
    training, evaluation = [], []
    with left_as_it_was(model):
        model.train()
        for number in range(PASSES):
            with drawing_from(Key(PROBE_SEED) / "trial" / number):
                training.append(record(model.network, model.laid_out(probe(model, 2)), bare=bare))
        model.eval()
        for images in (2, 1):
            evaluation.append(record(model.network, model.laid_out(probe(model, images)), bare=bare))
    return training, evaluation


def size_text(order: Order) -> str:
    """Return the size of the images, for people: 32x32x3."""
    return "x".join(map(str, order.image_shape))
