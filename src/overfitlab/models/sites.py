"""Which sites of a network a method gets."""

from collections.abc import Iterable

from torch import nn

from overfitlab.errors import UsageError
from overfitlab.methods.base import Method, Site
from overfitlab.randomness import Key

PLACES = {
    "norm": 'a place for normalization ("norm" site)',
    "pool": 'a place after a pooling ("pool" site)',
    "classifier": 'a place before the last dense layer ("classifier" site)',
}


def layers_by_site(method: Method, sites: Iterable[Site], key: Key, network: str) -> dict[str, nn.Sequential]:
    """Return what the methods insert: for each site that is used, its name and the layers, each under its method's.

    Each method gets the sites of the first kind among its `Method.sites` that the network has, and draws from a key
    of its own, alone or composed. Raises `UsageError` where a method needs a site and the network has none for it.
    """
    sites = list(sites)
    inserted: dict[str, nn.Sequential] = {}
    for part in method.parts:
        kind = _kind_for(part, {site.kind for site in sites}, network)
        for site in sites:
            layer = part.layer(site, key / "method" / part.name) if site.kind == kind else None
            if layer is not None:
                inserted.setdefault(site.name, nn.Sequential()).add_module(part.name, layer)
    return inserted


def _kind_for(method: Method, offered: set[str], network: str) -> str | None:
    if not method.sites:
        return None
    for kind in method.sites:
        if kind in offered:
            return kind
    needed = " or ".join(PLACES[kind] for kind in method.sites)
    kinds = " or ".join(method.sites)
    if not offered:
        raise UsageError(
            "network_without_sites",
            "{method} needs {needed}, which {network} does not offer (only: none); choose another method, or a model "
            "with {kinds} sites",
            method=method.name, needed=needed, network=network, kinds=kinds,
        )  # fmt: skip
    raise UsageError(
        "network_without_the_site",
        "{method} needs {needed}, which {network} does not offer (only: {offered}); choose another method, or a model "
        "with {kinds} sites",
        method=method.name, needed=needed, network=network, offered=", ".join(sorted(offered)), kinds=kinds,
    )  # fmt: skip
