"""What is written down about the published sets fits together."""

import inspect
import re

import pytest
from keras.src.datasets import cifar10, cifar100, fashion_mnist

from overfitlab.data.catalog.published import SETS


@pytest.mark.parametrize("published", SETS.values(), ids=SETS)
def test_descriptions_fit_together(published):
    for archive in published.archives:
        assert re.fullmatch("[0-9a-f]{32}", archive.md5)
        assert re.fullmatch("[0-9a-f]{64}", archive.sha256)
        assert len(archive.urls) >= 3
        for url in archive.urls:
            assert re.fullmatch(rf"https?://[^/]+/(.*/)?{re.escape(archive.name)}(\?download=1)?", url)
    for member, md5 in published.members.items():
        assert re.fullmatch("[0-9a-f]{32}", md5), member
    if published.layout == "gz":
        assert [archive.name for archive in published.archives] == [f"{member}.gz" for member in published.members]
    else:
        assert len(published.archives) == 1


@pytest.mark.parametrize(("name", "module"), [("cifar10", cifar10), ("cifar100", cifar100)])
def test_they_are_those_that_keras_checks(name, module):
    source = inspect.getsource(module)
    archive = SETS[name].archives[0]
    assert f'"{archive.sha256}"' in source
    assert f'"{archive.urls[-1]}"' in source


def test_fashion_mnist_is_asked_where_keras_asks():
    source = inspect.getsource(fashion_mnist)
    for archive in SETS["fashion_mnist"].archives:
        assert f'"{archive.name}"' in source
        assert f'"{archive.urls[0].removesuffix(archive.name)}"' in source
