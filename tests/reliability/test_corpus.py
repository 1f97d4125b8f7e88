"""What a fuzzer has found interesting goes through the readers it was found for: none may do more than refuse it."""

from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "reliability" / "corpus"


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))
@pytest.mark.slow
def test_the_corpus_is_read_or_refused(name, monkeypatch, tmp_path):
    monkeypatch.setenv("OVERFITLAB_CACHE", str(tmp_path))  # which targets.py sets for a process of its own
    from targets import TARGETS

    files = sorted((CORPUS / name).iterdir())
    assert files
    for path in files:
        TARGETS[name](path.read_bytes())


def test_every_target_has_a_corpus():
    from targets import TARGETS

    assert set(TARGETS) == {path.name for path in CORPUS.iterdir()}
