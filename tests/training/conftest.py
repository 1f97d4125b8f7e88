"""What the tests of training have in common: a run without its figures, which take longer than it does."""

import pytest

from overfitlab.api import training


@pytest.fixture(autouse=True)
def _undrawn(request, monkeypatch):
    """No learning curves beside the runs, but for a test that asks for `drawn`."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr(training, "draw_curves", lambda *_, **__: None)


@pytest.fixture
def drawn():
    """The learning curves are drawn as ever."""
