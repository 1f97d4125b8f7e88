"""Networks that somebody else wrote, as models: the user's own `nn.Module`s, and those of timm."""

import contextlib
import random
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from overfitlab.errors import OverfitlabError, UsageError, is_want_of_memory
from overfitlab.methods.base import NetworkSpec, Site
from overfitlab.models.model import Call, Model, Order, probe, trace
from overfitlab.models.sites import layers_by_site
from overfitlab.randomness import Key

ROUNDING = 1e-3  # by which a sum of probabilities may miss 1


class ForeignModel(Model):
    """Somebody's network, with a place for a method's layers right before its last dense layer if that is known.

    Whatever it draws in training comes from global generators (PyTorch's, NumPy's, Python's). Each training step sets
    them to a state that belongs to the step's key and puts the old state back, so a resumed run draws the same.

    A batch of one image that it cannot take in training (PyTorch's batch normalization of a single pixel) is given
    to it twice, and the first answer counts: the mean is that image and its variance zero, as in Keras.
    """

    own_prefix = "network."
    classifier: nn.Sequential  # what a method inserts before the last dense layer, where it does

    def __init__(self, network: nn.Module, order: Order, *, channels_last: bool) -> None:
        super().__init__()
        self.network = network
        self.name, self.image_shape = order.name, order.image_shape
        self._key = order.key / "network"
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._moment: tuple[int, int] | None = None

    def at(self, epoch: int, step: int) -> None:
        """Say which training step comes next."""
        super().at(epoch, step)
        self._moment = (epoch, step)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, K]."""
        x = x.contiguous(memory_format=self._layout)  # users write view(len(x), -1), which needs it
        if not self.training:
            return self.network(x)  # type: ignore[no-any-return]
        if self._moment is None:
            raise RuntimeError(f"{self.name} needs at(epoch, step) before a training step")
        epoch, step = self._moment
        with drawing_from(self._key / epoch / step):
            if len(x) == 1 and self.needs_batches_of_two:
                return self.network(torch.cat([x, x]))[:1]  # type: ignore[no-any-return]
            return self.network(x)  # type: ignore[no-any-return]

    def insert(self, order: Order, last_dense: Call | None) -> None:
        """Give the method the place before `last_dense`; raises `UsageError` where it needs a place that is not there.

        The layer keeps its name and its weights keep theirs: what is inserted runs in a hook before it.
        """
        if last_dense is not None:
            [features] = last_dense.inputs
            self.last_dense = last_dense.name
            self.sites = (Site("classifier", "classifier", features.shape[1], features.ndim, order.warm_up),)
        inserted = layers_by_site(order.method, self.sites, order.key, self.name)
        if last_dense is not None and "classifier" in inserted:
            self.classifier = inserted["classifier"]
            last_dense.layer.register_forward_pre_hook(self._through_inserted_layers)

    def _through_inserted_layers(self, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        """Run what was inserted; a method of the model and no closure, so that a copied model uses its own layers."""
        return self.classifier(inputs[0])  # type: ignore[no-any-return]


def adopt(
    make: Callable[[], object],
    explain: Callable[[BaseException], OverfitlabError],
    order: Order,
    *,
    channels_last: bool = False,
) -> ForeignModel:
    """Return what `make` returns as a model, after a forward pass on made-up images has shown that it is one.

    Its initial weights are a function of the seed alone. What goes wrong within it becomes the error that `explain`
    returns. Raises `UsageError` where it is no network for these images and classes, or the method has no place.
    """
    for part in order.method.parts:
        if part.network(NetworkSpec()) != NetworkSpec():
            raise UsageError(
                "network_cannot_be_changed",
                "{method} changes a network before it is built, which {model} does not allow; choose a smaller network "
                "by its name, or one of overfitlab's own with --model",
                method=part.name, model=order.name,
            )  # fmt: skip
    try:
        with drawing_from(order.key / "init" / "network"):
            network = _checked(make(), order.name).float()
            _give_buffers_memory(network)
            model = ForeignModel(network, order, channels_last=channels_last)
            calls = trace(model, images=2)  # within the draws: lazy layers get their weights here
        _check_output(calls[-1].output, 2, order)
        _check_state(model)
        _try_training(model, order)
    except OverfitlabError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's code does
        if is_want_of_memory(error):
            raise
        raise explain(error) from error
    if channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.insert(order, _last_dense(calls, order.classes))
    return model


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


def _checked(network: object, name: str) -> nn.Module:
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


def _give_buffers_memory(network: nn.Module) -> None:
    """Replace buffers that repeat one number by `expand`, which a checkpoint could not be read back into."""
    for layer in network.modules():
        for name, buffer in layer._buffers.items():
            if buffer is not None and 0 in buffer.stride():
                layer._buffers[name] = buffer.clone(memory_format=torch.contiguous_format)


def _check_output(output: object, images: int, order: Order) -> None:
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


def _check_state(model: ForeignModel) -> None:
    if not any(value.requires_grad for value in model.parameters()):
        raise UsageError(
            "network_does_not_train", "{model}: its network has no parameters that train", model=model.name
        )
    for entry, value in model.state_dict().items():
        if not isinstance(value, Tensor) or value.is_sparse or value.is_quantized or value.is_complex():
            raise UsageError(
                "network_cannot_be_saved", "{model}: its state {entry!r} is no plain tensor, so it cannot be saved",
                model=model.name, entry=entry,
            )  # fmt: skip


def _try_training(model: ForeignModel, order: Order) -> None:
    """Find out whether it takes a batch of one image, in training too, and leave it as it was."""
    with torch.no_grad():
        _check_output(model.eval()(probe(model, 1)), 1, order)
    before = {entry: value.clone() for entry, value in model.state_dict().items()}
    model.train().at(0, 0)
    try:
        with torch.no_grad():
            output = model(probe(model, 1))
    except ValueError:  # PyTorch's own: "Expected more than 1 value per channel when training"
        model.needs_batches_of_two = True
        with torch.no_grad():
            output = model(probe(model, 1))
    finally:
        model.load_state_dict(before)
        model._moment = None
    _check_output(output, 1, order)


def _last_dense(calls: list[Call], classes: int) -> Call | None:
    """Return the use of the layer that makes the logits, if it is one dense layer that does so once."""
    logits = calls[-1].output
    found = [
        call
        for call in calls
        if isinstance(call.layer, nn.Linear)
        and call.layer.out_features == classes
        and call.output is logits
        and len(call.inputs) == 1
        and isinstance(call.inputs[0], Tensor)
        and call.inputs[0].ndim == 2
    ]
    if len(found) == 1 and sum(call.layer is found[0].layer for call in calls) == 1:
        return found[0]
    return None
