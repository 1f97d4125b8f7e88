"""Demonstrations: derived from hooks, whoever's method it is."""

import json
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from overfitlab.describe.demonstration import EPOCHS, LEARNING_RATE, exhibit, made_up_losses
from overfitlab.describe.panels import Bars, Curves, Grid
from overfitlab.describe.shown_on_images import label_text
from overfitlab.methods import registry
from overfitlab.methods.base import Method, RandomLayer, hyperparameter
from overfitlab.results.history import EpochRow
from overfitlab.results.onset import onset

pytestmark = pytest.mark.slow


def shown(text):
    [found] = exhibit(registry.parse(text)).demonstrations
    return found


@pytest.mark.parametrize("name", registry.built_in_names())
def test_every_method_of_ours_can_be_shown(name):
    found = exhibit(registry.make(name))
    if name in ("none", "as_is"):
        assert found.demonstrations == ()
        assert found.note == f"{name} changes nothing, so there is nothing to show"
        return
    assert not found.note
    [demonstration] = found.demonstrations
    assert demonstration.caption.endswith(".")
    assert demonstration.panels
    json.dumps(found.as_dict(), allow_nan=False)


@pytest.mark.parametrize("name", ["augment", "dropout", "batch_norm", "weight_averaging", "gaussian_noise"])
def test_it_is_the_same_every_time(name):
    assert exhibit(registry.make(name)).as_dict() == exhibit(registry.make(name)).as_dict()


@pytest.mark.parametrize("name", [name for name in registry.built_in_names() if registry.method_class(name).off])
def test_the_setting_without_effect_has_nothing_to_show(name):
    found = exhibit(replace(registry.make(name), **registry.method_class(name).off))
    assert found.demonstrations == ()
    assert "had no effect on what it was tried on" in found.note


@pytest.mark.parametrize("name", ["augment", "mixup", "cutmix", "label_smoothing", "random_erasing", "gaussian_noise"])
def test_labels_of_shown_images_sum_to_one(name):
    before, after = shown(name).rows
    assert len(before.panels) == len(after.panels) == 4
    for panel in (*before.panels, *after.panels):
        shares = [float(share) for share in re.findall(r"\d\.\d\d", panel.caption)]
        assert (sum(shares) == pytest.approx(1)) if shares else re.fullmatch(r"\d", panel.caption)
    moved = [
        one.values.tolist() != other.values.tolist() for one, other in zip(before.panels, after.panels, strict=True)
    ]
    relabelled = [one.caption != other.caption for one, other in zip(before.panels, after.panels, strict=True)]
    assert all(one or other for one, other in zip(moved, relabelled, strict=True)), "something is to be seen in each"


@pytest.mark.parametrize(
    ("probabilities", "text"),
    [
        ([0, 0, 1.0], "2"),
        ([0.3, 0, 0.7], "2: 0.70, 0: 0.30"),
        ([0.1, 0.2, 0.7], "2: 0.70, rest 0.30"),
        ([0.999, 0.001, 0], "0"),
    ],
)
def test_label_texts(probabilities, text):
    assert label_text(np.array(probabilities, dtype=np.float32)) == text


def test_images_are_the_digits_that_it_says():
    before, after = shown("random_erasing:probability=1").rows
    assert [panel.caption for panel in before.panels] == [panel.caption for panel in after.panels]
    for panel in after.panels:
        assert panel.values.shape == (8, 8)
        assert (panel.values == 0).any(), "a rectangle of the mean colour"
    assert "of 32 handwritten digits that it changed in a batch of 32" in shown("random_erasing:probability=1").caption


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("name", ["dropout", "spatial_dropout"])
def test_the_share_of_a_mask_is_about_the_rate(name, rate):
    found = shown(f"{name}:rate={rate}")
    values = np.stack([panel.values for panel in found.panels])
    assert values.shape == (3 * 8, 4, 4)
    assert (values == 0).mean() == pytest.approx(rate, abs=0.05)
    assert values.max() == pytest.approx(1 / (1 - rate), rel=1e-3)
    assert f"{(values == 0).mean():.0%} of the values are 0" in found.caption
    if name == "spatial_dropout":
        assert all(len(np.unique(one)) == 1 for one in values), "a channel is there as a whole or not at all"


