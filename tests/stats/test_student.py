"""Student's t and chi squared, bit for bit as `scipy.stats` has them."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from overfitlab.stats import student

FREEDOMS = [np.nan, 0.0, 0.5, 1, 2.7, 6, 99, 1e9, np.inf]
VALUES = [-np.inf, -40.0, -2.5, -1e-9, 0.0, 0.3, 1.0, 7.0, np.inf, np.nan]
PROBABILITIES = [1e-8, 0.025, 0.5, 0.975, 1 - 1e-9, 1.0]


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_it_is_scipys(freedom):
    np.testing.assert_array_equal(student.below(VALUES, freedom), stats.t.cdf(VALUES, freedom))
    np.testing.assert_array_equal(student.above(VALUES, freedom), stats.t.sf(VALUES, freedom))
    np.testing.assert_array_equal(student.quantile(PROBABILITIES, freedom), stats.t.ppf(PROBABILITIES, freedom))


@pytest.mark.parametrize("freedom", [1, 4, 11, 300])
def test_so_is_chi_squared(freedom):
    found = student.chi_squared_quantile(PROBABILITIES, freedom)
    np.testing.assert_array_equal(found, stats.chi2.ppf(PROBABILITIES, freedom))


@pytest.mark.slow
def test_a_worker_does_not_wait_for_scipy_stats():
    code = "import overfitlab.study.execute.worker, overfitlab.cli.main, sys; print('scipy.stats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
