"""What a layer or a function of PyTorch is to a method: a convolution, a pooling, a normalization, an activation."""

import re
from typing import Literal

from torch import nn

Kind = Literal["conv", "dense", "pool", "norm", "dropout", "activation", "gate", "passing", "sum", "product", "other"]
WEIGHTED: tuple[Kind, ...] = ("conv", "dense")
REGULARIZING: tuple[Kind, ...] = ("norm", "dropout")
ACTIVE: tuple[Kind, ...] = ("activation", "gate")
PATH: tuple[Kind, ...] = (*WEIGHTED, "pool", *REGULARIZING)  # calls that decide whether two passes took the same path

NORMS = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "local_response_norm")
DROPOUTS = (
    "dropout", "dropout_", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "alpha_dropout_",
    "feature_dropout", "feature_dropout_", "feature_alpha_dropout", "feature_alpha_dropout_",
)  # fmt: skip
ATTENTION = "scaled_dot_product_attention"  # with a dropout of its own, `dropout_p`
FUNCTIONS: dict[Kind, tuple[str, ...]] = {
    "conv": ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    "dense": ("linear",),
    "pool": (
        "max_pool2d", "max_pool2d_with_indices", "avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool2d",
        "lp_pool2d", "fractional_max_pool2d", "mean", "amax",
    ),
    "norm": NORMS,
    "dropout": DROPOUTS,
    "activation": (
        "relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "elu", "elu_", "selu", "selu_", "celu", "celu_", "gelu",
        "silu", "mish", "hardswish", "hardtanh", "hardtanh_", "prelu", "rrelu", "rrelu_", "softplus", "softsign",
        "tanh", "tanh_", "clamp", "clamp_", "clamp_min", "clamp_min_", "threshold", "logsigmoid", "glu", "maximum",
    ),
    "gate": ("sigmoid", "sigmoid_", "hardsigmoid", "softmax"),
    "passing": (
        "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "permute", "transpose", "movedim",
        "moveaxis", "swapaxes", "contiguous", "clone", "to", "type", "float", "double", "half", "bfloat16", "ravel",
        "type_as", "expand", "view_as", "reshape_as",
    ),
    "sum": ("add", "add_", "__add__", "__radd__", "__iadd__", "sub", "sub_", "__sub__", "cat", "concat", "stack"),
    "product": ("mul", "mul_", "__mul__", "__rmul__", "__imul__", "multiply"),
}  # fmt: skip
BY_FUNCTION: dict[str, Kind] = {name: kind for kind, names in FUNCTIONS.items() for name in names}
VALUES = frozenset(  # what tells the program the numbers in a tensor, which it can then branch on
    ("__bool__", "__int__", "__float__", "__index__", "__complex__", "item", "tolist", "numpy", "__array__",
     "is_nonzero", "equal", "allclose")
)  # fmt: skip
BY_CLASS: tuple[tuple[Kind, tuple[type[nn.Module], ...]], ...] = (
    ("conv", (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)),
    ("dense", (nn.Linear,)),
    (
        "pool",
        (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d, nn.LPPool2d, nn.FractionalMaxPool2d),
    ),
    ("dropout", (nn.modules.dropout._DropoutNd,)),
    ("gate", (nn.Sigmoid, nn.Hardsigmoid, nn.Softmax)),
    (
        "activation",
        (
            nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish,
            nn.Hardtanh, nn.PReLU, nn.RReLU, nn.Softplus, nn.Softsign, nn.Tanh, nn.Threshold, nn.LogSigmoid, nn.GLU,
        ),
    ),
    ("passing", (nn.Identity, nn.Flatten, nn.Unflatten)),
)  # fmt: skip
NORM_CLASSES: tuple[tuple[str, tuple[type[nn.Module], ...]], ...] = (
    ("batch_norm", (nn.modules.batchnorm._BatchNorm,)),
    ("instance_norm", (nn.modules.instancenorm._InstanceNorm,)),
    ("layer_norm", (nn.LayerNorm,)),
    ("group_norm", (nn.GroupNorm,)),
    ("rms_norm", (nn.RMSNorm,)),
    ("local_response_norm", (nn.LocalResponseNorm,)),
)
WRITTEN_NORM = re.compile(r"Norm(2d|Act)?$|^(Batch|Layer|Group|Instance|RMS)Norm")  # a class that somebody wrote
WRITTEN_DROPOUT = re.compile(r"^(DropPath|StochasticDepth|DropBlock\w*|\w*Dropout\w*)$")
DROP_PATH = "drop_path"  # stochastic depth: whole branches are left out


def kind_of(layer: nn.Module) -> Kind:
    """Return what the layer is, as a whole; `other` where only its parts can say."""
    if _norm(layer) is not None:
        return "norm"
    if _is_written(layer, WRITTEN_DROPOUT):
        return "dropout"
    return next((kind for kind, classes in BY_CLASS if isinstance(layer, classes)), "other")


def word_for(layer: nn.Module) -> str:
    """Return what a normalization or dropout layer is called: `batch_norm`, `dropout`, `drop_path`."""
    norm = _norm(layer)
    if norm is not None:
        return norm
    return DROP_PATH if type(layer).__name__ in ("DropPath", "StochasticDepth") else "dropout"


def function_word(name: str) -> str:
    """Return the same for a function."""
    return name if name in NORMS else "dropout"


def rate_of(layer: nn.Module) -> float:
    """Return how much a dropout layer drops; 1 where nobody can tell."""
    for attribute in ("p", "drop_prob", "rate"):
        rate = getattr(layer, attribute, None)
        if isinstance(rate, int | float):
            return float(rate)
    return 1.0


def is_leaf(layer: nn.Module) -> bool:
    """Return whether the layer counts as a whole, whatever it calls."""
    from torch.jit import ScriptModule

    if kind_of(layer) != "other" or isinstance(layer, ScriptModule):
        return True
    return type(layer).__module__.startswith("torch.nn.") and not list(layer.children())


def _norm(layer: nn.Module) -> str | None:
    for word, classes in NORM_CLASSES:
        if isinstance(layer, classes):
            return word
    return "normalization" if _is_written(layer, WRITTEN_NORM) else None


def _is_written(layer: nn.Module, name: re.Pattern[str]) -> bool:
    """Return whether somebody's class is one by its name, and not a block that has such a layer in it."""
    if type(layer).__module__.startswith("torch.nn.") or name.search(type(layer).__name__) is None:
        return False
    return not list(layer.children())
