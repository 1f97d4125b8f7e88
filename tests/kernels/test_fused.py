"""The fused kernels beside plain PyTorch in float64, over random shapes, for each set of instructions that is here."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from overfitlab.kernels import library, operators, reference
from overfitlab.kernels.fused import KINDS, LEVELS, Mask, Normalization, fused

EPS = 2.0**-24  # half the distance of two neighbouring float32 numbers, in relation to them
ROUNDING = {torch.float32: EPS, torch.bfloat16: 2.0**-9}  # of a result
DROPPED = 20_000  # of LEVELS
NOBODY = 4
INSTRUCTIONS = library.supported()
here = pytest.mark.parametrize("instructions", list(library.INSTRUCTIONS))


@pytest.fixture(autouse=True)
def as_before():
    yield
    library.use(library.OFF)


def needs(instructions):
    if instructions not in INSTRUCTIONS:
        pytest.skip(f"this machine has no {library.INSTRUCTIONS[instructions]}, or no kernels were compiled")
    assert library.use(instructions)


@st.composite
def cases(draw):
    """A call: shape, kind, what follows, dtype."""
    vectors = draw(st.booleans())
    batch, channels = draw(st.integers(1, 5)), draw(st.sampled_from([1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 48, 65]))
    shape = (batch, channels) if vectors else (batch, channels, draw(st.integers(1, 9)), draw(st.integers(1, 70)))
    return {
        "shape": shape,
        "kind": draw(st.sampled_from(KINDS)),
        "relu": draw(st.booleans()),
        "pool": not vectors and draw(st.booleans()),
        "dropout": draw(st.sampled_from([None, "elements"] if vectors else [None, "elements", "channels"])),
        "dtype": draw(st.sampled_from([torch.float32, torch.bfloat16])),
        "seed": draw(st.integers(0, 2**32 - 1)),
    }


def made(shape, kind, pool, dropout, dtype, seed):
    """Return x, the normalization and the mask, from a seed."""
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=rng) * 2 + torch.randn(1, shape[1], *(1,) * (len(shape) - 2), generator=rng)
    channels = shape[1]
    groups = max(count for count in (1, 2, 4) if channels % count == 0)
    gamma = None if kind == "affine" else torch.rand(channels, generator=rng) + 0.5
    normalization = Normalization(kind, gamma, torch.randn(channels, generator=rng), 1e-3, groups)
    out = (shape[0], channels, *((extent + 1) // 2 if pool else extent for extent in shape[2:]))
    mask = None
    if dropout is not None:
        levels = (out[0], *out[2:], channels) if dropout == "elements" else out[:2]
        numbers = np.random.default_rng(seed).integers(0, LEVELS, levels, dtype=np.uint16)
        mask = Mask(torch.from_numpy(numbers), DROPPED, LEVELS / (LEVELS - DROPPED))
    return x.to(dtype), normalization, mask, out


def in_float64(normalization):
    gamma, beta = (None if value is None else value.double() for value in (normalization.gamma, normalization.beta))
    return Normalization(normalization.kind, gamma, beta, normalization.epsilon, normalization.groups)


@here
@settings(max_examples=150, deadline=None, derandomize=True)
@given(case=cases())
def test_forward_and_backward_agree_with_float64(instructions, case):
    needs(instructions)
    relu, pool, dtype = case["relu"], case["pool"], case["dtype"]
    x, normalization, mask, out = made(case["shape"], case["kind"], pool, case["dropout"], dtype, case["seed"])
    settings_ = (
        KINDS.index(normalization.kind), normalization.groups, normalization.epsilon, relu, pool,
    )  # fmt: skip
    scale = 1.0 if mask is None else mask.scale
    y, winners, mean, rstd, _ = torch.ops.overfitlab.fused(
        x, normalization.gamma, normalization.beta, None if mask is None else mask.levels, *settings_,
        0 if mask is None else mask.dropped, scale, True,
    )  # fmt: skip

    exact, bound = normalized(x, normalization)
    windows, bounds = in_windows(exact, pool), in_windows(bound, pool)
    best = windows.max(-1).values
    expected = best.clamp_min(0) if relu else best
    if mask is not None:
        expected = expected * reference._kept(mask, expected) * mask.scale
    slack = bounds.max(-1).values * scale + 1e-30
    assert (y.double() - expected).abs().le(slack + ROUNDING[dtype] * 2 * (expected.abs() + slack)).all()

    # whom the kernel lets win is as large as the largest, but for rounding; nobody where ReLU or dropout cut it off
    taken = windows.gather(-1, winners.clamp_max(3 if pool else 0).long()[..., None])[..., 0]
    alive = winners < NOBODY
    kept = torch.ones_like(alive) if mask is None else (reference._kept(mask, y).expand(y.shape) > 0)
    assert taken[alive].ge((best - 2 * bounds.max(-1).values)[alive]).all()
    assert not (alive & ~kept).any()
    if relu:
        assert best[alive].ge(-bounds.max(-1).values[alive]).all()
        assert best[~alive & kept].le(bounds.max(-1).values[~alive & kept]).all()
    else:
        assert (alive | ~kept).all()

    gradient = torch.randn(out, generator=torch.Generator().manual_seed(case["seed"])).to(dtype)
    dx, dgamma, dbeta = torch.ops.overfitlab.fused_backward(
        gradient, x, winners, normalization.gamma, mean, rstd, *settings_, scale, True
    )
    arriving = spread(gradient.double() * scale * alive, winners, x.shape, pool)
    check_gradients(x, normalization, arriving, dx, dgamma, dbeta, dtype)


def statistics(wide, normalization):
    """Return mean and 1 / sqrt(variance + epsilon), broadcastable to x; 0 and 1 where nothing is normalized."""
    if normalization.kind == "affine":
        return torch.zeros(1), torch.ones(1)
    grouped = wide
    axes = {"batch": [0, *range(2, wide.ndim)], "layer": [1], "group": list(range(2, wide.ndim + 1))}[
        normalization.kind
    ]
    if normalization.kind == "group":
        grouped = wide.unflatten(1, (normalization.groups, -1))
    mean, variance = grouped.mean(axes, keepdim=True), grouped.var(axes, unbiased=False, keepdim=True)
    rstd = (variance + normalization.epsilon).rsqrt()
    if normalization.kind == "group":
        mean, rstd = (value.expand(grouped.shape).flatten(1, 2) for value in (mean, rstd))
    return mean, rstd


def normalized(x, normalization):
    """Return z in float64, and how far rounding in float32 may take it: that of x - mean, times what multiplies it."""
    wide = x.double()
    exact = in_float64(normalization)
    _, rstd = statistics(wide, normalization)
    gamma = torch.ones(1) if exact.gamma is None else reference._by_channel(exact.gamma, wide)
    largest = wide.abs().max() if normalization.kind != "affine" else 0  # an error of the mean is one of all elements
    bound = 16 * EPS * (gamma * rstd * (wide.abs() + largest) + reference._by_channel(exact.beta, wide).abs())
    return reference._normalized(wide, exact)[0], bound.expand(wide.shape)


def in_windows(z, pool):
    """Return [..., 4], the elements of each pooling window in the order that winners count them; [..., 1] without."""
    if not pool:
        return z[..., None]
    height, width = z.shape[2:]
    padded = torch.nn.functional.pad(z, (0, width % 2, 0, height % 2), value=-torch.inf)
    parts = [padded[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    return torch.stack(parts, -1)


def spread(gradient, winners, shape, pool):
    """Return where the gradient of each output arrives among the elements that went into it."""
    if not pool:
        return gradient
    batch, channels, height, width = shape
    whole = torch.zeros(batch, channels, height + height % 2, width + width % 2, dtype=torch.float64)
    for number, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        whole[:, :, row::2, column::2] = gradient * (winners == number)
    return whole[:, :, :height, :width]


def check_gradients(x, normalization, arriving, dx, dgamma, dbeta, dtype):
    """Compare with autograd in float64; the bounds are those of sums of products in float32, a piece at a time."""
    wide = x.double().requires_grad_(True)
    exact = in_float64(normalization)
    parameters = [value.requires_grad_(True) for value in (exact.gamma, exact.beta) if value is not None]
    reference._normalized(wide, exact)[0].backward(arriving)
    mean, rstd = statistics(wide.detach(), normalization)
    spread_of_x = ((wide.detach() - mean) * rstd).abs().max() if normalization.kind != "affine" else 0
    steepest = 1 if exact.gamma is None else exact.gamma.detach().max() * rstd.max()
    off = (
        (wide.detach().abs().max() * rstd.max()) if normalization.kind != "affine" else 0
    )  # by which x - mean is rounded
    bound = 16 * EPS * arriving.abs().max() * steepest * (1 + spread_of_x) * (1 + spread_of_x + off)
    assert (dx.double() - wide.grad).abs().le(bound + 2 * ROUNDING[dtype] * (wide.grad.abs() + bound)).all()
    total = arriving.abs().sum((0, *range(2, arriving.ndim)))
    assert (dbeta.double() - exact.beta.grad).abs().le(16 * EPS * total + 1e-30).all()
    if len(parameters) == 2:
        assert (dgamma.double() - exact.gamma.grad).abs().le(16 * EPS * total * (spread_of_x + off) + 1e-30).all()


@here
def test_results_do_not_depend_on_the_number_of_threads(instructions):
    needs(instructions)
    before = torch.get_num_threads()
    outcomes = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found = []
            for kind in KINDS:
                x, normalization, mask, _ = made((5, 24, 33, 31), kind, True, "elements", torch.float32, 1)
                given = [value for value in (x, normalization.gamma, normalization.beta) if value is not None]
                leaves = [value.requires_grad_(True) for value in given]
                output = operators.fused(x, normalization, relu=True, pool=True, mask=mask)
                output.y.square().sum().backward()
                found += [output.y, *(leaf.grad for leaf in leaves)]
            outcomes.append(found)
    finally:
        torch.set_num_threads(before)
    for other in outcomes[1:]:
        assert all(torch.equal(one, two) for one, two in zip(outcomes[0], other, strict=True))


@here
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_number_stays_so(instructions, kind):
    needs(instructions)
    x, normalization, _, _ = made((2, 20, 6, 6), kind, True, None, torch.float32, 2)
    x[1, 3, 2, 3] = torch.nan
    for pool in (False, True):
        y = operators.fused(x, normalization, relu=True, pool=pool, mask=None).y
        assert y[1, 3].isnan().any()


@here
def test_any_layout_and_a_batch_of_one(instructions):
    needs(instructions)
    x, normalization, _, _ = made((4, 12, 9, 10), "batch", True, None, torch.float32, 3)
    dense = operators.fused(x, normalization, relu=True, pool=True, mask=None).y
    wider = torch.randn(8, 12, 9, 20)
    wider[::2, :, :, ::2] = x
    strided = operators.fused(wider[::2, :, :, ::2], normalization, relu=True, pool=True, mask=None).y
    assert torch.equal(dense, strided)
    one = operators.fused(x[:1, :, :1, :1], normalization, relu=False, pool=False, mask=None)
    torch.testing.assert_close(one.y.flatten(), normalization.beta)  # a single value, less its mean


def test_operators_keep_pytorchs_rules():
    if not INSTRUCTIONS:
        pytest.skip("no kernels were compiled")
    library.use(INSTRUCTIONS[0])
    for kind in KINDS:
        x, normalization, _, _ = made((2, 8, 6, 5), kind, True, None, torch.float32, 4)
        given = (x, normalization.gamma, normalization.beta, None)
        arguments = (*given, KINDS.index(kind), 1, 1e-3, True, True, 0, 1.0, True)
        leaves = [value.requires_grad_(True) if isinstance(value, torch.Tensor) else value for value in arguments]
        torch.library.opcheck(torch.ops.overfitlab.fused.default, tuple(leaves))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", KINDS)
def test_without_kernels_plain_pytorch_computes_the_same(kind, dtype):
    library.use(library.OFF)
    x, normalization, mask, out = made((3, 8, 7, 6), kind, True, "channels", dtype, 5)
    if dtype == torch.float64:
        normalization = in_float64(normalization)
    y = fused(x, normalization, relu=True, pool=True, mask=mask).y
    assert y.dtype == dtype
    assert y.shape == torch.Size(out)
    if INSTRUCTIONS and dtype != torch.float64:
        library.use(INSTRUCTIONS[0])
        torch.testing.assert_close(fused(x, normalization, relu=True, pool=True, mask=mask).y, y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frozen", [("gamma",), ("beta",), ("gamma", "beta"), ("x",)])
def test_what_is_frozen_gets_no_gradient_and_the_others_theirs(kind, frozen):
    if not INSTRUCTIONS:
        pytest.skip("no kernels were compiled")
    library.use(INSTRUCTIONS[0])
    x, normalization, _, _ = made((3, 8, 6, 5), kind, True, None, torch.float32, 6)
    found = []
    for run in (operators.fused, reference.fused):
        leaves = {"x": x.clone(), "gamma": normalization.gamma, "beta": normalization.beta.clone()}
        for name, leaf in leaves.items():
            if leaf is not None:
                leaf.grad = None
                leaf.requires_grad_(name not in frozen and not (kind == "affine" and name == "gamma"))
        given = Normalization(kind, leaves["gamma"], leaves["beta"], 1e-3, normalization.groups)
        y = run(leaves["x"], given, relu=True, pool=True, mask=None).y
        if y.requires_grad:
            y.square().sum().backward()
        found.append({name: None if leaf is None else leaf.grad for name, leaf in leaves.items()})
    for name, gradient in found[1].items():
        if gradient is None:
            assert found[0][name] is None
        else:
            torch.testing.assert_close(found[0][name], gradient, atol=1e-3, rtol=1e-3)


def test_second_derivatives_are_refused_and_not_zero():
    if not INSTRUCTIONS:
        pytest.skip("no kernels were compiled")
    library.use(INSTRUCTIONS[0])
    x, normalization, _, _ = made((3, 8, 6, 5), "batch", True, None, torch.float32, 7)
    y = operators.fused(x.requires_grad_(True), normalization, relu=True, pool=True, mask=None).y
    [first] = torch.autograd.grad(y.square().sum(), [x], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.square().sum().backward()


def test_the_defaults_of_the_process_do_not_matter():
    if not INSTRUCTIONS:
        pytest.skip("no kernels were compiled")
    library.use(INSTRUCTIONS[0])
    x, normalization, _, _ = made((3, 8, 6, 5), "batch", True, None, torch.float32, 8)
    expected = operators.fused(x, normalization, relu=True, pool=True, mask=None).y
    with torch.device("meta"):
        torch.set_default_dtype(torch.float16)
        try:
            assert torch.equal(operators.fused(x, normalization, relu=True, pool=True, mask=None).y, expected)
        finally:
            torch.set_default_dtype(torch.float32)


def test_what_the_kernels_do_not_take_goes_to_pytorch():
    if not INSTRUCTIONS:
        pytest.skip("no kernels were compiled")
    library.use(INSTRUCTIONS[0])
    x, normalization, _, _ = made((3, 8, 6, 5), "batch", True, None, torch.float32, 9)
    assert operators.fits(x, normalization)
    one = torch.ones(1).expand(8)
    for gamma, beta in ((one, normalization.beta), (torch.ones(4), normalization.beta), (None, normalization.beta)):
        assert not operators.fits(x, Normalization("batch", gamma, beta, 1e-3))
    assert not operators.fits(x, Normalization("group", normalization.gamma, normalization.beta, 1e-3, groups=3))
    assert not operators.fits(x, Normalization(gamma=torch.ones(8, requires_grad=True)))
    assert not operators.fits(x.double(), normalization)
    assert not operators.fits(x[:0], normalization)
