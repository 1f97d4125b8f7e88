"""Fetching one file of known size and checksum: several servers, resumable, and never half a file under its name.

Nothing that a server says is believed: the file is taken only with the right checksum, never more than its size is
written, and whatever goes wrong with one server leads to the next.
"""

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import filelock
import requests

from overfitlab.data.catalog import servers
from overfitlab.data.catalog.servers import ServerError, UnreachableError
from overfitlab.errors import DownloadError
from overfitlab.events import Listener, TaskBegan, TaskEnded, TaskNoted
from overfitlab.files import DISK_FULL, sync_folder
from overfitlab.reasons import Reason, reason

OFFLINE_VARIABLE = "OVERFITLAB_OFFLINE"
CRAWL_SECONDS, CRAWL_BYTES = 60.0, 60_000  # less than that in so long is no transfer any more
PAUSE_SECONDS = 1.0  # before the same server is asked again
FAILURES = 2  # attempts that one server may waste
PROGRESS = 0.01  # an attempt that brings so much of the file is not wasted
BLOCK = 2**16
PART = ".part"


class OfflineError(DownloadError):
    """No server can be reached, or none may be asked."""


@dataclass(frozen=True)
class Wanted:
    """The file as it has to be: its size in bytes, and SHA-256 or MD5 or both, in hexadecimal."""

    size: int
    sha256: str | None = None
    md5: str | None = None

    def matches(self, path: Path) -> bool:
        """Whether the file has that size and those checksums; raises `OSError` where it cannot be read."""
        if path.stat().st_size != self.size:
            return False
        wanted = {name: value for name, value in (("sha256", self.sha256), ("md5", self.md5)) if value}
        digests = {name: hashlib.new(name, usedforsecurity=False) for name in wanted}
        with path.open("rb") as stream:
            while block := stream.read(2**20):
                for digest in digests.values():
                    digest.update(block)
        return all(digests[name].hexdigest() == value for name, value in wanted.items())