def test_normalizations_remove_the_means_that_they_are_about():
    axes = {"batch_norm": (0, 1), "layer_norm": (1, 0), "group_norm:groups=1": (1, 0)}  # removed, left
    for name, (removed, left) in axes.items():
        before, after = (panel.values for panel in shown(name).panels)
        assert before.shape == after.shape == (8, 16)
        np.testing.assert_allclose(after.mean(axis=removed), 0, atol=1e-5)
        assert np.abs(after.mean(axis=left)).max() > 0.5
        assert np.abs(before.mean(axis=removed)).max() > 0.5
    np.testing.assert_array_equal(shown("batch_norm").panels[0].values, shown("layer_norm").panels[0].values)


def test_penalties_are_functions_of_the_weight():
    [l1], [l2] = shown("l1:rate=0.01").panels, shown("l2:rate=0.01").panels
    for panel, function in ((l1, np.abs), (l2, np.square)):
        [series] = panel.series
        np.testing.assert_allclose(series.y, 0.01 * function(series.x), atol=1e-8)


def test_decay_is_that_of_the_equation():
    [panel] = shown("weight_decay:rate=2").panels
    kernel, bias = panel.series
    np.testing.assert_allclose(kernel.y, np.exp(-kernel.x * LEARNING_RATE * 2), rtol=5e-3)
    assert set(bias.y) == {1.0}
    assert bias.faint


def test_an_average_is_smoother_than_what_it_follows():
    [panel] = shown("weight_averaging").panels
    noisy, averaged = panel.series
    assert np.abs(np.diff(averaged.y)).mean() < 0.3 * np.abs(np.diff(noisy.y)).mean()
    assert averaged.y[-50:].mean() == pytest.approx(noisy.y[-50:].mean(), abs=0.1)


@pytest.mark.parametrize(("patience", "stop", "handed_over"), [(1, 5, 4), (2, 9, 7), (3, 14, 11), (5, 16, 11)])
def test_training_stops_where_patience_ends(patience, stop, handed_over):
    found = shown(f"early_stopping:patience={patience}")
    [panel] = found.panels
    assert [(mark.x, mark.label) for mark in panel.marks] == [
        (handed_over, f"final weights: epoch {handed_over}"),
        (stop, f"stops after epoch {stop}"),
    ]
    trained, beyond = panel.series
    assert trained.x[-1] == beyond.x[0] == stop
    rows = [EpochRow(epoch, 0, 0, 0, loss, 0) for epoch, loss in enumerate(made_up_losses()[:stop].tolist(), start=1)]
    assert onset(rows).epoch == handed_over


def test_training_that_does_not_stop_says_so():
    found = shown("early_stopping:patience=40")
    [panel] = found.panels
    assert f"does not stop within {EPOCHS} epochs, and the final weights are those of epoch 11" in found.caption
    assert len(panel.series) == len(panel.marks) == 1


def test_widths_are_those_of_the_network():
    found = shown("smaller_network:width=0.25")
    [panel] = found.panels
    assert isinstance(panel, Bars)
    assert panel.labels == ("conv1", "conv2", "conv3", "conv4", "conv5", "conv6", "dense1", "dense2")
    assert panel.series["before"].tolist() == [32, 32, 64, 64, 128, 128, 256, 10]
    assert panel.series["after"].tolist() == [8, 8, 16, 16, 32, 32, 64, 10]
    assert "instead of 814,122 parameters" in found.caption


class NoiseLayer(RandomLayer):
    def forward(self, x):
        return x + torch.from_numpy(self.generator().normal(size=x.shape).astype(np.float32))


@dataclass(frozen=True)
class Foreign(Method):
    """Somebody's method: it does many things.

    Helps: nobody.
    """

    name = "foreign"
    sites = ("classifier",)
    restores_onset = True
    strength: float = hyperparameter(1.0, low=0.0)

    def layer(self, site, key):
        return nn.Sequential(NoiseLayer(key)) if site.kind == "classifier" else None

    def batch(self, x, y, rng):
        return x[:, :, 1:-1, 1:-1], y

    def penalty(self, kernels):
        raise KeyError("conv1.weight")


def test_a_method_of_somebody_else_is_shown_as_far_as_it_can_be():
    found = exhibit(Foreign())
    layer, batch, stop = found.demonstrations
    assert [one.hook for one in found.demonstrations] == ["layer", "batch", "stop"]
    assert found.note == "penalty cannot be shown, KeyError: 'conv1.weight'"
    [mask] = layer.panels
    assert isinstance(mask, Grid)
    assert mask.values.shape == (3, 8)
    assert "before the last dense layer" in layer.caption
    assert batch.rows[0].panels[0].values.shape == (8, 8)
    assert batch.rows[1].panels[0].values.shape == (6, 6)
    assert isinstance(stop.panels[0], Curves)
