"""What a test expects of an error: its kind, its code, and the values that name the culprit."""

import contextlib
from collections.abc import Iterator

import pytest

from overfitlab.errors import OverfitlabError


@contextlib.contextmanager
def refused(
    kind: type[OverfitlabError], code: str, /, *, match: str | None = None, **values: object
) -> Iterator[pytest.ExceptionInfo[OverfitlabError]]:
    """Expect an error of that kind and code, with at least those values; otherwise as `pytest.raises`."""
    with pytest.raises(kind, match=match) as caught:
        yield caught
    error = caught.value
    assert error.code == code, f"{error.code}: {error}"
    plain = {name: value if isinstance(value, str | int | float) else str(value) for name, value in values.items()}
    assert {name: error.values.get(name) for name in values} == plain
