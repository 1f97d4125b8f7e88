"""Fetching from servers that cut, stall, lie and refuse: the right file or none, and never a wrong byte kept."""

import errno
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from overfitlab.data.catalog import download, servers
from overfitlab.data.catalog.download import OfflineError, fetch_file, part_of
from overfitlab.errors import DownloadError
from overfitlab.events import Listener, TaskAdvanced, TaskBegan, TaskEnded, TaskNoted
from overfitlab.words.language import ENGLISH

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
TARGET = Path("folder/file.bin")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(servers, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(servers, "STALL_SECONDS", 0.5)
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)


class Ears(Listener):
    def __init__(self):
        self.began_with, self.last, self.endings, self.said_lines = [], [], 0, []

    def on(self, event):
        match event:
            case TaskBegan():
                assert self.endings == len(self.began_with), "one task at a time"
                assert event.unit == "bytes"
                assert event.total == len(CONTENT)
                self.began_with.append(event.done)
                self.last.append(event.done)
            case TaskAdvanced():
                assert event.done <= len(CONTENT)
                self.last[-1] = event.done
            case TaskEnded():
                self.endings += 1
            case TaskNoted():
                self.said_lines.append(ENGLISH.reason(event.reason))


def fetch(*urls, sha256=SHA256, md5=None, listener=None):
    return fetch_file(urls, TARGET, size=len(CONTENT), sha256=sha256, md5=md5, listener=listener)


def leave_part(content):
    TARGET.parent.mkdir(exist_ok=True)
    part_of(TARGET).write_bytes(content)


def assert_complete():
    assert TARGET.read_bytes() == CONTENT
    assert not part_of(TARGET).exists()


def test_a_good_server_gives_the_file_and_is_not_asked_again(serve):
    server, ears = serve(CONTENT), Ears()
    assert fetch(server.url, listener=ears)
    assert_complete()
    assert (ears.began_with, ears.last, ears.endings) == ([0], [len(CONTENT)], 1)
    assert not fetch(server.url)
    assert server.asked == [None]


@pytest.mark.parametrize("sums", [{"sha256": SHA256, "md5": MD5}, {"sha256": None, "md5": MD5}])
def test_either_checksum_will_do(serve, sums):
    fetch(serve(CONTENT).url, **sums)
    assert_complete()


@pytest.mark.parametrize("sums", [{"sha256": SHA256, "md5": "0" * 32}, {"sha256": "0" * 64, "md5": MD5}])
def test_all_given_checksums_have_to_be_right(serve, sums):
    with refused(DownloadError, "no_server_gave_it", reasons="127.0.0.1: sent wrong bytes"):
        fetch(serve(CONTENT).url, **sums)
    assert not TARGET.exists()
    assert not part_of(TARGET).exists()


def test_a_damaged_file_under_the_name_is_replaced(serve):
    leave_part(b"")
    TARGET.write_bytes(b"damaged")
    assert fetch(serve(CONTENT).url)
    assert_complete()


def test_what_is_there_is_resumed_and_only_the_rest_is_sent(serve):
    server, ears = serve(CONTENT), Ears()
    leave_part(CONTENT[:200_000])
    fetch(server.url, listener=ears)
    assert_complete()
    assert server.asked == ["bytes=200000-"]
    assert server.sent == 100_000
    assert ears.began_with == [200_000]


def test_a_complete_part_is_put_in_place_without_asking(serve):
    server = serve(CONTENT)
    leave_part(CONTENT)
    fetch(server.url)
    assert_complete()
    assert server.asked == []


@pytest.mark.parametrize("part", [CONTENT + b"x", b"y" * len(CONTENT)])
def test_a_bogus_part_is_thrown_away(serve, part):
    leave_part(part)
    fetch(serve(CONTENT).url)
    assert_complete()


def test_a_part_with_wrong_bytes_costs_one_more_transfer_from_the_same_server(serve):
    server, ears = serve(CONTENT), Ears()
    leave_part(b"z" * 1000)
    fetch(server.url, listener=ears)
    assert_complete()
    assert server.asked == ["bytes=1000-", None]
    assert "do not match" in ears.said_lines[0]


