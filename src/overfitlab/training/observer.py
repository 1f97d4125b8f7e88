"""Who wants to know how a run goes on."""

from overfitlab.results.history import EpochRow
from overfitlab.training.metrics import RunningMean


class Observer:
    """Is told what happens; the base class ignores it all."""

    def resumed(self, rows: list[EpochRow]) -> None:
        """The run goes on after these finished epochs."""

    def epoch_started(self, epoch: int, epochs: int, steps: int) -> None:
        """Epoch `epoch` of `epochs`, of that many steps, begins."""

    def step_done(self, step: int, mean: RunningMean) -> None:
        """Step `step` of the epoch, from 1, is done; called often, so it has to be quick."""

    def validation_started(self) -> None:
        """Training of the epoch is done, validation begins."""

    def measuring(self) -> None:
        """Training is over, its outcome is measured."""

    def epoch_done(self, row: EpochRow, steps: int) -> None:
        """The epoch of that many steps is done."""
