"""What a person at a terminal sees, whatever runs: one listener for trainings, studies, downloads."""

from typing import TextIO

from overfitlab.events import Listener, Several
from overfitlab.terminal.study_screen import LiveStudy, StudyLines
from overfitlab.terminal.task_screen import LiveBars, PlainLines
from overfitlab.terminal.training_screen import TrainingScreen
from overfitlab.words.language import ENGLISH, Language


def screen_on(stream: TextIO | None, say: Language = ENGLISH, *, full: bool = False) -> Listener:
    """Return who shows on that stream what happens: live on a terminal, else in plain lines; nobody does on None.

    `full` asks for every table of a study, not for its answer alone.
    """
    if stream is None:
        return Listener()
    live = stream.isatty()
    return Several(
        LiveBars(stream, say) if live else PlainLines(stream, say),
        LiveStudy(stream, say, full=full) if live else StudyLines(stream, say, full=full),
        TrainingScreen(stream, say),
    )