# Servers that misbehave. Each takes the request's handler and the content.


def cuts(request, content):
    request.answer(200, content[:100_000], length=len(content))
    request.connection.shutdown(socket.SHUT_RDWR)


def stalls(request, content):
    cuts_after = content[:150_000]
    request.answer(200, cuts_after, length=len(content))
    time.sleep(3)


def silent(_request, _content):
    time.sleep(3)


def hangs_up(request, _content):
    request.connection.shutdown(socket.SHUT_RDWR)


def too_long(request, content):
    request.answer(200, content + b"more")


def too_short(request, content):
    request.answer(200, content[:-1])


def says_more_than_it_sends(request, content):
    request.answer(200, content[:-1], length=len(content))
    request.connection.shutdown(socket.SHUT_RDWR)


def no_length_and_short(request, content):
    request.answer(200, content[:-10], length=False)


def wrong_bytes(request, content):
    request.answer(200, bytes(len(content)))


def wrong_bytes_encoded(request, content):
    request.answer(200, bytes(len(content)), headers={"Content-Encoding": "gzip"})


def endless(request, content):
    request.answer(200, b"", length=False)
    while True:
        request.send(bytes(65536))


def endless_chunks(request, _content):
    request.answer(200, b"", headers={"Transfer-Encoding": "chunked"}, length=False)
    while True:
        request.send(b"10000\r\n" + bytes(65536) + b"\r\n")


def broken_chunks(request, _content):
    request.answer(200, b"", headers={"Transfer-Encoding": "chunked"}, length=False)
    request.send(b"this is no chunk\r\n")


def web_page(request, content):
    page = b"<html>please log in</html>".ljust(len(content))
    request.answer(200, page, headers={"Content-Type": "text/html; charset=utf-8"})


def status(code):
    def answer(request, _content):
        request.answer(code, b"no")

    answer.__name__ = f"http_{code}"
    return answer


def redirects_nowhere(request, _content):
    request.answer(302, b"", headers={"Location": "http://127.0.0.1:9/"})


def redirects_for_ever(request, _content):
    request.answer(302, b"", headers={"Location": "/again"})


def redirects_to_a_file(request, _content):
    request.answer(302, b"", headers={"Location": "file:///etc/passwd"})


def speaks_gibberish(request, _content):
    request.wfile.write(b"\x00\xff" * 50 + b"\r\n\r\n")


MISBEHAVING = [
    cuts, stalls, silent, hangs_up, too_long, too_short, says_more_than_it_sends, no_length_and_short, wrong_bytes,
    wrong_bytes_encoded, endless, endless_chunks, broken_chunks, web_page, status(403), status(404), status(429),
    status(500), status(503), status(204), redirects_nowhere, redirects_for_ever, redirects_to_a_file, speaks_gibberish,
]  # fmt: skip


@pytest.mark.parametrize("behave", MISBEHAVING, ids=lambda behave: behave.__name__)
def test_a_bad_server_leads_to_the_next(serve, behave):
    bad, good, ears = serve(CONTENT, behave), serve(CONTENT), Ears()
    fetch(bad.url, good.url, listener=ears)
    assert_complete()
    assert ears.endings == len(ears.began_with)
    assert any(line.startswith("127.0.0.1: ") for line in ears.said_lines)
    assert len(good.asked) <= 2
    assert len(bad.asked) <= servers.REDIRECTS + 1


@pytest.mark.parametrize("behave", MISBEHAVING, ids=lambda behave: behave.__name__)
def test_a_bad_server_alone_is_one_line_and_no_file(serve, behave):
    with pytest.raises(DownloadError) as caught:
        fetch(serve(CONTENT, behave).url)
    assert "\n" not in str(caught.value)
    assert not TARGET.exists()
    part = part_of(TARGET)
    assert not part.exists() or part.stat().st_size <= len(CONTENT)


