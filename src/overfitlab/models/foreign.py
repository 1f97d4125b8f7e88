"""Networks that somebody else wrote, as models: the user's own `nn.Module`s, and those of timm."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit import ScriptModule

from overfitlab.errors import OverfitlabError, UsageError, is_want_of_memory
from overfitlab.methods.base import Site
from overfitlab.models import brought
from overfitlab.models.finding_sites import NOTHING, Found, FoundSite, find
from overfitlab.models.fitting import side_that_fits
from overfitlab.models.inserting import Insertion, never_called, owner_name
from overfitlab.models.model import Call, Model, Order, trace
from overfitlab.models.sites import layers_by_site
from overfitlab.models.trying import (
    check_learning,
    check_output,
    check_state,
    checked,
    drawing_from,
    draws_in_evaluation,
    give_buffers_memory,
    passes,
    size_text,
    try_training,
)
from overfitlab.reasons import reason

INSERTED = "inserted"  # under which all layers of methods stand, apart from the network's own
OLD_PLACE = "classifier"  # where they stood when there was only that site
OF_SHAPES = re.compile(r"shape|size|dimension|mat1|too small", re.IGNORECASE)  # an error of PyTorch about them
OF_OTHERS = re.compile(r"to have \d+ channels|is not compatible")  # which no other size mends


class ForeignModel(Model):
    """Somebody's network, with places for a method's layers behind its calls, and before its last dense layer.

    Whatever it draws in training comes from global generators (PyTorch's, NumPy's, Python's). Each training step sets
    them to a state that belongs to the step's key and puts the old state back, so a resumed run draws the same.

    A batch of one image that it cannot take in training (PyTorch's batch normalization of a single pixel) is given
    to it twice, and the first answer counts: the mean is that image and its variance zero, as in Keras.
    """

    fixed = True
    own_prefix = "network."
    inserted: nn.ModuleDict  # what a method inserts, by the names of the sites

    def __init__(self, network: nn.Module, order: Order, *, channels_last: bool) -> None:
        super().__init__()
        self.network = network
        self.name, self.image_shape = order.name, order.image_shape
        self._key = order.key / "network"
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._moment: tuple[int, int] | None = None
        self._insertion: Insertion | None = None

    def at(self, epoch: int, step: int) -> None:
        """Say which training step comes next."""
        super().at(epoch, step)
        self._moment = (epoch, step)

    def laid_out(self, x: Tensor) -> Tensor:
        """Return images [B, C, H, W] in the memory that the network expects."""
        x = x.contiguous(memory_format=self._layout)  # users write view(len(x), -1), which needs it
        if x.shape[1] == 1 and self._layout is torch.contiguous_format:
            return x.flatten(1).view(x.shape)  # of one channel both layouts are one, but a convolution tells them apart
        return x

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, K]."""
        x = self.laid_out(x)
        run = self.network if self._insertion is None else self._insertion.run
        if not self.training:
            return run(x)
        if self._moment is None:
            raise RuntimeError(f"{self.name} needs at(epoch, step) before a training step")
        epoch, step = self._moment
        with drawing_from(self._key / epoch / step):
            if len(x) == 1 and self.needs_batches_of_two:
                return run(torch.cat([x, x]))[:1]
            return run(x)

    def is_inserted(self, name: str) -> bool:
        """Return whether the tensor of that name belongs to what a method inserted."""
        return name.startswith(f"{INSERTED}.")  # a layer of the network's own can have the name of a site

    def set_idle(self, found: Found) -> None:
        """Let the functions that normalize or drop something do nothing from now on."""
        self._insertion = Insertion(self.network, self.name, NOTHING, found.regularizing_functions)

    def insert(self, order: Order, found: Found, last_dense: Call | None, idle: frozenset[str] = frozenset()) -> None:
        """Give the method its places; raises `UsageError` where it needs one that is not there.

        The network's layers keep their names and its weights keep theirs: what is inserted runs behind them, and
        stands under `inserted`. Functions in `idle` do nothing (a bare network's normalizations and dropouts).
        """
        names = {layer: path for path, layer in self.network.named_modules()}
        behind: dict[str, FoundSite] = {}
        sites: list[Site] = []
        for place in found.sites:
            name = f"{place.kind}{1 + sum(site.kind == place.kind for site in sites)}"
            taken = None if place.taken is None else owner_name(names, place.taken)
            sites.append(Site(place.kind, name, place.channels, place.ndim, order.warm_up, taken))
            behind[name] = place
        if last_dense is not None:
            [features] = last_dense.inputs
            self.last_dense = last_dense.name
            sites.append(Site("classifier", "classifier", features.shape[1], features.ndim, order.warm_up))
        self.sites = tuple(sites)
        layers = layers_by_site(order.method, sites, order.key, self.name, fixed=True)
        insertion = Insertion(self.network, self.name, found, idle)
        if layers:
            self.inserted = nn.ModuleDict(layers)
        for name, inserted in layers.items():
            if name in behind:
                insertion.put(behind[name], inserted)
            elif last_dense is not None:
                last_dense.layer.register_forward_pre_hook(self._through_inserted_layers)
        if behind.keys() & layers.keys():
            self._freeze_biases(found, behind, layers)
            insertion.refuse(never_called(self.network, found.seen))
        if layers or idle:
            self._insertion = insertion

    def _freeze_biases(
        self, found: Found, behind: Mapping[str, FoundSite], layers: Mapping[str, nn.Sequential]
    ) -> None:
        """Keep biases right in front of a layer that removes the mean from training on rounding errors.

        Their true gradient is zero.
        """
        removing: dict[nn.Module, int] = {}
        for name, inserted in layers.items():
            place = behind.get(name)
            if place is not None and place.owner[1] is None and getattr(inserted[0], "removes_mean", False):
                removing[place.owner[0]] = removing.get(place.owner[0], 0) + 1
        for layer, count in removing.items():
            bias = getattr(layer, "bias", None)
            if count == found.calls[layer, None] and isinstance(bias, nn.Parameter):
                bias.requires_grad_(False)

    def _through_inserted_layers(self, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        """Run what was inserted; a method of the model and no closure, so that a copied model uses its own layers."""
        assert self._insertion is not None  # noqa: S101 - it was made before the hook
        return self._insertion.through(self.inserted["classifier"], inputs[0])

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Find what was inserted in files of before, too."""
        for name in [name for name in state_dict if name.startswith(f"{prefix}{OLD_PLACE}.")]:
            state_dict[f"{prefix}{INSERTED}.{name.removeprefix(prefix)}"] = state_dict.pop(name)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def adopt(
    make: Callable[[], object],
    explain: Callable[[BaseException], OverfitlabError],
    order: Order,
    *,
    channels_last: bool = False,
) -> ForeignModel:
    """Return what `make` returns as a model, after forward passes on made-up images have shown that it is one.

    Its initial weights are a function of the seed alone. What goes wrong within it becomes the error that `explain`
    returns. Raises `UsageError` where it is no network for these images and classes, the method has no place, or there
    is nothing of its own that `order.bare` could take out.
    """
    bare = order.bare and not any(part.keeps_own for part in order.method.parts)
    idle: frozenset[str] = frozenset()
    try:
        with drawing_from(order.key / "init" / "network"):
            network = checked(make(), order.name).float()
            give_buffers_memory(network)
            model = ForeignModel(network, order, channels_last=channels_last)
            calls = _traced(model, order, explain)  # within the draws: lazy layers get their weights here
        check_output(calls[-1].output, 2, order)
        check_state(model)
        try_training(model, order)
        check_learning(model)
        found = _found(model)
        model.brings = found.brings
        if order.bare and not found.brings:
            raise nothing_to_take_out(order.name)
        if bare:
            idle = found.regularizing_functions
            found, calls = _made_bare(model, order, found, explain)
        draws = draws_in_evaluation(model)  # as it will be trained: without its own dropout, if it is bare
    except OverfitlabError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's code does
        if is_want_of_memory(error):
            raise
        raise explain(error) from error
    if channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.notes = brought.notes(order.name, model.brings, found.untraced, bare=bare)
    if draws:
        model.notes += (reason("network_draws_in_evaluation", network=order.name),)
    model.insert(order, found, _last_dense(calls, order.classes), idle)
    return model


def nothing_to_take_out(model: str) -> UsageError:
    """Return the error for a network that `--bare` would leave as it is."""
    return UsageError(
        "nothing_to_take_out",
        "{model} has no normalization or dropout that --bare could remove; leave out --bare",
        model=model,
    )


def _traced(model: ForeignModel, order: Order, explain: Callable[[BaseException], OverfitlabError]) -> list[Call]:
    """Return what the layers do with two images; an error of shapes says how to give the network other ones."""
    try:
        return trace(model, images=2)
    except (RuntimeError, ValueError, IndexError, AssertionError) as error:
        said = explain(error)
        about_size = OF_SHAPES.search(str(error)) and not OF_OTHERS.search(str(error))
        if is_want_of_memory(error) or not about_size or "--image-size" in str(said):
            raise
        side = side_that_fits(model.network, order)
        if side:
            raise OverfitlabError(
                "network_takes_this_size",
                "{reason}; images here are {size}, and it takes {side}x{side}: --image-size {side}",
                reason=said, size=size_text(order), side=side,
            ) from error  # fmt: skip
        raise OverfitlabError(
            "network_takes_another_size_perhaps",
            "{reason}; images here are {size}, and none of the usual sizes up to 224x224 fits either; if it is made "
            "for another one, give it with --image-size",
            reason=said, size=size_text(order),
        ) from error  # fmt: skip


def _found(model: ForeignModel, before: Found | None = None) -> Found:
    """Return which places it offers, and what it brings; `before` is what was found before it was made bare."""
    if any(isinstance(layer, ScriptModule) for layer in model.network.modules()):
        return replace(NOTHING, untraced=reason("network_is_compiled", network=model.name))
    names = {layer: path for path, layer in model.network.named_modules()}
    training, evaluation = passes(model, bare=before is not None)
    normalized = {site.call for site in before.sites if site.taken} if before else set()
    found = find(training, evaluation, model.name, lambda owner: owner_name(names, owner), normalized)
    inner = brought.inner_dropouts(model.network)
    if inner:
        found = replace(found, brings={**found.brings, "dropout": found.brings.get("dropout", 0) + inner})
    return found


def _made_bare(
    model: ForeignModel, order: Order, found: Found, explain: Callable[[BaseException], OverfitlabError]
) -> tuple[Found, list[Call]]:
    """Take the network's own regularization out, and return what is found then."""
    model.network = brought.take_out(model.network, found)
    model.set_idle(found)
    try:
        calls = trace(model, images=2)
        check_output(calls[-1].output, 2, order)
        check_state(model)
        try_training(model, order)
        return _found(model, found), calls
    except Exception as error:
        if is_want_of_memory(error):
            raise
        raise UsageError(
            "network_fails_when_bare",
            "{model} does not run without its {what}: {reason}; leave out --bare",
            model=order.name, what=brought.listed(model.brings),
            reason=error if isinstance(error, OverfitlabError) else explain(error),
        ) from error  # fmt: skip


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
