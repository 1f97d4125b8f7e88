"""Why something is as it is: a code with values, which words/ says in every language; never prose."""

import msgspec


class Reason(msgspec.Struct, frozen=True):
    """A code of the catalogue, and the values that fill the fields of its sentence."""

    code: str
    values: dict[str, str | int | float] = {}

    def __hash__(self) -> int:
        return hash((self.code, *self.values.items()))


def reason(code: str, **values: str | int | float) -> Reason:
    """Return the reason of that code."""
    return Reason(code, values)
