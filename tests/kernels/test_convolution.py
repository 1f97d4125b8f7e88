"""The 3x3 convolutions beside PyTorch's in float64, over random shapes, for each set of instructions that is here."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from overfitlab.kernels import convolution, library

EPS = 2.0**-23  # of float32
# An element's error is that of its whole tile: it is measured by the largest sum of |x| |w| that makes one
BOUND = 24 * EPS
INSTRUCTIONS = library.supported()
TARGETS = ("avx512", "avx2", "portable")


@pytest.fixture(autouse=True)
def as_before():
    yield
    library.use(library.OFF)


def needs(instructions):
    if instructions not in INSTRUCTIONS:
        pytest.skip(f"this machine has no {library.INSTRUCTIONS[instructions]}, or no kernels were compiled")
    assert library.use(instructions)


def made(batch, channels_in, channels_out, height, width, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return (
        torch.randn(batch, channels_in, height, width, generator=rng),
        torch.randn(channels_out, channels_in, 3, 3, generator=rng),
        torch.randn(batch, channels_out, height, width, generator=rng),
    )


def ours(x, weight, gradient):
    operators = torch.ops.overfitlab
    return (
        operators.conv3x3(x, weight),
        operators.conv3x3_input_gradient(gradient, weight),
        operators.conv3x3_weight_gradient(x, gradient, weight),
    )


def exact(x, weight, gradient):
    x, weight = x.double().requires_grad_(True), weight.double().requires_grad_(True)
    y = F.conv2d(x, weight, padding=1)
    return (y.detach(), *torch.autograd.grad(y, (x, weight), gradient.double()))


@pytest.mark.parametrize("instructions", TARGETS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    shape=st.tuples(
        st.integers(1, 6), st.sampled_from([1, 3, 8, 16, 17, 33]), st.sampled_from([1, 4, 16, 20, 64, 65]),
        st.integers(1, 17), st.integers(1, 17),
    ),
    channels_last=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_all_three_directions_agree_with_float64(instructions, shape, channels_last, seed):
    needs(instructions)
    x, weight, gradient = made(*shape, seed)
    if channels_last:
        x, weight, gradient = (value.contiguous(memory_format=torch.channels_last) for value in (x, weight, gradient))
    sizes = exact(x.abs(), weight.abs(), gradient.abs())
    for found, expected, size in zip(ours(x, weight, gradient), exact(x, weight, gradient), sizes, strict=True):
        assert found.shape == expected.shape
        assert (found.double() - expected).abs().max() <= BOUND * size.max()


@pytest.mark.parametrize("instructions", TARGETS)
def test_results_do_not_depend_on_the_number_of_threads(instructions):
    needs(instructions)
    before, outcomes = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            outcomes.append(ours(*made(9, 32, 48, 16, 15)))
    finally:
        torch.set_num_threads(before)
    for other in outcomes[1:]:
        assert all(torch.equal(one, two) for one, two in zip(outcomes[0], other, strict=True))


@pytest.mark.parametrize("instructions", TARGETS)
def test_an_image_does_not_depend_on_the_others(instructions):
    needs(instructions)
    x, weight, _ = made(7, 16, 32, 8, 8)
    whole = torch.ops.overfitlab.conv3x3(x, weight)
    for row in (0, 3, 6):
        assert torch.equal(torch.ops.overfitlab.conv3x3(x[row : row + 1], weight), whole[row : row + 1])


def taken(x, weight, **changes):
    y = convolution.conv2d(x, weight, None, **({"stride": 1, "padding": 1} | changes))
    torch.testing.assert_close(
        y, F.conv2d(x, weight, None, **({"stride": 1, "padding": 1} | changes)), atol=1e-2, rtol=1e-2
    )
    return "Conv3x3" in type(y.grad_fn).__name__


def test_it_is_taken_where_it_wins_and_nowhere_else():
    if not {"avx2"} & set(INSTRUCTIONS):
        pytest.skip("this machine has no AVX2, or no kernels were compiled")
    x, weight, _ = made(2, 16, 32, 8, 8)
    weight.requires_grad_(True)
    library.use("avx2")
    assert taken(x, weight)
    assert taken(x[:, :, :7, :7], weight)
    assert not taken(x[:, :, :2, :2], weight)  # a tile of 4x4 would be mostly empty
    assert not taken(x[:, :3], weight[:, :3])
    assert not taken(x, weight, stride=2)
    assert not taken(x.double(), weight.double())
    with torch.autocast("cpu", torch.bfloat16):
        assert not taken(x, weight)
    library.use("portable")
    assert not taken(x, weight)  # never seen to win
    library.use(library.OFF)
    assert not taken(x, weight)


def test_bias_and_gradients():
    if not INSTRUCTIONS:
        pytest.skip("no kernels were compiled")
    library.use(INSTRUCTIONS[0])
    x, weight, gradient = made(3, 16, 24, 9, 8)
    bias = torch.randn(24)
    leaves = [value.requires_grad_(True) for value in (x, weight, bias)]
    y = convolution.conv2d(*leaves, stride=1, padding=1)
    expected = F.conv2d(*leaves, padding=1)
    torch.testing.assert_close(y, expected, atol=1e-4, rtol=1e-4)
    pairs = zip(torch.autograd.grad(y, leaves, gradient), torch.autograd.grad(expected, leaves, gradient), strict=True)
    for found, wanted in pairs:
        torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-3)
    [alone] = torch.autograd.grad(convolution.conv2d(x.detach(), weight, None, stride=1, padding=1).sum(), [weight])
    assert alone.shape == weight.shape


def test_operators_keep_pytorchs_rules():
    if not INSTRUCTIONS:
        pytest.skip("no kernels were compiled")
    library.use(INSTRUCTIONS[0])
    x, weight, _ = made(2, 16, 16, 5, 6)
    torch.library.opcheck(torch.ops.overfitlab.conv3x3.default, (x.requires_grad_(True), weight.requires_grad_(True)))
