"""The generalization gap."""

from collections.abc import Mapping


def gaps(training: Mapping[str, float], validation: Mapping[str, float]) -> dict[str, float]:
    """Return by how much validation is worse than training, for `loss`, `acc` and `balanced_acc` in evaluation mode.

    For accuracies training minus validation, for the loss validation minus training: a positive gap is overfitting.
    """
    return {
        "loss": validation["loss"] - training["loss"],
        "acc": training["acc"] - validation["acc"],
        "balanced_acc": training["balanced_acc"] - validation["balanced_acc"],
    }
