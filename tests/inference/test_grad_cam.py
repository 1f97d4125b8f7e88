"""Grad-CAM against what it is in theory, finite differences, and images whose evidence has a known place."""

import importlib.util

import pytest
import torch
from refusals import refused
from torch import nn
from torch.nn import functional as F

from overfitlab.errors import UsageError
from overfitlab.inference.grad_cam import choose_layer, enlarged, feature_layers, grad_cam
from overfitlab.methods import registry
from overfitlab.models import registry as models
from overfitlab.models.notebook_cnn import notebook_cnn
from overfitlab.randomness import Key


class PooledNetwork(nn.Module):
    """Convolutions, global average pooling, one dense layer: the network that CAM was made for."""

    def __init__(self, classes=4):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(8, 6, 3, padding=1)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Linear(6, classes)

    def forward(self, x):
        return self.dense(self.pool(self.features(x)).flatten(1))


def made(network):
    torch.manual_seed(0)
    return network().double().eval().requires_grad_(False)


def images(count=3, side=12):
    return torch.randn(count, 3, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def notebook(method="batch_norm", shape=(32, 32, 3)):
    return notebook_cnn(shape, 10, registry.parse(method), Key(0)).double().eval().requires_grad_(False)


@pytest.mark.parametrize("chosen", [None, 2])
def test_behind_global_average_pooling_it_is_cam(chosen):
    model, x = made(PooledNetwork), images()
    classes = None if chosen is None else torch.full((3,), chosen)
    found, logits = grad_cam(model, x, "features.3", classes)
    maps = model.features(x)  # [B, 6, 6, 6]
    rows = model.dense.weight[logits.argmax(1) if chosen is None else classes]  # [B, 6]
    cam = F.relu(torch.einsum("bc,bchw->bhw", rows, maps) / (6 * 6))
    torch.testing.assert_close(found, cam, atol=1e-6, rtol=0)
    assert cam.any()
    torch.testing.assert_close(logits, model(x))


def test_the_weights_are_the_slopes_that_finite_differences_give():
    model, x = made(PooledNetwork), images(1)
    model.features[0].bias += 100  # no ties at zero, where the pooling behind it has no slope
    first = model.features[:2]

    def logit(maps):
        return model.dense(model.pool(model.features[2:](maps)).flatten(1))[0, 1]

    maps = first(x)
    weights = []
    for channel in range(maps.shape[1]):
        slopes = torch.zeros(maps.shape[2:], dtype=torch.float64)
        for place in range(slopes.numel()):
            up, down = maps.clone(), maps.clone()
            up[0, channel].view(-1)[place] += 1e-6
            down[0, channel].view(-1)[place] -= 1e-6
            slopes.view(-1)[place] = (logit(up) - logit(down)) / 2e-6
        weights.append(slopes.mean())
    expected = F.relu(sum(weight * maps[0, channel] for channel, weight in enumerate(weights)))
    found, _ = grad_cam(model, x, "features.1", torch.tensor([1]))
    torch.testing.assert_close(found[0], expected, atol=1e-6, rtol=1e-6)


def test_a_class_that_depends_on_one_quadrant_is_found_there():
    """A network that answers "class 1" where its second filter, for red, sees something."""
    model = made(PooledNetwork)
    for parameter in model.parameters():
        parameter.zero_()
    model.features[0].weight[0, 0, 1, 1] = 1.0
    model.features[3].weight[0, 0, 1, 1] = 1.0
    model.dense.weight[1, 0] = 1.0
    for top in (0, 6):
        for left in (0, 6):
            x = torch.zeros(1, 3, 12, 12, dtype=torch.float64)
            x[0, 0, top : top + 6, left : left + 6] = 1.0
            found, logits = grad_cam(model, x, "features.3")
            assert logits.argmax() == 1
            place = enlarged(found, (12, 12))[0]
            share = place[top : top + 6, left : left + 6].sum() / place.sum()
            assert share > 0.8, f"{share:.2f} of the map is where the evidence is"


def test_an_image_without_evidence_has_an_empty_map():
    model = made(PooledNetwork)
    model.dense.weight.copy_(-model.dense.weight.abs())
    model.features[3].bias += 100  # all maps positive, all weights negative
    found, _ = grad_cam(model, images(), "features.3")
    assert not found.any()


def test_an_images_map_does_not_depend_on_the_others():
    model, x = notebook(), images(4, 32)
    together, _ = grad_cam(model, x, "relu6")
    alone = torch.cat([grad_cam(model, image[None], "relu6")[0] for image in x])
    torch.testing.assert_close(together, alone, atol=1e-10, rtol=1e-8)


def test_the_model_is_left_as_it_was():
    model, x = notebook(), images(2, 32)
    before = model(x)
    grad_cam(model, x, "relu6")
    feature_layers(model, x)
    assert not any(layer._forward_hooks for layer in model.modules())
    assert torch.equal(model(x), before)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("method", ["none", "batch_norm", "dropout", "batch_norm+dropout"])
def test_the_notebooks_network_is_explained_at_its_last_activation_before_pooling(method):
    model = notebook(method)
    layer = choose_layer(feature_layers(model, images(1, 32)), None)
    assert (layer.name, layer.shape) == ("relu6", (128, 8, 8))
    assert grad_cam(model, images(2, 32), layer.name)[0].shape == (2, 8, 8)


def test_small_images_have_small_maps_and_an_earlier_layer_can_be_named():
    model = notebook(shape=(8, 8, 3))
    layers = feature_layers(model, images(1, 8))
    assert choose_layer(layers, None).shape == (128, 2, 2)
    assert choose_layer(layers, "relu4").shape == (64, 4, 4)
    with refused(UsageError, "unknown_layer_like", name="relu44", near="relu4"):
        choose_layer(layers, "relu44")
    with refused(UsageError, "unknown_layer_like"):
        choose_layer(layers, "max_pool3")  # a single pixel


class Residual(nn.Module):
    """One activation used twice, one in place, and squeeze-and-excitation behind the last convolution."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.squeeze, self.gate = nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = self.act(self.conv1(x))
        y = self.conv2(x)
        y = y * torch.sigmoid(self.gate(self.squeeze(y)))
        return self.head(self.act(x + y).mean((2, 3)))


def test_the_last_use_of_a_layer_counts_and_gates_of_one_pixel_do_not():
    model, x = made(Residual), images(2)
    layer = choose_layer(feature_layers(model, x), None)
    assert layer.name == "act"
    found, logits = grad_cam(model, x, "act")
    last = []
    model.act.register_forward_hook(lambda _layer, _inputs, output: last.append(output))
    model(x)
    cam = F.relu(torch.einsum("bc,bchw->bhw", model.head.weight[logits.argmax(1)], last[-1]) / (12 * 12))
    torch.testing.assert_close(found, cam, atol=1e-10, rtol=0)


class Transformer(nn.Module):
    """Patches, then dense layers over all of them."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.mix = nn.Linear(8, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.mix(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


def test_a_network_that_mixes_places_is_refused():
    with refused(UsageError, "no_layer_with_places"):
        choose_layer(feature_layers(made(Transformer), images(1)), None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "name", "shape"),
    [
        ("resnet20", "relu19", (64, 8, 8)),
        ("vgg11", "relu8", (512, 2, 2)),
        ("timm:resnet18", "network.layer4", (512, 2, 2)),
        ("timm:convnext_atto", "network.norm_pre", (320, 2, 2)),
        ("timm:densenet121", "network.features", (1024, 2, 2)),
        ("timm:vit_tiny_patch16_224", None, None),
    ],
)
def test_networks_of_the_registry(model, name, shape):
    if model.startswith("timm:") and importlib.util.find_spec("timm") is None:
        pytest.skip("needs timm, which the test extra brings")
    side = 64 if model.startswith("timm:") else 32
    network = models.build(model, (side, side, 3), 5, registry.parse("none"), Key(0)).eval().requires_grad_(False)
    layers = feature_layers(network, images(1, side).float())
    if name is None:
        with refused(UsageError, "no_layer_with_places"):
            choose_layer(layers, None)
        return
    layer = choose_layer(layers, None)
    assert (layer.name, layer.shape) == (name, shape)
    found, _ = grad_cam(network, images(2, side).float(), layer.name)
    assert found.shape == (2, *shape[1:])
    assert torch.isfinite(found).all()


def test_a_map_is_enlarged_as_bilinear_interpolation_does():
    ramp = torch.tensor([[[0.0, 1.0]]])
    assert enlarged(ramp, (1, 4)).flatten().tolist() == [0.0, 0.25, 0.75, 1.0]
