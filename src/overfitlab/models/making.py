"""Building a user's network: found out by trying what it needs and returns, and how each try failed.

A class or a function is called in the ways that the names of its parameters allow (signature.py), until one gives a
network from these images to logits of these classes. An object is copied. Of a file that was named alone, everything
that may be a network is tried.
"""

import copy
import io
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType

import torch
from torch import nn
from torch.jit import ScriptModule

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.methods import registry as methods
from overfitlab.models import candidates, described, fingerprint, fitting, signature
from overfitlab.models.foreign import adopt
from overfitlab.models.handed import Handed, in_file
from overfitlab.models.model import Model, Order, probe
from overfitlab.models.outputs import LogitsOf, refuse_sigmoid
from overfitlab.models.own_code import OwnCode
from overfitlab.models.trying import drawing_from, uncompiled
from overfitlab.randomness import Key
from overfitlab.reasons import reason

LISTED = 4  # tries in a message
LONGEST = 140  # characters of what is said of one of them


@dataclass(frozen=True)
class _Try:
    """One way to make a network, for people as `written`."""

    written: str
    make: Callable[[], object]
    guessed: bool = False  # and of no interest where it fails


def build(handed: Handed, order: Order) -> Model:
    """Return the model for a network of the user's, with what the method inserts.

    Raises `UsageError` where it is none for these images and classes or has no place for the method, and
    `OverfitlabError` where the user's code fails; always one line, which says how each try failed.
    """
    handed = settled(handed, order.image_shape, order.classes)
    return _built(handed.network, handed.code, replace(order, name=handed.spec))


def settled(handed: Handed, image_shape: tuple[int, int, int], classes: int) -> Handed:
    """Return a user's network with the thing itself, found in its file by its name or, without one, by trying."""
    if handed.network is not None or handed.file is None:
        return handed
    with drawing_from(Key(0) / "init" / "file"):  # a network that the file makes is the same under every seed
        module = handed.file.load()
    if handed.file.name is None:
        order = Order(handed.spec, image_shape, classes, methods.parse("none"), Key(0))
        handed = in_file(handed, _only_network(module, handed, order))
    found = handed.file.found_in(module) if handed.file is not None else None
    return replace(handed, network=found, start=fingerprint.of_weights(found))


def _only_network(module: ModuleType, handed: Handed, order: Order) -> str:
    """Return the name of the one thing in a file that is a network for these images and classes."""
    failures: dict[str, OverfitlabError] = {}
    tiers = [each for each in candidates.tiers(module) if each]
    if len(tiers) == 1 and len(tiers[0]) == 1:
        return next(iter(tiers[0]))  # and building it will say what is wrong
    for tier in tiers:
        fitting_ones = _networks_among(tier, handed, order, failures)
        if len(fitting_ones) > 1:
            raise UsageError(
                "several_networks", "{file} has several networks for these images: {names}; write one of {commands}",
                file=handed.spec, names=", ".join(fitting_ones),
                commands=", ".join(f"--model {handed.spec}:{name}" for name in fitting_ones),
            )  # fmt: skip
        if fitting_ones:
            return fitting_ones[0]
    telling = [error for error in failures.values() if error.code in fitting.CODES]
    if len(telling) == 1 or len(failures) == 1:
        raise (telling or list(failures.values()))[0]
    if not failures:
        raise UsageError(
            "file_without_networks",
            "{file} has no class of torch.nn.Module, no network, and no function with the name of one; name the "
            "function: --model {file}:NAME",
            file=handed.spec,
        )  # fmt: skip
    raise UsageError(
        "no_network_in_file", "{file} has no network for images of {shape} and {classes} classes: {tries}",
        file=handed.spec, shape=_shape(order), classes=order.classes, tries=_listed(failures.items()),
    )  # fmt: skip


def _networks_among(
    tier: Mapping[str, object], handed: Handed, order: Order, failures: dict[str, OverfitlabError]
) -> list[str]:
    """Return the names of those that are networks for these images; of the others `failures` says why not."""
    found = []
    for name, value in tier.items():
        of_class = failures.get(type(value).__name__)
        if of_class is not None and of_class.code != signature.NEEDS_MORE:
            continue  # a network of a class of which it is known why it is none for these images
        try:
            _built(value, handed.code, replace(order, name=f"{handed.spec}:{name}"))
        except OverfitlabError as error:
            failures[name] = error
        else:
            found.append(name)
    return found


