"""Denormal numbers count as zero while a run trains, on every thread, and nowhere else."""

import pytest
import torch

from overfitlab.kernels import denormals, library

MANY = 2**20  # so many numbers that PyTorch shares the work among its threads


@pytest.fixture(params=["compiled", "plain"])
def kernels(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(library, "loaded", lambda: None)
    elif library.loaded() is None:
        pytest.skip("no kernels were compiled")
    return request.param


def denormal_products():
    """Return how many of many products of denormal numbers are not zero."""
    return int((torch.full((MANY,), denormals.DENORMAL) * 1.0 != 0).sum())


def test_they_are_zero_inside_and_as_they_were_outside(kernels):
    threads = 1 if kernels == "plain" else 2  # without kernels the pool's other threads cannot be reached
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert denormal_products() == MANY
        with denormals.flushed(threads):
            assert denormal_products() == 0
            with denormals.flushed(threads):
                assert denormal_products() == 0
            assert denormal_products() == 0  # the inner one leaves it as it was
        assert denormal_products() == MANY
    finally:
        torch.set_num_threads(before)


def test_an_error_inside_switches_it_off(kernels):
    with pytest.raises(ValueError, match="inside"), denormals.flushed(1):
        raise ValueError("inside")
    assert torch.tensor(denormals.DENORMAL) * 1 != 0


def test_normal_numbers_keep_their_bits():
    values = torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 1e-30
    outside = (values * 3).exp().sin()
    with denormals.flushed(1):
        inside = (values * 3).exp().sin()
    assert torch.equal(outside, inside)
