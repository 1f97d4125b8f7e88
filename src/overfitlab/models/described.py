"""A network that a function describes to a `Builder`, layer by layer."""

from collections.abc import Callable

from overfitlab.errors import UsageError
from overfitlab.models.foreign import nothing_to_take_out
from overfitlab.models.model import Model, Order
from overfitlab.models.network import Builder, Network


def network(describe: Callable[[Builder, int], object], order: Order) -> Model:
    """Return the network that `describe(build, classes)` describes, with what the method inserts.

    Raises `UsageError` where it ends otherwise than with a number for each class, and where it was to be made bare.
    """
    if order.bare:  # a method normalizes here, or nobody
        raise nothing_to_take_out(order.name)
    build = Builder(
        order.image_shape,
        order.method,
        order.key,
        name=order.name,
        classes=order.classes,
        warm_up=order.warm_up,
        spare_biases=order.name.startswith("resnet"),
    )
    returned = describe(build, order.classes)
    if returned is not None and not isinstance(returned, Network):
        raise UsageError(
            "description_returns_something", "{model} returned a {type}; a function of `build` must return nothing",
            model=order.name, type=type(returned).__name__,
        )  # fmt: skip
    if build.shape != (order.classes,):
        raise UsageError(
            "network_ends_otherwise", "{model} ends with shape {shape}; end with build.dense(classes)",
            model=order.name, shape=build.shape,
        )  # fmt: skip
    return build.network()
