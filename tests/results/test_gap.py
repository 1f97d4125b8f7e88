"""The generalization gap has one sign for loss and accuracy: positive is overfitting."""

from overfitlab.results.gap import gaps


def test_worse_on_validation_is_positive_everywhere():
    training = {"loss": 0.1, "acc": 0.9, "balanced_acc": 0.8}
    validation = {"loss": 0.7, "acc": 0.6, "balanced_acc": 0.7}
    assert {name: round(value, 6) for name, value in gaps(training, validation).items()} == {
        "loss": 0.6, "acc": 0.3, "balanced_acc": 0.1,
    }  # fmt: skip
