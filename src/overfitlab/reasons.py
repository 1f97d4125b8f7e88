"""Why something is as it is: a code with values, which words/ says in every language; never prose."""

from typing import Self

import msgspec

from overfitlab.display import display_name
from overfitlab.errors import OverfitlabError


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """A code of the catalogue, and the values that fill the fields of its sentence."""

    code: str
    values: dict[str, str | int | float] = {}
    message: str = ""  # in English, where it comes from an error, or from a record of before there were codes

    def __post_init__(self) -> None:
        """Make the values such as can be shown on a line, wherever they come from."""
        values = {name: display_name(value) if isinstance(value, str) else value for name, value in self.values.items()}
        msgspec.structs.force_setattr(self, "values", values)
        msgspec.structs.force_setattr(self, "message", display_name(self.message))

    @classmethod
    def of(cls, error: OverfitlabError) -> Self:
        """Return the reason that an error gives."""
        return cls(error.code, error.values, str(error))

    def __str__(self) -> str:
        """Return it in English where it came from an error, else its code; `words` says it in every language."""
        return self.message or self.code

    def error(self) -> OverfitlabError:
        """Return an error that says the same."""
        return OverfitlabError(self.code, str(self).replace("{", "{{").replace("}", "}}"), **self.values)

    def __hash__(self) -> int:
        return hash((self.code, *self.values.items(), self.message))


def reason(code: str, **values: str | int | float) -> Reason:
    """Return the reason of that code."""
    return Reason(code, values)
