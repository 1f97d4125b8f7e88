"""The digits are scikit-learn's, with or without the file in which it has them today."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from overfitlab.data.sources import digits


@pytest.mark.parametrize("elsewhere", [False, True])
def test_they_are_those_of_scikit_learn(monkeypatch, elsewhere):
    if elsewhere:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found, wanted = digits.load(), load_digits()
    assert found.images.dtype == np.uint8
    assert found.images.flags.c_contiguous
    np.testing.assert_array_equal(found.images[..., 0], wanted.images)
    np.testing.assert_array_equal(found.labels, wanted.target)


def test_to_read_and_split_them_does_not_wait_for_scikit_learn():
    code = (
        "import sys; from overfitlab.config import QUICK, CLEAN, NOTEBOOK; from overfitlab.data.sources import digits\n"
        "from overfitlab.data.prepare.splits import split\n"
        "for protocol in (QUICK, CLEAN, NOTEBOOK): split(digits.load(), protocol, 0)\n"
        "sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
