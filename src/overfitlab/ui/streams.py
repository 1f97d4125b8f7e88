"""Server-sent events: what has changed on a page, as often as it changes, while somebody looks at it.

An event has the name of the state as its id. Who comes back with the id of the state that is still so is told nothing
until it changes; who has another one is told all parts of the page once. Making parts takes a share of a core that a
study hardly feels: where they take longer to make, they come less often.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse

from overfitlab.ui.desk import Desk
from overfitlab.ui.parts import Part, Parts, news

TICK = 0.2  # seconds between two looks
LEAST, MOST = 0.75, 5.0  # seconds between two events
SHARE = 0.02  # of a core, that making them may take: the study has better use for it
MORE, MOST_MORE = 0.75, 4.0  # times as much for each run that is trained at once: they have as many cores
ALIVE = 15.0  # seconds without an event after which a comment keeps the connection open, or finds it closed
LONGEST_ID = 64

Snapshot = tuple[str, Callable[[], Parts]]  # what the state is called, and what makes its parts


def stream(
    desk: Desk, request: Request, look: Callable[[], Snapshot | None], tick: float = TICK,
    at_once: Callable[[], int] = lambda: 1,
) -> StreamingResponse:  # fmt: skip
    """Return the stream of what `look` sees; where that is None there is nothing any more, and the page is to go.

    `at_once` says how many runs are trained at the time.
    """
    known = request.headers.get("last-event-id") or request.query_params.get("since", "")
    events = _events(desk, look, known[:LONGEST_ID], tick, at_once)
    return StreamingResponse(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _events(
    desk: Desk, look: Callable[[], Snapshot | None], known: str, tick: float, at_once: Callable[[], int]
) -> AsyncIterator[str]:
    told: dict[str, Part] = {}
    said, first = time.monotonic(), True
    yield "retry: 1000\n: open\n\n"
    while not desk.closing.is_set():
        found = await to_thread.run_sync(look)
        if found is None:
            yield _event("gone", known, {})
            return
        state, make = found
        if state != known:
            parts, cost = await to_thread.run_sync(_timed, make)
            different = news(parts, told)
            told |= parts
            known, said = state, time.monotonic()
            yield _event("parts", state, different)
            await _wait(desk, pause(cost, at_once()) - tick)
        elif first:
            told |= await to_thread.run_sync(make)  # what a page has that was just read, and is kept
        elif time.monotonic() - said > ALIVE:
            said = time.monotonic()
            yield ": alive\n\n"
        first = False
        await _wait(desk, tick)


def pause(cost: float, at_once: int = 1) -> float:
    """Return how many seconds are to pass after something that took so much processor time."""
    share = SHARE * min(max(MORE * at_once, 1.0), MOST_MORE)
    return min(max(LEAST, cost / share), MOST)


def _timed(make: Callable[[], Parts]) -> tuple[Parts, float]:
    """Return the parts, and the seconds of processor time that they took."""
    began = time.thread_time()
    return make(), time.thread_time() - began


async def _wait(desk: Desk, seconds: float) -> None:
    if seconds > 0 and not desk.closing.is_set():
        await asyncio.sleep(seconds)


def _event(kind: str, state: str, parts: Mapping[str, str]) -> str:
    return f"event: {kind}\nid: {state}\ndata: {json.dumps(parts)}\n\n"