def _built(network: object, code: OwnCode, order: Order) -> Model:
    with code.running():
        if not isinstance(network, nn.Module) and callable(network) and signature.describes(network):
            return described.network(network, order)
        failures: list[tuple[str, OverfitlabError]] = []
        tries = _tries(network, order)
        for each in tries:
            try:
                model = _adopted(each, code, order)
            except OverfitlabError as error:
                if _is_about_the_method(each, code, order):
                    raise
                if not each.guessed or len(tries) == 1:
                    failures.append((each.written, error))
            else:
                model.made_by = each.written
                return model
        advice = fitting.advice([each.make for each in tries if not each.guessed], code, order)
        if advice is not None:
            raise advice
        same = {str(error) for _, error in failures if isinstance(error, UsageError)}
        if len(failures) == 1 or (len(same) == 1 and all(isinstance(error, UsageError) for _, error in failures)):
            raise failures[0][1]
        raise UsageError(
            "no_way_to_make_it", "{model} gives no network for images of {shape} and {classes} classes: {tries}",
            model=order.name, shape=_shape(order), classes=order.classes, tries=_listed(failures),
        )  # fmt: skip


def _adopted(tried: _Try, code: OwnCode, order: Order) -> Model:
    """Return the network as a model, once it is seen that it returns logits."""
    compiled = False

    def made() -> object:
        nonlocal compiled
        network = tried.make()
        if isinstance(network, nn.Module):
            network, compiled = uncompiled(network)
            if not isinstance(network, ScriptModule):  # which takes no hooks, and says itself what it returns
                network.register_forward_hook(LogitsOf(order.name, order.classes))
        return network

    model = adopt(made, code.explain, order)
    if compiled:
        model.notes += (reason("network_was_compiled", network=order.name),)
    training = model.training
    images = probe(model.eval(), 2)
    with torch.no_grad(), drawing_from(order.key / "init" / "network"):
        refuse_sigmoid(lambda scale: model(images * scale), order.name)
    return model.train(training)


def _tries(network: object, order: Order) -> list[_Try]:
    name = order.name.rpartition(":")[2]
    if isinstance(network, nn.Module):
        return [_Try(name, lambda: copied(network, order.name))]
    if not callable(network):
        raise UsageError(
            "name_is_no_network",
            "{model} is a {type}; name a class of torch.nn.Module, a function that returns one, or a network",
            model=order.name, type=type(network).__name__,
        )  # fmt: skip

    def making(way: signature.Way) -> Callable[[], object]:
        return lambda: _own_one(way.call(network), network, order.name)

    ways = signature.ways(network, order.name, order.image_shape, order.classes)
    return [_Try(f"{name}{way}", making(way), way.guessed) for way in ways]


def _own_one(made: object, maker: object, name: str) -> object:
    """Return what a class made; of a function a copy, which may return the same object whenever it is called."""
    if isinstance(maker, type) or not isinstance(made, nn.Module):
        return made
    try:
        return copied(made, name)
    except UsageError:
        return made


def copied(network: nn.Module, name: str) -> nn.Module:
    """Return a copy of a network that was handed over as an object, which stays as it is.

    Raises `UsageError` where it cannot be copied.
    """
    try:
        found = _copied_script(network) if isinstance(network, ScriptModule) else copy.deepcopy(network)
    except Exception:  # a tensor that was computed cannot be copied, but can be saved
        try:
            stream = io.BytesIO()
            torch.save(network, stream)
            stream.seek(0)
            found = torch.load(stream, weights_only=False)
        except Exception as error:
            raise UsageError(
                "network_has_no_copy",
                "{model} cannot be copied ({reason}), and must not be changed itself; pass its class, or a "
                "function that returns it",
                model=name, reason=" ".join(str(error).split())[:200] or type(error).__name__,
            ) from error  # fmt: skip
    return found.to("cpu")


def _copied_script(network: ScriptModule) -> nn.Module:
    """Return a copy through a file: `deepcopy` makes weights of it that no optimizer takes."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is deprecated is not news for those who have it
        torch.jit.save(network, stream)
        stream.seek(0)
        found: nn.Module = torch.jit.load(stream)  # type: ignore[no-untyped-call]
    return found


def _is_about_the_method(tried: _Try, code: OwnCode, order: Order) -> bool:
    """Return whether the network itself is fine, so that what failed is the method on it."""
    plain = replace(order, method=methods.parse("none"), bare=False)
    if plain == order:
        return False
    try:
        _adopted(tried, code, plain)
    except OverfitlabError:
        return False
    return True


def _listed(failures: Iterable[tuple[str, OverfitlabError]]) -> str:
    found = [f"{written}: {_shortened(str(error))}" for written, error in failures]
    more = len(found) - LISTED
    return "; ".join([*found[:LISTED], *([f"... ({more})"] if more > 0 else [])])


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _shape(order: Order) -> str:
    return "x".join(map(str, order.image_shape))
