"""Talking to a server that may be slow, dead, or not what it says."""

import re
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import requests
import urllib3

from overfitlab._version import __version__
from overfitlab.errors import DownloadError

CONNECT_SECONDS = 4.0
STALL_SECONDS = 20.0  # without a byte
REDIRECTS = 5
OK, PARTIAL, RANGE_NOT_SATISFIABLE = 200, 206, 416


class ServerError(DownloadError):
    """A server does not give the file; `again` where asking it once more may help.

    Its text does not name the server.
    """

    def __init__(self, code: str, template: str = "", /, *, again: bool = False, **values: object) -> None:
        super().__init__(code, template, **values)
        self.again = again


class UnreachableError(ServerError):
    """There is no connection to a server."""


def session() -> requests.Session:
    """Return what requests are made with; it respects the usual variables for proxies and certificates."""
    made = requests.Session()
    made.max_redirects = REDIRECTS
    made.headers["User-Agent"] = f"overfitlab/{__version__}"
    made.headers["Accept-Encoding"] = "identity"  # the checksum is that of the file as it is
    return made


def ask(made: requests.Session, url: str, have: int, size: int) -> tuple[requests.Response, int]:
    """Ask for a file of `size` bytes from byte `have` on; return the open answer and the byte that it begins with.

    That is 0 where the server knows no ranges. Raises `ServerError` where the answer cannot be the file.
    """
    # No If-Range: it needs a validator, which no two servers share; the checksum at the end is the better check.
    response = _get(made, url, {"Range": f"bytes={have}-"} if have else {})
    if have and response.status_code == RANGE_NOT_SATISFIABLE:  # it thinks that the file is shorter
        response.close()
        response = _get(made, url, {})
    try:
        return response, _first_byte(response, have, size)
    except ServerError:
        response.close()
        raise


def _first_byte(response: requests.Response, have: int, size: int) -> int:
    if response.status_code not in (OK, PARTIAL):
        raise ServerError("server_answers_otherwise", "HTTP {status}", status=response.status_code)
    start = 0
    if response.status_code == PARTIAL:
        said = response.headers.get("Content-Range", "nothing")
        fits = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", said.strip())
        if not fits or (int(fits[1]), int(fits[2])) != (have, size - 1) or fits[3] not in (str(size), "*"):
            raise ServerError(
                "server_sends_another_range", "sends another range than it was asked for ({said})", said=said[:60]
            )
        start = have
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise ServerError("server_sends_a_page", "sends a web page instead of the file")
    length = response.headers.get("Content-Length")
    if length is not None and length != str(size - start):
        raise ServerError(
            "server_has_another_size", "has a file of another size ({length} bytes instead of {wanted})",
            length=length[:20], wanted=size - start,
        )  # fmt: skip
    return start


def _get(made: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    try:
        return made.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, STALL_SECONDS))
    except requests.exceptions.SSLError as error:
        raise ServerError(
            "certificate_refused", "its certificate is not accepted; is something between it and this machine?"
        ) from error
    except requests.exceptions.ProxyError as error:
        raise UnreachableError("proxy_refuses", "the proxy does not let it through") from error
    except requests.exceptions.ReadTimeout as error:
        raise ServerError("server_silent", "no answer within {seconds:g} s", seconds=STALL_SECONDS) from error
    except (requests.exceptions.ConnectionError, requests.exceptions.ConnectTimeout) as error:
        raise UnreachableError("no_connection", "no connection") from error
    except requests.exceptions.TooManyRedirects as error:
        raise ServerError("server_redirects", "redirects without end") from error
    # OSError: a certificate file that $REQUESTS_CA_BUNDLE names is missing, for example
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise ServerError(
            "server_cannot_be_asked", "cannot be asked ({reason})", reason=" ".join(str(error).split())[:120]
        ) from error


def next_block(response: requests.Response, most: int) -> bytes:
    """Return the next bytes as soon as there are some, b"" at the end; raises `ServerError` for a broken transfer."""
    raw = response.raw
    try:
        block: bytes = raw.read1(most, decode_content=False)
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
        raise ServerError(
            "transfer_stalled", "nothing came for {seconds:g} s", again=True, seconds=STALL_SECONDS
        ) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ServerError("connection_broke", "the connection broke", again=True) from error
    return block


def reachable(urls: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield each URL with whether its server takes connections.

    All are tried at once, so that being offline is noticed within `CONNECT_SECONDS`, however many servers there are,
    and however long a name server or a firewall stays silent.
    """
    deadline = time.monotonic() + CONNECT_SECONDS
    probes = [_Probe(url, deadline) for url in urls]
    for url, probe in zip(urls, probes, strict=True):
        yield url, probe.succeeds()


class _Probe:
    """One attempt to connect, to all addresses of a server at once, in a thread that nobody has to wait for."""

    def __init__(self, url: str, deadline: float) -> None:
        self._answers = False
        self._deadline = deadline
        self._thread = threading.Thread(target=self._run, args=(url,), daemon=True)
        self._thread.start()

    def succeeds(self) -> bool:
        self._thread.join(max(0.0, self._deadline - time.monotonic()))
        return self._answers

    def _run(self, url: str) -> None:
        try:
            addresses = socket.getaddrinfo(*_peer(url), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, ValueError):
            return
        with selectors.DefaultSelector() as waiting:
            for family, kind, protocol, _, address in addresses:
                self._connect(waiting, socket.socket(family, kind, protocol), address)
            while waiting.get_map() and not self._answers and (left := self._deadline - time.monotonic()) > 0:
                for key, _ in waiting.select(left):
                    trying = key.fileobj
                    assert isinstance(trying, socket.socket)  # noqa: S101 - for mypy: nothing else is registered
                    waiting.unregister(trying)
                    self._answers |= trying.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
                    trying.close()
            for key in list(waiting.get_map().values()):
                waiting.unregister(key.fileobj)
                key.data.close()

    def _connect(self, waiting: selectors.BaseSelector, trying: socket.socket, address: object) -> None:
        trying.setblocking(False)
        try:
            trying.connect(address)  # type: ignore[arg-type]  # whatever getaddrinfo gave
        except BlockingIOError:
            pass
        except OSError:  # no route, a family that this machine does not have
            trying.close()
            return
        waiting.register(trying, selectors.EVENT_WRITE, data=trying)


def _peer(url: str) -> tuple[str, int]:
    """Return host and port that a request for `url` connects to: the proxy's where there is one."""
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    parts = urlsplit(requests.utils.prepend_scheme_if_needed(proxy, "http") if proxy else url)
    if not parts.hostname:
        raise ValueError("no host")
    return parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme, 1080)
