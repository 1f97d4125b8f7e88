"""Tells a listener how far a stream of outcomes has come."""

from collections.abc import Generator, Iterable
from typing import TypeVar

from overfitlab.events import Listener, TaskBegan, TaskEnded
from overfitlab.reasons import Reason

Outcome = TypeVar("Outcome")


def followed(outcomes: Iterable[Outcome], total: int, task: Reason, listener: Listener) -> Generator[Outcome]:
    """Yield outcomes, one for each of `total` images, and tell the listener of each.

    Raises `CancelledError` once the listener was cancelled.
    """
    listener.on(TaskBegan(task, total, "images"))
    try:
        for done, outcome in enumerate(outcomes, start=1):
            yield outcome
            listener.advanced(done)
    finally:
        listener.on(TaskEnded())
