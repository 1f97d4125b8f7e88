"""Who shows what happens: in a notebook a display that changes in its place, elsewhere the screen of a terminal."""

import sys
from typing import Any, TextIO

from overfitlab.events import Listener, Several, TaskFinished
from overfitlab.notebook.cell import in_notebook
from overfitlab.terminal.screen import screen_on
from overfitlab.terminal.study_screen import StudyLines
from overfitlab.terminal.task_screen import PlainLines
from overfitlab.terminal.training_screen import TrainingScreen
from overfitlab.words.language import ENGLISH, Language


class FewLines(StudyLines):
    """What a study says as text, without a line for each run: the display has them."""

    def _finished(self, event: TaskFinished) -> list[str]:
        return []


def screen_for(stream: TextIO | None, say: Language = ENGLISH, *, verbose: bool = True, **options: Any) -> Listener:
    """Return who shows what happens: on that stream, or where it is None, in the notebook or on standard output.

    `options` are those of a study's screen.
    """
    if not verbose:
        return Listener()
    if stream is None and in_notebook():
        # they load matplotlib, for the widths of letters, which a terminal need not wait for
        from overfitlab.notebook.study import StudyCell
        from overfitlab.notebook.training import TrainingCell

        text = sys.stdout
        return Several(
            PlainLines(text, say), FewLines(text, say, **options), StudyCell(say),
            TrainingScreen(text, say, TrainingCell(say)),
        )  # fmt: skip
    return screen_on(stream or sys.stdout, say, **options)
