"""A network as a table, as Keras's `model.summary()` prints it."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from overfitlab.models.model import Call, Model, trace

WIDTHS = (29, 26, 12)  # of the columns, at least
MOST_ROWS = 100  # beyond that, blocks of layers are shown as one row each
CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


@dataclass(frozen=True)
class _Row:
    name: str
    layer: nn.Module
    tensors: list[Tensor]  # that the row counts


def summary(model: Model, image_shape: tuple[int, int, int], title: str) -> str:
    """Return the table for images of shape (height, width, channels): layer, output shape, parameters.

    Nested layers have dotted names; a block follows the layers that are in it, since its output does. In a network of
    more than 100 rows blocks are one row each, down to the depth at which the table has at most as many.
    """
    if tuple(image_shape) != model.image_shape:
        raise ValueError(f"{model.name} was built for images of {model.image_shape}, not {image_shape}")
    shapes = {call.name: _shape(call) for call in trace(model)}
    rows, folded = _rows(model)
    cells = [("Layer (type)", "Output Shape", "Param #")]
    counted: set[int] = set()  # tied weights count once
    for row in rows:
        new = {id(tensor): tensor for tensor in row.tensors if id(tensor) not in counted}
        counted |= new.keys()
        kind = type(row.layer).__name__.removesuffix("Layer")
        count = sum(tensor.numel() for tensor in new.values())
        cells.append((f"{row.name} ({kind})", shapes.get(row.name, "?"), str(count)))
    widths = [max(least, *(len(row[column]) + 1 for row in cells)) for column, least in enumerate(WIDTHS)]
    heading, *body = ["".join(f" {cell}".ljust(size) for cell, size in zip(row, widths, strict=True)) for row in cells]
    total, trained = model.parameter_counts()
    lines = [
        f'Model: "{title}"',
        "_" * sum(widths),
        heading.rstrip(),
        "=" * sum(widths),
        *(row.rstrip() for row in body),
        "=" * sum(widths),
        f"Total params: {total:,}",
        f"Trainable params: {trained:,}",
        f"Non-trainable params: {total - trained:,}",
    ]
    if folded:
        lines.append("Blocks of layers are shown as one row each.")
    return "\n".join(lines) + "\n"


def _rows(model: Model) -> tuple[list[_Row], bool]:
    """Return the rows at the greatest depth that keeps the table short, and whether that hides any layers."""
    deepest = max(name.count(".") for name, _ in model.named_modules()) + 1
    rows = list(_below(model, "", deepest))
    depth = deepest
    while len(rows) > MOST_ROWS and depth > 1:
        depth -= 1
        rows = list(_below(model, "", depth))
    return rows, depth < deepest


def _below(layer: nn.Module, name: str, depth: int) -> Iterator[_Row]:
    """Yield a row for everything in `layer`, down to that many levels, and for itself where it does something."""
    children = list(layer.named_children())
    if name and (not children or depth == 0):
        yield _Row(name, layer, _floats(layer, recurse=True))
        return
    for child_name, child in children:
        yield from _below(child, f"{name}.{child_name}" if name else child_name, depth - 1)
    own = _floats(layer, recurse=False)
    if own or (name and type(layer) not in CONTAINERS):
        yield _Row(name or "itself", layer, own)


def _floats(layer: nn.Module, *, recurse: bool) -> list[Tensor]:
    tensors = (*layer.parameters(recurse), *layer.buffers(recurse))
    return [tensor for tensor in tensors if tensor.is_floating_point()]


def _shape(call: Call) -> str:
    """Return the layer's output shape in Keras's order (batch, height, width, channels)."""
    if not isinstance(call.output, Tensor):
        return "?"
    sizes = list(call.output.shape[1:])
    if call.output.ndim == 4:
        sizes = [*sizes[1:], sizes[0]]
    return f"({', '.join(['None', *map(str, sizes)])})"
