"""Who may come in: a page of this machine's user, and nobody that another page sends.

- The token in the address is exchanged for a cookie at once, and leaves the address. It is good while the server lives;
  the cookie also after that, so that a page that was open finds a server again that was started anew.
- Host and Origin: only names of this machine, with any port (`ssh -L`), so that no other name can be made to lead here
  (DNS rebinding), and no page of another origin can send anything.
- Every answer has a strict content security policy: scripts and styles are files of ours, nothing is evaluated.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overfitlab.files import cache_folder, read_whole

NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
TOKEN = "token"  # noqa: S105 - the name of a field
BYTES = 32
STATIC = "/static/"
SAFE = ("GET", "HEAD")
POLICY = "; ".join([
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
])  # fmt: skip
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with less, browsers hide the origin of our own forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
REFUSED = "Open the address that overfitlab ui printed: it has the token that lets you in.\n"


@dataclass(frozen=True)
class Keys:
    """What lets somebody in: the `token` in the address, once, and from then on a cookie."""

    token: str
    cookie: str  # its name
    value: str

    @classmethod
    def new(cls, secret: bytes) -> "Keys":
        """Return a fresh token, and the cookie that belongs to a secret.

        Its name is of the secret, too: browsers keep cookies by host alone, and another port may lead to another
        machine.
        """
        value = hmac.new(secret, b"session", hashlib.sha256).hexdigest()
        name = hmac.new(secret, b"name", hashlib.sha256).hexdigest()[:8]
        return cls(secrets.token_urlsafe(BYTES), f"overfitlab-{name}", value)


def kept_secret() -> bytes:
    """Return the secret of this user on this machine, which only they can read; a new one where it cannot be kept."""
    path = cache_folder() / "ui" / "secret"
    fresh = secrets.token_bytes(BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _create(path, fresh)
        except FileExistsError:
            known = read_whole(path, BYTES)
            if len(known) == BYTES and not path.stat().st_mode & 0o077:
                return known
            path.unlink()  # half written, or open to others
            _create(path, fresh)
    except OSError:
        pass
    return fresh


def _create(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)


class Gate:
    """Lets requests through to the pages that may come in, and puts the headers on what comes out."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":  # there are no web sockets here
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, sent)

    def _answer(self, scope: Scope) -> Response | None:
        """Return what is answered in place of the page: a refusal, or the cookie; None where the page may be seen."""
        headers, safe = Headers(scope=scope), scope["method"] in SAFE
        refusal = _refused(headers, scope["method"])
        if refusal is not None or (safe and scope["path"].startswith(STATIC)):
            return refusal
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = next((value for name, value in query if name == TOKEN), None)
        if safe and given is not None and hmac.compare_digest(given.encode(), self._keys.token.encode()):
            rest = urlencode([(name, value) for name, value in query if name != TOKEN])
            path = quote(scope["path"]) if not scope["path"].startswith(("//", "/\\")) else "/"
            found = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
            found.set_cookie(self._keys.cookie, self._keys.value, httponly=True, samesite="strict", path="/")
            return found
        if given is not None or not self._known(headers.getlist("cookie")):
            return PlainTextResponse(REFUSED, 403)
        return None

    def _known(self, cookies: list[str]) -> bool:
        for line in cookies:
            try:
                found = SimpleCookie(line).get(self._keys.cookie)
            except CookieError:
                continue
            if found is not None and hmac.compare_digest(found.value.encode(), self._keys.value.encode()):
                return True
        return False


def _refused(headers: Headers, method: str) -> Response | None:
    """Return the refusal of a request that no page of ours sends: for another host, or by another page."""
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or not _is_here(hosts[0]):
        return PlainTextResponse("This server answers to 127.0.0.1 and localhost alone.\n", 421)
    if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins):
        return PlainTextResponse("This page was asked by another one.\n", 403)
    if method not in SAFE and (method != "POST" or len(origins) != 1):
        return PlainTextResponse("Only the page itself can do that.\n", 403)
    return None


def _is_here(host: str) -> bool:
    """Return whether a Host header names this machine, with any port."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, ""
    return name.lower() in NAMES and ((port.isascii() and port.isdigit()) or not port)
