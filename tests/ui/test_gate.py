"""Who may come in, and what every answer says to browsers."""

import pytest

from overfitlab.ui import gate
from overfitlab.ui.gate import POLICY, Keys, kept_secret

HERE = "127.0.0.1:8000"


def test_nobody_comes_in_without_the_token(stranger):
    for path in ("/", "/new", "/study/small", "/study/small/events", "/nothing", "/?token=", "/?token=wrong"):
        answer = stranger.get(path)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False), path


def test_the_token_becomes_a_cookie_and_leaves_the_address(stranger, keys):
    answer = stranger.get(f"/study/small?token={keys.token}&shown=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/study/small?shown=1")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert keys.token not in cookie
    assert stranger.get("/").status_code == 200


def test_the_token_leads_nowhere_else(stranger, keys):
    for path in ("//evil.example", "/%5Cevil.example", "/\\evil.example"):
        place = stranger.get(f"{path}?token={keys.token}").headers["location"]
        assert place.startswith("/")
        assert not place.startswith(("//", "/\\"))


def test_another_token_does_not_let_in_who_has_the_cookie(visitor):
    assert visitor.get("/?token=wrong").status_code == 403


@pytest.mark.parametrize("host", [HERE, "localhost", "localhost:9", "[::1]:8000", "[::1]", "LOCALHOST:65535"])
def test_names_of_this_machine_with_any_port(visitor, host):
    assert visitor.get("/", headers={"host": host, "origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.", "0.0.0.0:8000", "127.0.0.1:x", ""],
)
def test_no_other_name(visitor, host):
    """A name of a stranger that leads here (DNS rebinding) is not answered."""
    assert visitor.get("/", headers={"host": host, "origin": f"http://{host}"}).status_code == 421


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:8001", "https://127.0.0.1:8000", "http://localhost:8000"],
)
def test_no_other_origin(visitor, origin):
    for method, path in (
        ("POST", "/study/half/stop"),
        ("POST", "/settings"),
        ("GET", "/"),
        ("GET", "/static/page.css"),
    ):
        assert visitor.request(method, path, headers={"origin": origin}).status_code == 403, (method, path)


def test_nothing_is_done_without_an_origin(visitor):
    del visitor.headers["origin"]
    assert visitor.post("/settings").status_code == 403
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_methods(visitor, method):
    assert visitor.request(method, "/").status_code == 403


@pytest.mark.parametrize("path", ["/", "/study/small", "/nothing", "/static/page.css", "/static/stream.js"])
def test_a_strict_policy_on_every_answer(visitor, path):
    headers = visitor.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


def test_a_refusal_has_the_policy_too(stranger):
    assert stranger.get("/").headers["content-security-policy"] == POLICY


def test_the_secret_is_kept_for_the_next_server_and_nobody_else(monkeypatch, tmp_path):
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "cache" / "ui" / "secret"
    first = kept_secret()
    assert (kept_secret(), path.stat().st_mode & 0o777, len(first)) == (first, 0o600, gate.BYTES)
    assert Keys.new(first).value == Keys.new(first).value
    assert Keys.new(first).token != Keys.new(first).token
    path.chmod(0o644)
    second = kept_secret()
    assert second != first
    path.write_bytes(b"half")
    assert len(kept_secret()) == gate.BYTES


def test_a_cache_that_cannot_be_written_is_no_reason_not_to_serve(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path / "file"))
    assert kept_secret() != kept_secret()
