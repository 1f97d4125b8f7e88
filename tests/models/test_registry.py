"""What stands behind --model is found by its spelling, or answered in one line."""

import subprocess
import sys

import pytest

from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.models import registry


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_names_stand_for_themselves(name):
    assert registry.canonical(name) == registry.canonical(f" {name} ") == name
    assert registry.source_hash(name) is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("resnet18", "unknown model 'resnet18'; did you mean 'resnet"),
        ("notebok_cnn", "did you mean 'notebook_cnn'"),
        ("VGG16", "did you mean 'vgg16'"),
        ("timm", "did you mean 'timm:NAME'"),
        ("x", "choose from FILE.py:FUNCTION, MODULE:FUNCTION, notebook_cnn"),
        ("", "choose from"),
        (":", "write path/to/net.py:FUNCTION or MODULE:FUNCTION"),
        ("net:", "write path/to/net.py:FUNCTION"),
        ("net.py:", "write path/to/net.py:FUNCTION"),
        ("a b:c", "write path/to/net.py:FUNCTION"),
        ("net.py:not a name", "write path/to/net.py:FUNCTION"),
        ("missing.py:net", "there is no file missing.py"),
        ("folder/missing:net", "there is no file folder/missing"),
        ("~nobody_of_that_name/net.py:net", "there is no file"),
        ("null\0byte.py:net", "there is no file"),
        (f"{'long' * 2000}.py:net", "there is no file"),
        ("no_such_module:net", "no Python source of a module 'no_such_module'"),
        ("no.such.module:net", "no Python source of a module 'no.such.module'"),
        ("math:sin", "no Python source of a module 'math'"),
        ("__main__:net", "no Python source of a module '__main__'"),
    ],
)
def test_what_is_spelled_wrongly_is_one_line(spec, message):
    with pytest.raises(UsageError, match=message) as caught:
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
        with pytest.raises(OverfitlabError, match=r"timm is not installed; pip install 'overfitlab\[timm\]'"):
            registry.canonical("timm:resnet18")
