"""Where a notebook shows something, and can change it later: a display of IPython, if there is one.

IPython is never imported for it: where Python runs in a notebook, it is there already.
"""

import sys
import time
from typing import Any

BETWEEN = 0.5  # seconds between two pictures: each is sent to the browser whole


def in_notebook() -> bool:
    """Return whether this Python is the kernel of a notebook (Jupyter, Colab, VS Code), not a terminal or a script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class Cell:
    """One output below the cell that runs; each picture takes the place of the one before."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown = 0.0

    def due(self) -> bool:
        """Return whether it is time for another picture."""
        return time.monotonic() - self._shown >= BETWEEN

    def show(self, html: str, text: str) -> None:
        """Show HTML, and a line of text where there is no browser."""
        bundle = {"text/html": html, "text/plain": text}
        if self._handle is None:
            self._handle = sys.modules["IPython"].display.display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
        self._shown = time.monotonic()

    def forget(self) -> None:
        """Leave what is shown as it is; what comes next is another output."""
        self._handle, self._shown = None, 0.0
