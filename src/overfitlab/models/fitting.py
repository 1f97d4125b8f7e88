"""What images a network would take, where it does not take these: found out by trying."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from overfitlab.errors import OverfitlabError, UsageError, is_want_of_memory
from overfitlab.models.model import Order
from overfitlab.models.outputs import logits_in
from overfitlab.models.own_code import OwnCode
from overfitlab.models.trying import drawing_from

# pixels a side that networks are usually made for, the likeliest first
SIZES = (
    32, 28, 64, 224, 96, 128, 48, 16, 8, 56, 112,
    160, 192, 24, 40, 80, 100, 150, 200, 12, 20, 50,
)  # fmt: skip
CHANNELS = (3, 1)
IMAGES = 2
CODES = ("network_takes_another_size", "network_takes_other_channels", "network_takes_another_shape")
Shape = tuple[int, int, int]  # height, width, channels


def advice(makes: Sequence[Callable[[], object]], code: OwnCode, order: Order) -> OverfitlabError | None:
    """Return the error that says which images the network takes, and how to get them; None where that is not it.

    Each of `makes` returns the network, or fails.
    """
    for make in makes:
        try:
            with drawing_from(order.key / "init" / "network"):
                network = make()
                if not isinstance(network, nn.Module):
                    continue
                said = _failure(network.eval().float(), order.image_shape, order)
                if said is None:
                    continue
                for shape in _shapes(order.image_shape):
                    if _failure(network, shape, order) is None:
                        return _error(shape, code.explain(said), order)
        except (Exception, SystemExit) as error:  # whatever somebody's code does: the tries have said what
            if is_want_of_memory(error):
                raise
    return None


def side_that_fits(network: nn.Module, order: Order) -> int | None:
    """Return the first of the usual sizes, in pixels a side, whose images the network takes; None for none of them."""
    channels = order.image_shape[2]
    return next((side for side in SIZES if _failure(network, (side, side, channels), order) is None), None)


def _shapes(image_shape: Shape) -> Iterator[Shape]:
    """Yield other shapes, the nearest first: other channels, then another size, then both."""
    height, width, channels = image_shape
    others = [each for each in CHANNELS if each != channels]
    yield from ((height, width, each) for each in others)
    for each in (channels, *others):
        yield from ((size, size, each) for size in SIZES if (size, size, each) != image_shape)


def _failure(network: nn.Module, shape: Shape, order: Order) -> Exception | None:
    """Return what goes wrong with images of that shape; None where logits come out."""
    height, width, channels = shape
    try:
        with torch.no_grad():
            output = logits_in(network(torch.zeros(IMAGES, channels, height, width)), order.classes)
    except Exception as error:  # whatever somebody's code does
        if is_want_of_memory(error):
            raise
        return error
    if isinstance(output, Tensor) and len(output) != IMAGES:  # view(-1, 400) makes other images of them
        return ValueError(f"a batch of {IMAGES} becomes {len(output)}")
    return None


def _error(shape: Shape, said: OverfitlabError, order: Order) -> UsageError:
    height, width, channels = shape
    values: dict[str, object] = {
        "model": order.name, "takes": "x".join(map(str, shape)), "has": "x".join(map(str, order.image_shape)),
        "size": str(height) if height == width else f"{height}x{width}", "reason": said,
        "channels": order.image_shape[2], "wanted": channels,
    }  # fmt: skip
    if channels == order.image_shape[2]:
        values = {name: values[name] for name in ("model", "takes", "has", "size", "reason")}
        return UsageError(
            "network_takes_another_size",
            "{model} takes images of {takes}, not {has} ({reason}); resize them with --image-size {size}",
            **values,
        )
    if (height, width) == order.image_shape[:2]:
        values = {name: values[name] for name in ("model", "wanted", "channels", "reason")}
        return UsageError(
            "network_takes_other_channels",
            "{model} takes {wanted}-channel images, and these are {channels}-channel ones ({reason}); build its first "
            "layer for them, best by a parameter: Net(in_channels, num_classes)",
            **values,
        )
    return UsageError(
        "network_takes_another_shape",
        "{model} takes images of {takes}, not {has} ({reason}); resize them with --image-size {size}, and build its "
        "first layer for {channels}-channel images instead of {wanted}-channel ones",
        **values,
    )
