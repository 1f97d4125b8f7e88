"""What stands behind --model is found by its spelling, or answered in one line."""

import subprocess
import sys

import pytest
from refusals import refused

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.models import registry


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_names_stand_for_themselves(name):
    assert registry.canonical(name) == registry.canonical(f" {name} ") == name
    assert registry.source_hash(name) is None


@pytest.mark.parametrize(
    ("spec", "code", "values"),
    [
        ("resnet18", "unknown_name_like", {"kind": "model", "name": "resnet18"}),
        ("notebok_cnn", "unknown_name_like", {"near": "notebook_cnn"}),
        ("VGG16", "unknown_name_like", {"near": "vgg16"}),
        ("timm", "unknown_name_like", {"name": "timm", "near": "timm:NAME"}),
        ("x", "unknown_name", {}),
        ("", "unknown_name", {}),
        (":", "model_unreadable", {}),
        ("net:", "model_unreadable", {}),
        ("net.py:", "model_unreadable", {}),
        ("a b:c", "model_unreadable", {}),
        ("net.py:not a name", "model_unreadable", {}),
        ("missing.py:net", "no_model_file", {"path": "missing.py"}),
        ("folder/missing:net", "no_model_file", {"path": "folder/missing"}),
        ("~nobody_of_that_name/net.py:net", "no_model_file", {}),
        ("null\0byte.py:net", "no_model_file", {}),
        (f"{'long' * 2000}.py:net", "no_model_file", {}),
        ("no_such_module:net", "no_model_module", {"module": "no_such_module"}),
        ("no.such.module:net", "no_model_module", {"module": "no.such.module"}),
        ("math:sin", "no_model_module", {"module": "math"}),
        ("__main__:net", "no_model_module", {"module": "__main__"}),
    ],
)
def test_what_is_spelled_wrongly_is_one_line(spec, code, values):
    with refused(UsageError, code, **values) as caught:
        registry.canonical(spec)
    assert "\n" not in str(caught.value)


def test_spelling_is_checked_without_torch(tmp_path):
    (tmp_path / "net.py").write_text("import torch\ndef net(build, classes): ...\n")
    code = (
        "import sys\n"
        "from overfitlab.models.registry import canonical, source_hash\n"
        "assert canonical('resnet20') == 'resnet20'\n"
        "assert canonical('net.py:net') == 'net.py:net'\n"
        "assert len(source_hash('net.py:net')) == 64\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_the_hash_follows_the_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "hashed_net.py"
    file.write_text("def net(build, classes): build.flatten(); build.dense(classes)\n")
    first = registry.source_hash("hashed_net.py:net")
    assert first == registry.source_hash("hashed_net:net") == registry.source_hash(f"{file}:net")
    file.write_text(file.read_text() + "\n")
    assert registry.source_hash("hashed_net.py:net") != first


def test_missing_timm_says_how_to_install_it(monkeypatch):
    from overfitlab.models import timm_models

    timm_models._timm.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(timm_models.importlib.util, "find_spec", lambda name: None)
        with refused(OverfitlabError, "timm_not_installed"):
            registry.canonical("timm:resnet18")
