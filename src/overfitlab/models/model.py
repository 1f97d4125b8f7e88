"""What training, evaluation and checkpoints ask of a network, whoever wrote it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit import ScriptModule

from overfitlab.methods.base import Method, RandomLayer, Site
from overfitlab.randomness import Key
from overfitlab.reasons import Reason


@dataclass(frozen=True)
class Order:
    """What is asked of whoever builds a model."""

    name: str  # as `--model` has it
    image_shape: tuple[int, int, int]  # height, width, channels
    classes: int
    method: Method
    key: Key
    warm_up: bool = False  # moving statistics start from the first batch
    bare: bool = False  # without the regularization that somebody's network brings


class Model(nn.Module):
    """A network from standardized images [B, C, H, W] to logits [B, K]."""

    name: str  # as `--model` has it
    image_shape: tuple[int, int, int]  # height, width, channels
    sites: tuple[Site, ...] = ()  # every place that it offers to a method, used or not
    last_dense: str | None = None  # the last dense layer, by its name in `named_modules`; None where it is unknown
    brings: Mapping[str, int] = MappingProxyType({})  # regularization of its own, whatever the method: how many of each
    notes: tuple[Reason, ...] = ()  # what a reader of results has to know about it
    fixed: bool = False  # no method changes it before it is built (`Method.network`)
    needs_batches_of_two: bool = False  # it cannot compute the statistics of one image (see `ForeignModel`)
    made_by: str = ""  # how a class or a function of the user's was called for it
    own_prefix: str = ""  # of the names of somebody else's own tensors; what methods insert there stands beside them

    def at(self, epoch: int, step: int) -> None:
        """Tell every random layer which training step comes next."""
        for layer in self.modules():
            if isinstance(layer, RandomLayer):
                layer.at(epoch, step)

    def is_inserted(self, name: str) -> bool:
        """Return whether the tensor of that name belongs to what a method inserted."""
        places = {site.name for site in self.sites}
        return not places.isdisjoint(name.split("."))

    @property
    def own_batch_norms(self) -> int:
        """How many of PyTorch's batch normalizations it has, whatever the method."""
        return sum(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in self.modules())

    def parameter_counts(self) -> tuple[int, int]:
        """Return how many floating-point numbers it holds, moving statistics included, and how many of them train.

        As Keras counts: a bias in front of a batch normalization is one that trains, although it stays zero.
        """
        parameters = [value for value in self.parameters() if value.is_floating_point()]
        trained = sum(value.numel() for value in parameters if value.requires_grad)
        fixed = [value for value in parameters if not value.requires_grad]
        buffers = [value for value in self.buffers() if value.is_floating_point()]
        return trained + sum(value.numel() for value in (*fixed, *buffers)), trained

    def tensors(self) -> dict[str, Tensor]:
        """Return all parameters and buffers by name, contiguous and each in memory of its own, as files want them."""
        found: dict[str, Tensor] = {}
        memory: set[int] = set()
        for name, value in self.state_dict().items():
            content = value.detach().contiguous()
            place = content.untyped_storage().data_ptr()
            shared = place in memory or content.untyped_storage().nbytes() > content.nbytes
            found[name] = content.clone() if shared else content
            memory.add(place)
        return found

    def own_tensors(self) -> dict[str, Tensor]:
        """Return the tensors of the network by name; of somebody else's network by the names that it has outside."""
        own = self.own_prefix
        return {name.removeprefix(own): value for name, value in self.tensors().items() if name.startswith(own)}

    def inserted_tensors(self) -> dict[str, Tensor]:
        """Return the tensors of what a method inserted into somebody else's network, by name; else nothing."""
        return {name: value for name, value in self.tensors().items() if not name.startswith(self.own_prefix)}

    def load_tensors(self, own: Mapping[str, Tensor], inserted: Mapping[str, Tensor]) -> None:
        """Put in what those two returned, or what `tensors` did: files of before have it all in one.

        Raises `RuntimeError` where names or shapes are those of another network.
        """
        named = {f"{self.own_prefix}{name}": value for name, value in own.items()} | dict(inserted)
        self.load_state_dict(named if named.keys() == self.state_dict().keys() else {**own, **inserted})


@dataclass(frozen=True)
class Call:
    """One use of a layer in a forward pass."""

    name: str
    layer: nn.Module
    inputs: tuple[Any, ...]
    output: Any


def trace(model: Model, images: int = 1) -> list[Call]:
    """Return what each layer below `model` does in a forward pass in evaluation mode, in the order they finish.

    The model itself comes last. It is left in the mode it was in; whatever its forward pass raises goes through.
    """
    calls: list[Call] = []

    def noting(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        return lambda layer, inputs, output: calls.append(Call(name, layer, inputs, output))

    seen = [(name, layer) for name, layer in model.named_modules() if not isinstance(layer, ScriptModule)]  # no hooks
    hooks = [layer.register_forward_hook(noting(name)) for name, layer in seen]
    modes = {layer: layer.training for layer in model.modules()}
    try:
        with torch.no_grad():
            model.eval()(probe(model, images))
    finally:
        for layer, training in modes.items():
            layer.training = training
        for hook in hooks:
            hook.remove()
    return calls


def probe(model: Model, images: int) -> Tensor:
    """Return made-up images [B, C, H, W] that the model should take, all different, between -1 and 1."""
    height, width, channels = model.image_shape
    kinds = (value.dtype for value in model.parameters() if value.is_floating_point())
    numbers = torch.linspace(-1, 1, images * height * width * channels, dtype=next(kinds, torch.float32))
    return numbers.reshape(images, height, width, channels).permute(0, 3, 1, 2)
