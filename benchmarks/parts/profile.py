"""Where the time of our step goes, by PyTorch's profiler."""

import time
from collections import Counter

from random_training import RandomTraining
from tables import table
from torch.profiler import ProfilerActivity, profile

STEPS, WARM_UP = 50, 10
OWN = "own kernels"
OTHER = "other operations"
BETWEEN = "between operations: Python, and what the profiler cannot see"
GROUPS = {  # the first group with a word that occurs in the operation's name, in lower case
    OWN: ("overfitlab",),
    "convolutions, backward": ("convolution_backward", "convolutionbackward"),
    "convolutions, forward": ("conv",),
    "dense layers": ("mm", "linear", "matmul"),
    "optimizer": ("adam", "_foreach"),
    "loss and metrics": ("softmax", "cross_entropy", "nll", "argmax", "aten::eq", "aten::sum"),
    "normalization, activation, pooling": ("norm", "relu", "threshold", "pool", "clamp"),
    "batches, casts and copies": ("index", "copy", "aten::to", "contiguous", "clone", "sub_", "div_", "permute"),
}


def group_of(operation: str) -> str:
    """Return the group of an operation; names that nobody has thought of are other operations."""
    name = operation.lower()
    return next((group for group, words in GROUPS.items() if any(word in name for word in words)), OTHER)


def profile_table(training: RandomTraining) -> str:
    """Return the share of each group in a step."""
    training.train(WARM_UP)
    begun = time.perf_counter()
    training.train(STEPS)
    plain = time.perf_counter() - begun
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        begun = time.perf_counter()
        training.train(STEPS)
        watched = time.perf_counter() - begun
    milliseconds: Counter[str] = Counter()
    for event in profiler.key_averages():
        milliseconds[group_of(event.key)] += event.self_cpu_time_total / 1000 / STEPS
    milliseconds[BETWEEN] = max(0.0, 1000 * watched / STEPS - milliseconds.total())
    whole = milliseconds.total()
    rows = [[group, f"{each:.2f}", f"{each / whole:.0%}"] for group, each in milliseconds.most_common()]
    return table(["our step, under the profiler", "ms", "share"], rows) + (
        f"{STEPS} steps, once. The profiler lengthens a step, here to {1000 * watched / STEPS:.1f} from "
        f"{1000 * plain / STEPS:.1f} ms, most of all the parts with many short operations.\n\n"
    )