def offline_is_forced() -> bool:
    """Whether $OVERFITLAB_OFFLINE forbids any use of the network."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")


def fetch_file(
    urls: Sequence[str],
    target: Path,
    *,
    size: int,
    sha256: str | None = None,
    md5: str | None = None,
    listener: Listener | None = None,
) -> bool:
    """Make `target` the file of that size and checksum, from the first of the servers that gives it.

    It is transferred to `TARGET.part`, which a later call resumes, also from another server. Two processes that ask
    for the same file at once make one transfer. Return whether anything had to be done.

    Raises `OfflineError` where no server can be reached or `$OVERFITLAB_OFFLINE` is set, and `DownloadError` where
    none gives the file, or the disk does not take it.
    """
    wanted = Wanted(size, sha256, md5)
    listener = listener or Listener()
    try:
        if target.is_file() and wanted.matches(target):
            return False
        if offline_is_forced():
            raise OfflineError(
                "network_forbidden", "${variable} forbids the use of the network; unset it", variable=OFFLINE_VARIABLE
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone_with(target, size, listener):
            if target.is_file() and wanted.matches(target):  # another process was quicker
                return False
            _Transfer(target, wanted, listener).run(urls)
    except OSError as error:
        raise _disk_error(error, target, size) from error
    except KeyboardInterrupt as error:
        error.add_note("stopped; what has been fetched so far is kept; run the same command to resume")
        raise
    return True


def part_of(target: Path) -> Path:
    """Return where an unfinished transfer lies."""
    return target.with_name(target.name + PART)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _disk_error(error: OSError, target: Path, size: int) -> DownloadError:
    if error.errno in DISK_FULL:
        missing = size - _size_of(part_of(target))
        return DownloadError(
            "download_fills_the_disk",
            "the disk of {folder} is full; free {megabytes} MB there, and the same command resumes",
            folder=target.parent, megabytes=max(1, round(missing / 1e6)),
        )  # fmt: skip
    return DownloadError(
        "download_cannot_be_written", "cannot write to {place} ({reason})",
        place=error.filename or target.parent, reason=error.strerror or error,
    )  # fmt: skip


@contextlib.contextmanager
def _alone_with(target: Path, size: int, listener: Listener) -> Iterator[None]:
    """Keep other processes from fetching the same file; wait for one that does so already."""
    lock = filelock.FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        waiting = reason("waiting_for_another_fetch", file=target.name)
        listener.on(TaskBegan(waiting, size, "bytes", _size_of(part_of(target))))
        try:
            while True:
                with contextlib.suppress(filelock.Timeout):
                    lock.acquire(timeout=0.5, poll_interval=0.1)
                    break
                listener.advanced(_size_of(part_of(target)))
        finally:
            listener.on(TaskEnded())
    try:
        yield
    finally:
        lock.release()


class _Transfer:
    """One call's work, with the lock held."""

    def __init__(self, target: Path, wanted: Wanted, listener: Listener) -> None:
        self._target = target
        self._part = part_of(target)
        self._wanted = wanted
        self._listener = listener

    def run(self, urls: Sequence[str]) -> None:
        """Try the servers in turn."""
        if _size_of(self._part) > self._wanted.size:
            self._part.unlink()
        if _size_of(self._part) == self._wanted.size and self._finished():  # a crash came before the renaming
            return
        self._check_space()
        reasons: list[str] = []
        unsaid: list[Reason] = []  # where nobody answers, one line at the end says it all
        reached = False
        with servers.session() as session:
            for url, answers in servers.reachable(urls):
                host = urlsplit(url).hostname or url
                if not answers:
                    unsaid.append(reason("server_does_not_answer", host=host))
                    reasons.append(f"{host}: no answer")
                    continue
                while unsaid:
                    self._listener.on(TaskNoted(unsaid.pop(0)))
                try:
                    self._from_server(session, url, host)
                    return
                except UnreachableError as error:
                    reasons.append(f"{host}: {error}")
                except ServerError as error:
                    reached = True
                    reasons.append(f"{host}: {error}")
                self._listener.on(TaskNoted(reason("server_failed", why=reasons[-1])))
        if not reached:
            raise OfflineError(
                "no_server_reached", "none of the servers that have it can be reached (is there a network?)"
            )
        raise DownloadError(
            "no_server_gave_it",
            "no server delivered {file} ({reasons})",
            file=self._target.name,
            reasons="; ".join(reasons),
        )

    def _check_space(self) -> None:
        missing = self._wanted.size - _size_of(self._part)
        free = shutil.disk_usage(self._target.parent).free
        if free < missing:
            raise DownloadError(
                "no_room_for_download",
                "{folder} has {free:,.0f} MB free, and {needed:,.0f} MB are needed; free {megabytes:,} MB there",
                folder=self._target.parent, free=free / 1e6, needed=missing / 1e6,
                megabytes=max(1, round((missing - free) / 1e6)),
            )  # fmt: skip

    def _from_server(self, session: requests.Session, url: str, host: str) -> None:
        """Fetch what is missing; raises `ServerError` where this server does not give it."""
        failures = 0
        restarted = False
        while True:
            before = _size_of(self._part)
            try:
                start = self._attempt(session, url, host)
            except ServerError as error:
                gained = _size_of(self._part) - before
                failures += gained < PROGRESS * self._wanted.size
                if not error.again or gained <= 0 or failures >= FAILURES:
                    raise
                self._listener.on(TaskNoted(reason("asking_server_again", host=host, why=str(error))))
                time.sleep(PAUSE_SECONDS)
                continue
            if self._finished():
                return
            if start == 0 or restarted:  # all of it came from here
                raise ServerError("server_sent_wrong_bytes", "sent wrong bytes")
            restarted = True
            self._listener.on(TaskNoted(reason("transfer_starts_over", host=host)))

    def _finished(self) -> bool:
        """Put a complete transfer in place if its checksum is right, else remove it."""
        if not self._wanted.matches(self._part):
            self._part.unlink()
            return False
        with self._part.open("rb+") as stream:
            os.fsync(stream.fileno())
        self._part.replace(self._target)
        sync_folder(self._target.parent)
        return True

    def _attempt(self, session: requests.Session, url: str, host: str) -> int:
        """Ask once, and write what comes until the file is complete; return the byte that it began with."""
        response, start = servers.ask(session, url, _size_of(self._part), self._wanted.size)
        with contextlib.closing(response):
            fetching = reason("fetching", file=self._target.name, host=host)
            self._listener.on(TaskBegan(fetching, self._wanted.size, "bytes", start))
            try:
                with self._part.open("ab") as stream:
                    stream.truncate(start)  # a server that knows no ranges starts over, and so do we
                    self._receive(response, stream, start)
            finally:
                self._listener.on(TaskEnded())
        return start

    def _receive(self, response: requests.Response, stream: BinaryIO, done: int) -> None:
        window_began, window_done = time.monotonic(), done
        while done < self._wanted.size:
            block = servers.next_block(response, min(BLOCK, self._wanted.size - done))
            if not block:
                raise ServerError(
                    "connection_ended", "the connection ended after {megabytes:.1f} MB",
                    again=True, megabytes=done / 1e6,
                )  # fmt: skip
            stream.write(block)
            done += len(block)
            self._listener.advanced(done)
            if time.monotonic() - window_began >= CRAWL_SECONDS:
                if done - window_done < CRAWL_BYTES:
                    raise ServerError("server_too_slow", "is too slow to finish")
                window_began, window_done = time.monotonic(), done
