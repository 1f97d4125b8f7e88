"""What methods are called, here and elsewhere; it imports neither a method nor PyTorch."""

import pkgutil
from collections.abc import Iterable

from overfitlab import methods as package
from overfitlab.spelling import same_word

NOT_METHODS = {"base", "composition", "names", "registry", "tracking"}  # files of this folder
OTHER_NAMES = {  # as other programs and texts call them
    "augmentation": "augment", "averaging": "weight_averaging", "baseline": "none", "batchnorm1d": "batch_norm",
    "batchnorm2d": "batch_norm", "batchnormalization": "batch_norm", "bn": "batch_norm", "cutout": "random_erasing",
    "dataaugmentation": "augment", "decay": "weight_decay", "dropout2d": "spatial_dropout",
    "earlystop": "early_stopping",
    "ema": "weight_averaging", "erasing": "random_erasing", "flip": "augment", "gn": "group_norm",
    "groupnormalization": "group_norm", "lasso": "l1", "layernormalization": "layer_norm", "ln": "layer_norm",
    "ls": "label_smoothing", "no": "none", "noise": "gaussian_noise", "nothing": "none", "patience": "early_stopping",
    "plain": "none", "polyak": "weight_averaging", "randomerase": "random_erasing", "ridge": "l2",
    "smallnetwork": "smaller_network", "smoothing": "label_smoothing", "spatialdropout2d": "spatial_dropout",
    "swa": "weight_averaging", "vanilla": "none", "wd": "weight_decay", "without": "none",
}  # fmt: skip


def built_in() -> set[str]:
    """Return the names of the methods in this folder: a method's file has the name of its method."""
    return {module.name for module in pkgutil.iter_modules(package.__path__)} - NOT_METHODS


def called(word: str, names: Iterable[str]) -> str | None:
    """Return which of the names a word means that is spelled otherwise: `BatchNorm`, `early-stopping`, `bn`."""
    same = {same_word(name): name for name in names}
    word = same_word(word)
    other = OTHER_NAMES.get(word)
    return same.get(word) or (other if other in same.values() else None)
