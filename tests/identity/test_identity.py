"""Identity is frozen: who asks for the same gets the same run, whatever version asked first."""

import json
from pathlib import Path

import pytest
from identity_cases import golden

WRITTEN = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_can_be_asked_for_keeps_its_canonical_form_and_its_id(kind):
    found = golden()[kind]
    assert {name: found.get(name) for name in WRITTEN[kind]} == WRITTEN[kind]


def test_nothing_that_can_be_asked_for_is_missing_from_the_golden_file():
    assert {kind: set(found) for kind, found in golden().items()} == {kind: set(of) for kind, of in WRITTEN.items()}
