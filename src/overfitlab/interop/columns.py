"""What the columns of a log are: recognized by their names, or named by the user."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from overfitlab.errors import UsageError

# parts: "logged" is a training metric as a progress bar shows it, "train" one that was measured in evaluation mode
LOGGED, TRAIN, VALIDATION, TEST, UNKNOWN = "logged", "train", "validation", "test", ""
PARTS = MappingProxyType({
    "train": LOGGED, "training": LOGGED, "trn": LOGGED, "tr": LOGGED,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "dev": VALIDATION, "eval": VALIDATION,
    "evaluation": VALIDATION, "test": TEST, "tst": TEST,
})  # fmt: skip
KINDS = MappingProxyType({
    "acc": "accuracy", "accuracy": "accuracy", "acc1": "accuracy", "top1": "accuracy", "top_1": "accuracy",
    "top1_acc": "accuracy", "top_1_accuracy": "accuracy",
    "top_1_acc": "accuracy", "top1_accuracy": "accuracy", "acc_1": "accuracy",
    "categorical_accuracy": "accuracy", "sparse_categorical_accuracy": "accuracy", "binary_accuracy": "accuracy",
    "multiclassaccuracy": "accuracy", "multiclass_accuracy": "accuracy",
    "loss": "loss", "ce": "loss", "ce_loss": "loss", "cross_entropy": "loss", "crossentropy": "loss", "nll": "loss",
    "nll_loss": "loss", "logloss": "loss", "log_loss": "loss",
    "balanced_accuracy": "balanced_accuracy", "balanced_acc": "balanced_accuracy", "bal_acc": "balanced_accuracy",
    "f1": "f1", "f1_macro": "f1", "macro_f1": "f1", "f1_score": "f1", "f1score": "f1",
    "error": "error", "err": "error", "error_rate": "error", "err1": "error", "top1_error": "error",
    "top5": "top5", "top_5": "top5", "acc5": "top5", "top5_acc": "top5", "top5_accuracy": "top5",
    "top_5_accuracy": "top5", "auc": "auc", "auroc": "auc", "roc_auc": "auc", "precision": "precision",
    "recall": "recall", "kappa": "kappa", "mcc": "mcc",
})  # fmt: skip
SMALLER_IS_BETTER = frozenset(("loss", "error"))
ROLES = MappingProxyType({  # of a column that is no metric, by its names
    "method": ("method", "methods", "arm", "variant", "treatment", "algorithm", "algo", "regularization", "config",
               "configuration", "experiment", "model", "group"),
    "seed": ("seed", "random_seed", "random_state", "rng_seed", "seeds", "replicate", "rep", "run", "run_id", "trial",
             "fold"),
    "epoch": ("epoch", "epoch_number"),
    "images": ("images", "n_images", "num_images", "test_images", "n_test", "num_test", "test_size", "val_images",
               "n_val", "num_val", "eval_samples", "samples"),
    "seconds": ("seconds", "time", "epoch_time", "time_s", "duration"),
    "status": ("status", "state"),
    "when": ("when", "weights", "checkpoint", "which"),
    "data": ("test_set", "dataset", "data", "data_set", "eval_set", "split_hash"),
})  # fmt: skip
NAMEABLE = ("method", "seed", "epoch", "metric", "train", "validation", "images", "seconds")
EVALUATED = ("eval_train_", "train_eval_", "clean_train_", "evaluated_train_")  # and `_eval`, `_clean` at the end
# all columns of a history of ours, whose train_ columns were measured in evaluation mode
OURS = frozenset(("loss", "acc", "val_loss", "val_acc", "train_loss", "train_acc"))
OUR_RUNS = frozenset(("test_acc", "gap", "train_acc", "val_acc", "onset_test_acc"))


@dataclass(frozen=True)
class MetricColumn:
    """A column that holds a metric."""

    name: str
    part: str
    kind: str
    best: bool = False  # of the best epoch, as its name says


def plain(name: str) -> str:
    """Return a name in lower case, its words joined by `_`: `Val/Top-1 Acc` is `val_top_1_acc`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name) if not name.isupper() else name
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def metric_of(name: str, *, of_validation: bool = False, evaluated: bool = False) -> MetricColumn | None:
    """Return what metric a column of that name holds, None where it holds none that is known."""
    word = plain(name)
    best = word.startswith("best_") or word.endswith("_best")
    word = word.removeprefix("best_").removesuffix("_best").removeprefix("final_").removesuffix("_final")
    word = word.removesuffix("_epoch") if word != "epoch" else word
    if word.endswith("_step"):
        return None
    for start in EVALUATED:
        if word.startswith(start) and word.removeprefix(start) in KINDS:
            return MetricColumn(name, TRAIN, KINDS[word.removeprefix(start)], best)
    for end in ("_eval", "_clean"):
        first, _, rest = word.removesuffix(end).partition("_")
        if word.endswith(end) and PARTS.get(first) == LOGGED and rest in KINDS:
            return MetricColumn(name, TRAIN, KINDS[rest], best)
    if word in KINDS:
        return MetricColumn(name, VALIDATION if of_validation else UNKNOWN, KINDS[word], best)
    words = word.split("_")
    for part, rest in ((words[0], "_".join(words[1:])), (words[-1], "_".join(words[:-1]))):
        if part in PARTS and rest in KINDS:
            found = PARTS[part]
            return MetricColumn(name, TRAIN if found == LOGGED and evaluated else found, KINDS[rest], best)
    return None


def role_columns(names: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the columns that are no metrics, by what they are; `given` are those that the user named.

    Raises `UsageError` for a column that is not there, and where two could be the same thing.
    """
    found = {}
    for role, known in ROLES.items():
        if role in given:
            continue
        there = [name for word in known for name in names if plain(name) == word]
        if there:
            found[role] = there[0]
    for role, name in given.items():
        found[role] = matching(name, names)
    return found


def matching(name: str, names: Sequence[str]) -> str:
    """Return the column that a user means, upper and lower case aside; raises `UsageError` where there is none."""
    exact = [each for each in names if each == name] or [each for each in names if plain(each) == plain(name)]
    if not exact:
        raise UsageError("no_such_column", "there is no column {name!r}; there are: {columns}",
                         name=name, columns=listed(names))  # fmt: skip
    return exact[0]


def listed(names: Sequence[str]) -> str:
    """Return the names of columns for a message."""
    return ", ".join(names[:40]) + (", ..." if len(names) > 40 else "")


def given_columns(texts: Sequence[str]) -> dict[str, str]:
    """Return what is what from texts such as `method=arch`; raises `UsageError`."""
    found = {}
    for text in texts:
        role, equals, name = text.partition("=")
        if not equals or role.strip() not in NAMEABLE or not name.strip():
            raise UsageError(
                "no_column_named", "--column takes what it is and the column's name: method=arch; not {text!r}; it can "
                "be {known}", text=text, known=", ".join(NAMEABLE),
            )  # fmt: skip
        found[role.strip()] = name.strip()
    return found
