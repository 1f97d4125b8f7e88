"""Which sites of a network a method gets."""

from collections.abc import Iterable, Sequence

from torch import nn

from overfitlab.errors import UsageError
from overfitlab.methods import registry
from overfitlab.methods.base import Method, NetworkSpec, Site
from overfitlab.randomness import Key

PLACES = {
    "norm": 'a place for normalization ("norm" site)',
    "pool": 'a place after a pooling ("pool" site)',
    "classifier": 'a place before the last dense layer ("classifier" site)',
}
NORMALIZATION = "normalization"  # what methods are that exclude each other at a site, and what a network brings


def layers_by_site(
    method: Method, sites: Iterable[Site], key: Key, network: str, *, fixed: bool = False
) -> dict[str, nn.Sequential]:
    """Return what the methods insert: for each site that is used, its name and the layers, each under its method's.

    Each method gets the sites of the first kind among its `Method.sites` that the network has, and draws from a key
    of its own, alone or composed. Raises `UsageError` as `check_fits`.
    """
    sites = list(sites)
    check_fits(method, sites, network, fixed=fixed)
    inserted: dict[str, nn.Sequential] = {}
    for part in method.parts:
        kind = _kind_for(part, sites)
        for site in sites:
            layer = part.layer(site, key / "method" / part.name) if site.kind == kind else None
            if layer is not None:
                inserted.setdefault(site.name, nn.Sequential()).add_module(part.name, layer)
    return inserted


def check_fits(method: Method, sites: Sequence[Site], network: str, *, fixed: bool = False) -> None:
    """Raise `UsageError`, which lists the methods that fit, where the network has no place for a part of the method.

    It needs a site, and the network has none for it; it would normalize what the network normalizes itself; or it
    changes a network before it is built, and this one is `fixed`.
    """
    for part in method.parts:
        if fixed and _changes_networks(part):
            raise UsageError(
                "network_cannot_be_changed",
                "{method} changes a network before it is built, which {model} does not allow; choose a smaller network "
                "by its name, one of overfitlab's own with --model, or a method that fits: {fitting}",
                method=part.name, model=network, fitting=_listed(sites, fixed=fixed),
            )  # fmt: skip
        taken = _taken_for(part, sites)
        if taken is not None:
            raise UsageError(
                "second_normalization",
                "{method} would be a second normalization: {network} already has {layer} at {site}; remove its own "
                "with --bare, or choose a method that fits: {fitting}",
                method=part.name, network=network, layer=taken.taken, site=taken.name,
                fitting=_listed(sites, fixed=fixed),
            )  # fmt: skip
        if part.sites and _kind_for(part, sites) is None:
            offered = ", ".join(sorted({site.kind for site in sites})) or "none"
            raise UsageError(
                "network_without_the_site",
                "{method} needs {needed}, which {network} does not offer (only: {offered}); choose a model with "
                "{kinds} sites, or a method that fits: {fitting}",
                method=part.name, needed=" or ".join(PLACES[kind] for kind in part.sites), network=network,
                offered=offered, kinds=" or ".join(part.sites), fitting=_listed(sites, fixed=fixed),
            )  # fmt: skip


def fitting(sites: Sequence[Site], *, fixed: bool) -> list[str]:
    """Return the names of our methods that a network with those sites takes, at their defaults."""
    methods = [registry.make(name) for name in registry.built_in_names()]
    return [
        method.name
        for method in methods
        if not (fixed and _changes_networks(method))
        and not method.keeps_own
        and _taken_for(method, sites) is None
        and (not method.sites or _kind_for(method, sites) is not None)
    ]


def _listed(sites: Sequence[Site], *, fixed: bool) -> str:
    return ", ".join(fitting(sites, fixed=fixed))


def _changes_networks(method: Method) -> bool:
    return method.network(NetworkSpec()) != NetworkSpec()


def _taken_for(method: Method, sites: Sequence[Site]) -> Site | None:
    """Return a site that the method would normalize a second time, None where there is none."""
    if method.exclusive != NORMALIZATION:
        return None
    kind = _kind_for(method, sites)
    return next((site for site in sites if site.kind == kind and site.taken), None)


def _kind_for(method: Method, sites: Sequence[Site]) -> str | None:
    offered = {site.kind for site in sites}
    return next((kind for kind in method.sites if kind in offered), None)
