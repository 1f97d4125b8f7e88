"""What in a user's file may be the network, where the file was named alone."""

import re
from collections.abc import Callable, Iterator
from types import ModuleType

from torch import nn

from overfitlab.models import signature

# a function that is none of these is not called: it may train for hours, or delete something
OF_A_NETWORK = re.compile(r"net|model|cnn|mlp|vit|vgg|transformer|classifier|^(build|make|create|get)$", re.IGNORECASE)
OF_SOMETHING_ELSE = re.compile(
    r"^_|^(main|train|test|fit|eval|valid|predict|load|save|download|plot|show|print|run|count|init|freeze|export|"
    r"compare|summar|visual|check|log|set)",
    re.IGNORECASE,
)


def tiers(module: ModuleType) -> Iterator[dict[str, object]]:
    """Yield what the module itself defines, by name: classes of networks, then functions, then networks.

    A network that a tutorial makes at the end of the file is one of its class; the class comes first, since it can be
    built anew for each seed.
    """
    here = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    yield {
        name: value
        for name, value in here.items()
        if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == module.__name__
    }
    yield {name: value for name, value in here.items() if _is_factory(name, value, module)}
    yield {name: value for name, value in here.items() if isinstance(value, nn.Module)}


def _is_factory(name: str, value: object, module: ModuleType) -> bool:
    if (
        isinstance(value, type | nn.Module)
        or not callable(value)
        or getattr(value, "__module__", None) != module.__name__
    ):
        return False
    return _describes(value) or (OF_A_NETWORK.search(name) is not None and not OF_SOMETHING_ELSE.search(name))


def _describes(value: Callable[..., object]) -> bool:
    return signature.describes(value)
