"""The network of a study, looked at before anything is measured: what it brings, and which methods it takes."""

from dataclasses import dataclass

from overfitlab.config import StudyConfig
from overfitlab.methods import registry as methods
from overfitlab.methods.base import Site
from overfitlab.models import registry as models
from overfitlab.models.handed import Handed
from overfitlab.models.model import Model
from overfitlab.models.sites import check_fits
from overfitlab.reasons import Reason

ALONE = "none"


@dataclass(frozen=True)
class LookedAt:
    """What is known of a network that is not ours; everything is empty for one of ours, which takes every method."""

    brings: bool = False  # regularization of its own, whatever the method
    notes: tuple[Reason, ...] = ()  # what a reader of results has to know
    sites: tuple[Site, ...] | None = None  # that it offers; None where that need not be known
    own_sites: tuple[Site, ...] = ()  # the same with what it brings, where the study takes that out
    fixed: bool = False  # no method changes it before it is built


def look_at(config: StudyConfig, image_shape: tuple[int, int, int], classes: int, network: Handed) -> LookedAt:
    """Return what there is to know of the `network` that a study asks for; one of ours is not built for it.

    Raises `UsageError` where the network does not take such images, or brings nothing that `--bare` could take out, and
    `OverfitlabError` where the user's own code fails.
    """
    if config.model in models.BUILT_IN and not config.bare:
        return LookedAt()
    model = _built(config, ALONE, image_shape, classes, network)
    own = _built(config, "as_is", image_shape, classes, network).sites if config.bare else ()
    return LookedAt(bool(model.brings), model.notes, model.sites, own, model.fixed)


def check_methods(found: LookedAt, config: StudyConfig) -> None:
    """Raise `UsageError`, which lists the methods that fit, where the network has no place for one of the study's."""
    for text in config.methods:
        method = methods.parse(text)
        models.check_goes_with(method, bare=config.bare)
        sites = found.own_sites if any(part.keeps_own for part in method.parts) else found.sites
        if sites is not None:
            check_fits(method, sites, config.model, fixed=found.fixed)


def _built(config: StudyConfig, method: str, image_shape: tuple[int, int, int], classes: int, network: Handed) -> Model:
    run = config.run(config.protocol, methods.parse(method).spec, config.first_seed, threads=1)
    return models.build_for(run, image_shape, classes, methods.parse(method), network)
