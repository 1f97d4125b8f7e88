"""A smaller network."""

from dataclasses import dataclass, replace

from overfitlab.methods.base import Method, NetworkSpec, hyperparameter


@dataclass(frozen=True)
class SmallerNetwork(Method):
    """A smaller network: every convolution and hidden dense layer is narrower.

    Equation: filters and units become round(width * n), at least 1; the last dense layer keeps one unit per class.
    Source: the bias-variance trade-off, Geman et al., 1992, Neural Computation 4:1-58.
    Helps: use it when time or memory is short: it memorizes fewer images, and a step is up to 1 / width^2 times faster.
    Hurts: it may be too small for the task; a wide network with another regularization is often more accurate.
    Cost: less than none: fewer parameters, a shorter step. Layers of another shape do not share the initial weights of
    the baseline.
    """

    name = "smaller_network"
    off = {"width": 1.0}  # noqa: RUF012 - the base class declares it as a ClassVar
    width: float = hyperparameter(0.35, low=0.01, high=1.0, search=(0.25, 0.35, 0.5, 0.7))

    def network(self, spec: NetworkSpec) -> NetworkSpec:
        """Return the spec with its width multiplied."""
        return replace(spec, width=spec.width * self.width)