@pytest.mark.parametrize("behave", [cuts, stalls, no_length_and_short, says_more_than_it_sends])
def test_what_a_broken_transfer_brought_is_resumed_from_the_next_server(serve, behave):
    good = serve(CONTENT)
    fetch(serve(CONTENT, behave).url, good.url)
    [asked] = good.asked
    assert asked is not None
    assert asked.startswith("bytes=")
    assert good.sent < len(CONTENT)


def test_a_server_that_cuts_again_and_again_is_asked_again_while_it_brings_something(serve):
    def cuts_often(request, content):
        request.answer_from(content, most=40_000)

    server = serve(CONTENT, cuts_often)
    fetch(server.url)
    assert_complete()
    assert len(server.asked) == 8


def test_a_server_that_gives_next_to_nothing_each_time_is_given_up(serve):
    def drips(request, content):
        request.answer_from(content, most=10)

    server = serve(CONTENT, drips)
    with pytest.raises(DownloadError):
        fetch(server.url)
    assert len(server.asked) == download.FAILURES


def test_a_server_that_cuts_and_lies_does_not_keep_us_for_ever(serve):
    def lies_in_pieces(request, content):
        request.answer_from(bytes(len(content)), most=len(content) // 2)

    server, good = serve(CONTENT, lies_in_pieces), serve(CONTENT)
    fetch(server.url, good.url)
    assert_complete()
    assert len(server.asked) <= 4
    assert good.asked == [None]


def test_certificates_that_are_missing_are_not_taken_for_a_full_disk(serve, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/missing.pem")
    server = serve(CONTENT)
    with refused(DownloadError, "no_server_gave_it", match=r"cannot be asked .*missing\.pem"):
        fetch(server.url.replace("http:", "https:"))


def ignores_ranges(request, content):
    request.answer(200, content)


def refuses_ranges(request, content):
    if request.headers.get("Range"):
        request.answer(416, b"", headers={"Content-Range": f"bytes */{len(content)}"})
    else:
        request.answer(200, content)


@pytest.mark.parametrize("behave", [ignores_ranges, refuses_ranges])
def test_a_server_without_ranges_starts_over(serve, behave):
    leave_part(CONTENT[:200_000])
    ears = Ears()
    fetch(serve(CONTENT, behave).url, listener=ears)
    assert_complete()
    assert ears.began_with == [0]


def range_answer(said):
    def answer(request, content):
        request.answer(206, content[100_000:], headers={"Content-Range": said} if said else {})

    return answer


@pytest.mark.parametrize(
    "said",
    [
        None,
        "bytes 0-199999/300000",  # another beginning
        "bytes 100000-299999/300001",  # of another file
        "bytes 100000-299998/300000",
        "bytes 100000-",
        "items 100000-299999/300000",
        "nonsense",
    ],
)
def test_a_wrong_content_range_is_not_believed(serve, said):
    leave_part(CONTENT[:100_000])
    good = serve(CONTENT)
    fetch(serve(CONTENT, range_answer(said)).url, good.url)
    assert_complete()
    assert good.asked == ["bytes=100000-"], "what was there is kept"


def test_a_range_of_unknown_total_will_do(serve):
    leave_part(CONTENT[:100_000])
    fetch(serve(CONTENT, range_answer("bytes 100000-299999/*")).url)
    assert_complete()


def test_a_chunked_answer_and_one_without_a_length_will_do(serve):
    def chunked(request, content):
        request.answer(200, b"", headers={"Transfer-Encoding": "chunked"}, length=False)
        for start in range(0, len(content), 7000):
            block = content[start : start + 7000]
            request.send(f"{len(block):x}\r\n".encode() + block + b"\r\n")
        request.send(b"0\r\n\r\n")

    def unknown_length(request, content):
        request.answer(200, content, length=False)

    for behave in (chunked, unknown_length):
        fetch(serve(CONTENT, behave).url)
        assert_complete()
        TARGET.unlink()


def test_a_body_that_calls_itself_compressed_is_taken_as_it_is(serve):
    """Some servers say that of every .gz file."""

    def labelled(request, content):
        request.answer(200, content, headers={"Content-Encoding": "x-gzip"})

    fetch(serve(CONTENT, labelled).url)
    assert_complete()


def test_a_redirect_is_followed(serve):
    good = serve(CONTENT)

    def redirects(request, _content):
        request.answer(302, b"", headers={"Location": good.url})

    fetch(serve(CONTENT, redirects).url)
    assert_complete()


def test_a_trickle_goes_on_and_a_crawl_does_not(serve, monkeypatch):
    def trickles(request, content):
        request.answer(200, b"", length=len(content))
        for position in range(0, len(content), 10_000):
            request.send(content[position : position + 10_000])
            time.sleep(0.02)

    fetch(serve(CONTENT, trickles).url)
    assert_complete()
    TARGET.unlink()
    monkeypatch.setattr(download, "CRAWL_SECONDS", 0.1)
    monkeypatch.setattr(download, "CRAWL_BYTES", 10**6)
    good = serve(CONTENT)
    fetch(serve(CONTENT, trickles).url, good.url)
    assert_complete()
    assert good.asked[0].startswith("bytes=")


def dead_url():
    with socket.socket() as taken:  # a port that nobody listens on
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/file"


def test_a_dead_server_leads_to_the_next(serve):
    good, ears = serve(CONTENT), Ears()
    fetch(dead_url(), "http://host.invalid/file", "http:///nohost", good.url, listener=ears)
    assert_complete()
    assert len(ears.said_lines) == 3


@pytest.mark.usefixtures("serve")
def test_offline_is_said_so():
    with refused(OfflineError, "no_server_reached"):
        fetch(dead_url(), dead_url())
    assert not part_of(TARGET).exists()


@pytest.mark.usefixtures("serve")
def test_offline_is_noticed_within_seconds_however_long_a_name_server_is_silent(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(60) and [])
    began = time.monotonic()
    with pytest.raises(OfflineError):
        fetch(*(f"http://host{number}.invalid/file" for number in range(8)))
    assert time.monotonic() - began < 8 * servers.CONNECT_SECONDS, "all servers are tried at once"
    release.set()


def test_offline_can_be_forced(serve, monkeypatch):
    server = serve(CONTENT)
    monkeypatch.setenv("OVERFITLAB_OFFLINE", "1")
    with refused(OfflineError, "network_forbidden", variable="OVERFITLAB_OFFLINE"):
        fetch(server.url)
    assert server.asked == []
    assert not TARGET.parent.exists()
    monkeypatch.setenv("OVERFITLAB_OFFLINE", "0")
    fetch(server.url)
    assert_complete()


def test_a_proxy_is_what_has_to_be_reachable(serve, monkeypatch):
    asked = []

    def proxies(request, content):
        asked.append(request.path)
        serve.well(request, content)

    proxy = serve(CONTENT, proxies)
    monkeypatch.setenv("http_proxy", proxy.base)
    fetch("http://host.invalid/file")
    assert_complete()
    assert asked == ["http://host.invalid/file"]


FETCH = f"""
import sys
from pathlib import Path
from overfitlab.data.catalog.download import fetch_file
from overfitlab.events import Listener, TaskAdvanced, TaskBegan
class Loud(Listener):
    def on(self, event):
        if isinstance(event, TaskBegan): print(event.task.code, flush=True)
        if isinstance(event, TaskAdvanced): print("at", event.done, flush=True)
print("done", fetch_file(sys.argv[1:], Path({str(TARGET)!r}), size={len(CONTENT)}, sha256={SHA256!r}, listener=Loud()))
"""


@pytest.mark.slow
def test_two_processes_at_once_make_one_transfer(serve):
    gate = threading.Event()

    def waits(request, content):
        request.answer(200, content[:1000], length=len(content))
        gate.wait(60)
        request.send(content[1000:])

    server = serve(CONTENT, waits)
    first, second = (
        subprocess.Popen([sys.executable, "-c", FETCH, server.url], stdout=subprocess.PIPE, text=True) for _ in range(2)
    )
    first_lines = [first.stdout.readline(), second.stdout.readline()]
    gate.set()
    outputs = [first.communicate(timeout=60)[0], second.communicate(timeout=60)[0]]
    assert sorted(line.split()[0] for line in first_lines) == ["fetching", "waiting_for_another_fetch"]
    assert sorted(output.splitlines()[-1] for output in outputs) == ["done False", "done True"]
    assert server.asked == [None]
    assert_complete()


@pytest.mark.slow
def test_a_process_that_is_killed_gives_way_and_its_part_is_resumed(serve):
    def slow_then_well(request, content):
        if request.headers.get("Range"):
            serve.well(request, content)
            return
        request.answer(200, content[:100_000], length=len(content))
        time.sleep(30)

    server = serve(CONTENT, slow_then_well)
    process = subprocess.Popen([sys.executable, "-c", FETCH, server.url], stdout=subprocess.PIPE, text=True)
    while process.stdout.readline() != "at 100000\n":
        pass
    process.kill()
    process.communicate()
    fetch(server.url)
    assert_complete()
    assert server.asked[0] is None
    assert server.asked[1].startswith("bytes=")
    assert server.asked[1] != "bytes=0-"


@pytest.mark.slow
def test_ctrl_c_keeps_what_came_and_says_so(serve):
    def slow(request, content):
        request.answer(200, content[:100_000], length=len(content))
        time.sleep(30)

    server = serve(CONTENT, slow)
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, server.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while process.stdout.readline() != "at 100000\n":
        pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "run the same command to resume" in errors
    assert part_of(TARGET).read_bytes() == CONTENT[:100_000]
    good = serve(CONTENT)
    fetch(good.url)
    assert good.asked == ["bytes=100000-"]


class FullDisk:
    """What stands for a file on a disk that takes so much and no more."""

    def __init__(self, stream, room):
        self._stream, self._room = stream, room

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()

    def truncate(self, size):
        self._stream.truncate(size)

    def write(self, block):
        if self._stream.tell() + len(block) > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._stream.write(block)


def test_a_disk_that_fills_up_says_how_much_to_free_and_the_part_is_resumed(serve, monkeypatch):
    original = Path.open

    def opened(path, mode="r", *args, **options):
        stream = original(path, mode, *args, **options)
        return FullDisk(stream, 150_000) if mode == "ab" else stream

    server = serve(CONTENT)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        with refused(DownloadError, "download_fills_the_disk", folder="folder", megabytes=1):
            fetch(server.url)
    assert part_of(TARGET).stat().st_size > 0
    fetch(server.url)
    assert_complete()
    assert server.asked[1].startswith("bytes=")


def test_too_little_space_is_noticed_before_anything_is_asked(serve, monkeypatch):
    server = serve(CONTENT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 1000))
    with refused(DownloadError, "no_room_for_download", megabytes=1):
        fetch(server.url)
    assert server.asked == []


def test_a_really_small_disk(serve):
    TARGET.parent.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(TARGET.parent)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        with refused(DownloadError, "no_room_for_download"):
            fetch(serve(CONTENT).url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(download._Transfer, "_check_space", lambda _: None)  # somebody else fills it meanwhile
            with refused(DownloadError, "download_fills_the_disk"):
                fetch(serve(CONTENT).url)
        assert part_of(TARGET).exists()
    finally:
        subprocess.run(["umount", str(TARGET.parent)], check=True)


def test_a_file_where_the_folder_should_be(serve):
    TARGET.parent.write_bytes(b"")
    with refused(DownloadError, "download_cannot_be_written", place="folder"):
        fetch(serve(CONTENT).url)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(serve):
    TARGET.parent.mkdir()
    TARGET.parent.chmod(0o500)
    with pytest.raises(DownloadError, match=r"cannot write to .*Permission denied"):
        fetch(serve(CONTENT).url)


def test_no_permission_to_open_is_one_line(serve, monkeypatch):
    original = Path.open

    def opened(path, mode="r", *args, **options):
        if mode == "ab":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return original(path, mode, *args, **options)

    monkeypatch.setattr(Path, "open", opened)
    with refused(DownloadError, "download_cannot_be_written", place="folder/file.bin.part", reason="Permission denied"):
        fetch(serve(CONTENT).url)
