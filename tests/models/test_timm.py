"""Networks of timm: the bare network as an oracle, sizes, and what is refused."""

import importlib.util
import subprocess
import sys

import pytest
import torch
from refusals import refused

from overfitlab.errors import UsageError
from overfitlab.methods import registry as methods
from overfitlab.models import registry, timm_models
from overfitlab.randomness import Key

pytestmark = pytest.mark.slow

if importlib.util.find_spec("timm") is None:
    pytest.skip("needs timm, which the test extra brings", allow_module_level=True)


def build(name, method="none", shape=(32, 32, 3), classes=5, seed=0):
    return registry.build(f"timm:{name}", shape, classes, methods.parse(method), Key(seed))


def images(shape, count=3):
    height, width, channels = shape
    return torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("name", "shape", "settings", "batch_norms"),
    [
        ("resnet18", (8, 8, 1), {}, 20),
        ("resnet18", (48, 32, 3), {}, 20),
        ("resnet10t", (64, 64, 3), {}, 14),
        ("mobilenetv3_small_050", (32, 32, 3), {}, 34),
        ("vit_tiny_patch16_224", (64, 32, 3), {"img_size": (64, 32)}, 0),
        ("convnext_atto", (32, 32, 1), {}, 0),
    ],
)
def test_it_computes_what_the_bare_network_computes(name, shape, settings, batch_norms):
    model = build(name, "dropout", shape).eval()
    bare = timm_models._timm().create_model(
        name, pretrained=False, in_chans=shape[2], num_classes=5, **settings
    ).eval()  # fmt: skip
    bare.load_state_dict({part.removeprefix("network."): value for part, value in model.state_dict().items()})
    x = images(shape)
    with torch.inference_mode():
        torch.testing.assert_close(model(x), bare(x), rtol=1e-4, atol=1e-5)
    assert model.own_batch_norms == batch_norms
    assert {site.kind for site in model.sites} >= {"classifier"}
    assert model.parameter_counts()[1] == sum(value.numel() for value in bare.parameters())


def test_sites_are_behind_its_calls():
    kinds = [site.kind for site in build("resnet18").sites]
    assert {kind: kinds.count(kind) for kind in kinds} == {"norm": 20, "pool": 2, "classifier": 1}
    assert [site.kind for site in build("vit_tiny_patch16_224").sites] == ["classifier"]


def test_dropout_stands_right_before_the_classifier_behind_the_last_pooling():
    model = build("resnet18", "dropout:rate=0.5")
    seen = []
    model.get_submodule("network.fc").register_forward_hook(lambda _layer, inputs, _output: seen.append(inputs[0]))
    model.train().at(1, 1)
    model(images((32, 32, 3), 16))
    assert 0.3 < (seen[0] == 0).double().mean() < 0.8
    assert model.inserted["pool2"].dropout._moment == (1, 1)


def test_initial_weights_follow_the_seed_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one = build("resnet18", "none").state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    other, different = build("resnet18", "dropout").state_dict(), build("resnet18", seed=1).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["network.conv1.weight"], different["network.conv1.weight"])


def test_a_second_batch_norm_is_refused_and_without_its_own_there_is_a_place():
    with refused(UsageError, "second_normalization", network="timm:resnet18", layer="bn1", site="norm1"):
        build("resnet18", "batch_norm")
    model = registry.build("timm:resnet18", (32, 32, 3), 5, methods.parse("batch_norm"), Key(0), bare=True)
    assert len(model.inserted) == 20
    assert model.parameter_counts()[1] == build("resnet18").parameter_counts()[1]
    assert model.own_batch_norms == 0


def test_a_network_without_a_place_refuses_batch_norm_and_lists_what_fits():
    with refused(UsageError, "network_without_the_site", offered="classifier", match="fits: augment, "):
        build("vit_tiny_patch16_224", "batch_norm")


def test_a_network_with_two_classifiers_offers_no_place():
    assert "classifier" not in {site.kind for site in build("deit_tiny_distilled_patch16_224").sites}


def test_small_images_need_batches_of_two_in_batch_norm():
    assert build("resnet18", shape=(32, 32, 3)).needs_batches_of_two
    model = build("resnet18", shape=(32, 32, 3)).train()
    model.at(1, 1)
    assert model(images((32, 32, 3), 1)).shape == (1, 5)
    assert not build("resnet18", shape=(64, 64, 3)).needs_batches_of_two


@pytest.mark.parametrize(
    ("name", "shape", "code", "values"),
    [
        ("vit_tiny_patch16_224", (8, 8, 3), "timm_patches_leave_an_edge", {}),
        ("vit_tiny_patch16_224", (28, 28, 1), "timm_patches_leave_an_edge", {}),
        ("inception_v3", (32, 32, 3), "model_does_not_take_images", {"model": "timm:inception_v3", "size": "32x32x3"}),
        ("resnt18", (32, 32, 3), "unknown_timm_model_like", {"name": "resnt18", "near": "resnet18"}),
        ("qqqqqq", (32, 32, 3), "unknown_timm_model", {"name": "qqqqqq"}),
        ("", (32, 32, 3), "unknown_timm_model", {}),
        ("hf-hub:somebody/something", (32, 32, 3), "unknown_timm_model", {}),
        ("local-dir:/tmp", (32, 32, 3), "unknown_timm_model", {}),
        (
            "resnet18.a1_in1k",
            (32, 32, 3),
            "timm_weights_not_downloaded",
            {"tag": "a1_in1k", "architecture": "resnet18"},
        ),
    ],
)
def test_what_does_not_work_is_one_line(name, shape, code, values):
    with refused(UsageError, code, **values) as caught:
        build(name, shape=shape)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def broken_timm(tmp_path, text):
    """Let `import timm` in a fresh process run `text`."""
    (tmp_path / "timm.py").write_text(text)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from overfitlab.models.timm_models import check_name\n"
        "try: check_name('resnet18')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_an_installation_that_cannot_be_imported_is_one_line(tmp_path):
    said = broken_timm(tmp_path, "raise OSError('libfoo.so: cannot open\\nshared object')")
    assert said.startswith(
        "OverfitlabError timm cannot be imported (libfoo.so: cannot open shared object); pip install"
    )
    assert said.count("\n") == 1


def test_operators_that_torchvision_misses_are_declared(tmp_path):
    """A torchvision built for CUDA, beside a PyTorch for the CPU, fails on each of its operators in turn."""
    said = broken_timm(
        tmp_path,
        "import torch\n"
        "for name in ('made_up_a', 'made_up_b'):\n"
        "    try: torch.ops.torchvision.__getattr__(name)\n"
        "    except AttributeError: raise RuntimeError(f'operator torchvision::{name} does not exist')\n"
        "def is_model(name): return True\n",
    )
    assert said == ""


def test_a_missing_operator_of_somebody_else_is_not(tmp_path):
    said = broken_timm(tmp_path, "raise RuntimeError('operator other::nms does not exist')")
    assert "timm cannot be imported (operator other::nms does not exist)" in said
