"""Studies run in processes of their own: the command line, which outlives the page and its server."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from overfitlab.display import display_name
from overfitlab.errors import OverfitlabError, UsageError
from overfitlab.files import cache_folder, file_name
from overfitlab.models.handed import is_own
from overfitlab.records.claim import holder, is_held
from overfitlab.records.study_record import StudyRecord
from overfitlab.words.languages import VARIABLE

LAST_WORDS = 4000  # bytes of what a process said
OWN_FOLDER = ("--name", "--out")


@dataclass
class Started:
    """A process that was started here, until its server ends."""

    name: str  # of the study
    process: "subprocess.Popen[bytes]"
    log: Path
    began: float = field(default_factory=time.time)

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self.process.poll()

    def words(self) -> list[str]:
        """Return the last lines that it said."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(max(0, self.log.stat().st_size - LAST_WORDS))
                text = stream.read().decode("utf-8", "replace")
        except OSError:
            return []
        return [display_name(line) for line in text.splitlines() if line.strip()]


@dataclass
class Processes:
    """Starts and stops them; `runs` is the folder that studies lie in, as it was named."""

    runs: Path
    started: dict[str, Started] = field(default_factory=dict)
    stopping: set[str] = field(default_factory=set)  # names of studies that were told to stop

    def start(self, name: str, arguments: Sequence[str], language: str) -> Started:
        """Start `overfitlab compare` with those arguments, in the folder of the study of that name.

        Raises `UsageError` where something of that name is there, and `OverfitlabError` where the system refuses.
        """
        if not re.fullmatch(r"\w[\w.+=-]*", name):
            raise UsageError(
                "no_name_for_a_study_here",
                "{name!r} is not a valid name for a study; use letters, digits, and - _ . + =",
                name=name,
            )
        known = self.started.get(name)
        if (self.runs / name).exists() or (known is not None and known.code is None):
            raise UsageError(
                "name_is_taken", "there is something called {name} already; give the study another name", name=name
            )
        return self._start(name, [*arguments, *self._place(name)], language)

    def _place(self, name: str) -> list[str]:
        return ["--name", name] if self.runs == Path("runs") else ["--out", str(self.runs / name)]

    def resume(self, path: Path, record: StudyRecord, language: str) -> Started:
        """Take a study up again with the command that began it; raises `UsageError` where that must not be done here.

        The folder may come from a stranger: nothing but `overfitlab compare` is run, and no program of theirs.
        """
        if is_held(path):
            raise UsageError("study_runs_already", "a process works on this study already")
        return self._start(path.name, [*resuming(record), "--out", str(path)], language)

    def stop(self, path: Path) -> bool:
        """Send Ctrl-C to the process that works on a study, and return whether there was one."""
        pid = holder(path)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGINT)
        except (ProcessLookupError, PermissionError):
            return False
        self.stopping.add(path.name)
        return True

    def is_stopping(self, name: str, *, training: bool) -> bool:
        """Return whether a study was told to stop, and has not yet: its process still trains, or tidies up."""
        known = self.started.get(name)
        if name in self.stopping and not training and (known is None or known.code is not None):
            self.stopping.discard(name)
        return name in self.stopping

    def _start(self, name: str, arguments: Sequence[str], language: str) -> Started:
        log = cache_folder() / "ui" / file_name(name, f"-{time.time_ns()}.log")
        command = [sys.executable, "-m", "overfitlab", "compare", *arguments]
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as stream:
                process = subprocess.Popen(  # noqa: S603 - ourselves, with arguments and without a shell
                    command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True,
                    env={**os.environ, VARIABLE: language},
                )  # fmt: skip
        except OSError as error:
            raise OverfitlabError(
                "study_could_not_be_started", "the study could not be started: {reason}", reason=error.strerror or error
            ) from error
        self.stopping.discard(name)
        self.started[name] = Started(name, process, log)
        return self.started[name]


def resuming(record: StudyRecord) -> list[str]:
    """Return the arguments of `overfitlab compare` that take a study up again, without those that name its folder.

    Raises `UsageError` where its network is a program, or its command is none of ours.
    """
    try:
        words = shlex.split(record.command)
    except ValueError:
        words = []
    if words[:2] != ["overfitlab", "compare"]:
        raise UsageError("study_without_a_command", "this study does not record its command; resume it in a terminal")
    found, skip = [], False
    for place, word in enumerate(words[2:], start=2):
        option, equals, value = word.partition("=")
        if skip:
            skip = False
        elif option in OWN_FOLDER:
            skip = not equals
        else:
            found.append(word)
        if option == "--model":
            value = value if equals else "".join(words[place + 1 : place + 2])
            if value != record.config.model:
                raise _program()
    config = record.config
    if config.model_source is not None or config.model_start is not None or is_own(config.model):
        raise _program()
    return found


def _program() -> UsageError:
    return UsageError(
        "study_with_a_program_here",
        "its network is custom code, which is run only if you say so: repeat its command in a terminal",
    )
