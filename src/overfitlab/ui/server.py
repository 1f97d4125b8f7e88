"""The server: on this machine alone, told to its user by an address that has the token."""

import asyncio
import contextlib
import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from overfitlab.errors import OverfitlabError
from overfitlab.ui.gate import TOKEN, Keys, kept_secret
from overfitlab.words.languages import spoken

if TYPE_CHECKING:
    from overfitlab.ui.desk import Desk

HOST = "127.0.0.1"
BACKLOG = 128
PATIENCE = 3  # seconds for answers that are being given when the server is to end


class Server(uvicorn.Server):
    """A server whose streams end when it is told to: they would keep it for ever."""

    def __init__(self, config: uvicorn.Config, desk: "Desk") -> None:
        super().__init__(config)
        self._desk = desk

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let the streams end, and then the server."""
        self._desk.closing.set()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # answers that are given up now are no news
        super().handle_exit(sig, frame)


def bound(port: int) -> socket.socket:
    """Return a socket on that port of this machine, any free one for 0; raises `OverfitlabError` where it is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # where it would let two servers share a port
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        found.close()
        raise OverfitlabError(
            "port_is_taken", "port {port} cannot be used ({reason}); choose another --port, or leave it out",
            port=port, reason=getattr(error, "strerror", None) or str(error),
        ) from error  # fmt: skip
    return found


def serve(runs: Path, port: int, data: Sequence[str], *, browser: bool) -> None:
    """Serve the pages until Ctrl-C; studies that were started go on."""
    say = spoken()
    keys = Keys.new(kept_secret())
    with bound(port) as listening:
        address = f"http://{HOST}:{listening.getsockname()[1]}/?{TOKEN}={keys.token}"
        print(say("The page: {address}", address=address), flush=True)  # noqa: T201 - what it is for
        print(say("Ctrl-C stops the server; studies already started continue."), flush=True)  # noqa: T201
        if browser:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(address)
        from overfitlab.ui.app import application  # takes seconds, in which the browser begins too
        from overfitlab.ui.desk import Desk
        from overfitlab.ui.look import warm
        from overfitlab.ui.processes import Processes

        threading.Thread(target=warm, daemon=True).start()
        desk = Desk(runs, Processes(runs), tuple(data))
        config = uvicorn.Config(
            application(desk, keys), log_level="error", access_log=False, lifespan="off", server_header=False,
            date_header=False, timeout_graceful_shutdown=PATIENCE, ws="none",
        )  # fmt: skip
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            Server(config, desk).run(sockets=[listening])
