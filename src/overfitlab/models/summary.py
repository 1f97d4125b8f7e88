"""A network as a table, as Keras's `model.summary()` prints it."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from overfitlab.models.model import Model

WIDTHS = (29, 26, 12)


def summary(model: Model, image_shape: tuple[int, int, int], title: str) -> str:
    """Return the table for images of shape (height, width, channels): layer, output shape, parameters."""
    shapes = _output_shapes(model, image_shape)
    width = sum(WIDTHS)
    lines = [f'Model: "{title}"', "_" * width, _row("Layer (type)", "Output Shape", "Param #"), "=" * width]
    for name, layer in _leaves(model):
        numbers = [*layer.parameters(), *layer.buffers()]
        count = sum(tensor.numel() for tensor in numbers)
        kind = type(layer).__name__.removesuffix("Layer")
        lines.append(_row(f"{name} ({kind})", shapes[name], str(count)))
    total, trained = model.parameter_counts()
    lines += [
        "=" * width,
        f"Total params: {total:,}",
        f"Trainable params: {trained:,}",
        f"Non-trainable params: {total - trained:,}",
    ]
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return "".join(f" {cell}".ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def _leaves(model: Model) -> Iterator[tuple[str, nn.Module]]:
    for name, layer in model.named_children():
        if isinstance(layer, nn.Sequential):  # what the methods put at one site
            yield from ((f"{name}.{part}", child) for part, child in layer.named_children())
        else:
            yield name, layer


def _output_shapes(model: Model, image_shape: tuple[int, int, int]) -> dict[str, str]:
    """Return each layer's output shape in Keras's order (batch, height, width, channels)."""
    shapes: dict[str, str] = {}

    def note_shape_as(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(_layer: nn.Module, _inputs: object, output: Tensor) -> None:
            sizes = output.shape[1:] if output.ndim == 2 else (*output.shape[2:], output.shape[1])
            shapes[name] = f"(None, {', '.join(str(size) for size in sizes)})"

        return hook

    hooks = [layer.register_forward_hook(note_shape_as(name)) for name, layer in _leaves(model)]
    height, width, channels = image_shape
    dtype = next(model.parameters()).dtype
    training = model.training
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, channels, height, width, dtype=dtype))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return shapes
