"""The table in docs/models.md is what the networks are."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from overfitlab.methods import registry as methods
from overfitlab.models import registry
from overfitlab.randomness import Key

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "models.md").read_text(encoding="utf-8")
ROWS = [
    (name, *(int(number.replace(",", "")) for number in numbers))
    for name, *numbers in re.findall(
        r"^\| `(\w+)` \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| (\d+) \| (\d+) \| yes \|$", PAGE, re.MULTILINE
    )
]


def build(spec, method="none"):
    return registry.build(spec, (32, 32, 3), 10, methods.parse(method), Key(0))


def test_every_network_has_a_row():
    assert tuple(name for name, *_ in ROWS) == registry.BUILT_IN


@pytest.mark.parametrize(("name", "plain", "normalized", "trained", "norms", "pools"), ROWS)
def test_a_row_is_true(name, plain, normalized, trained, norms, pools):
    assert build(name).parameter_counts() == (plain, plain)
    model = build(name, "batch_norm")
    assert model.parameter_counts() == (normalized, trained)
    kinds = [site.kind for site in model.sites]
    assert (kinds.count("norm"), kinds.count("pool"), kinds.count("classifier")) == (norms, pools, 1)


def test_the_function_on_the_page_is_a_network(tmp_path, monkeypatch):
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(code)
    for method in ("none", "batch_norm+dropout"):
        assert build("net.py:net", method).eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_the_refusal_on_the_page_is_the_true_one():
    from overfitlab.models.sites import layers_by_site

    model = build("notebook_cnn")
    with pytest.raises(ValueError, match="batch_norm needs") as caught:
        layers_by_site(methods.parse("batch_norm"), model.sites[-1:], Key(0), "timm:vit_tiny_patch16_224", fixed=True)
    assert str(caught.value) in PAGE


def test_residual_networks_without_normalization_start_at_the_scale_that_the_page_says():
    """And without the factor they do not: the same weights with every block's last convolution at its usual size."""
    model = build("resnet56")
    x = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert 0.3 < model(x).std() < 3
    blocks = [layer for layer in model.children() if isinstance(layer, nn.Sequential)]
    assert len(blocks) == 27
    with torch.no_grad():
        for block in blocks:
            list(block.children())[-1].weight.mul_(27**0.5)
        assert model(x).std() > 1000
