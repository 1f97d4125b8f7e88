"""What a test expects of an error: its kind, its code, and the values that name the culprit."""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from overfitlab.errors import OverfitlabError


@contextlib.contextmanager
def refused(kind: type[OverfitlabError], code: str, /, **values: object) -> Iterator[SimpleNamespace]:
    """Expect an error of that kind and code, with at least those values; afterwards `.error` is the error itself."""
    found = SimpleNamespace(error=None)
    with pytest.raises(kind) as caught:
        yield found
    found.error = caught.value
    assert caught.value.code == code, f"{caught.value.code}: {caught.value}"
    told = {name: caught.value.values.get(name) for name in values}
    assert told == {
        name: value if isinstance(value, str | int | float) else str(value) for name, value in values.items()
    }
