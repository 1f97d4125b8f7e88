"""What histories alone say of overfitting, whoever logged them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from overfitlab.api.judging import logs_of
from overfitlab.interop.columns import given_columns
from overfitlab.interop.diagnosing import Diagnosed
from overfitlab.interop.diagnosing import diagnose as diagnose_logs
from overfitlab.report.diagnosis_text import diagnosis_text, remedy
from overfitlab.words.languages import spoken

ONE = "these runs"


@dataclass(frozen=True)
class Diagnosis:
    """What the histories say, a method each."""

    methods: tuple[Diagnosed, ...]

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values: that of the one method, or a list under `methods`."""
        found = [_document(each) for each in self.methods]
        return found[0] if len(found) == 1 else {"methods": found}

    def __str__(self) -> str:
        return "\n\n".join(diagnosis_text(each, spoken()) for each in self.methods)


def diagnose(data: Any, *, columns: Mapping[str, str] | Sequence[str] = ()) -> Diagnosis:
    """Say of histories alone whether a training overfits, since when, and how sure that is.

    Args:
        data: a data frame, a row an epoch; or the path of a log, of a folder of logs, or a list of paths.
        columns: what columns are that are not recognized, as in `judge`.

    Returns:
        The diagnosis; `str()` of it is what the command prints, `document()` plain values with `state` and `onset`.

    Raises:
        UsageError: it has to be said what is meant.
        DataError: there is no history of validation images, or a log cannot be read.
    """
    given = [f"{role}={column}" for role, column in columns.items()] if isinstance(columns, Mapping) else [*columns]
    logs = logs_of(data)
    if len(logs) > 1 and all(log.history and log.seed is None for log in logs) and isinstance(data, Sequence):
        logs = [replace(log, method=ONE) for log in logs]
    return Diagnosis(tuple(diagnose_logs(logs, given_columns(given))))


def _document(found: Diagnosed) -> dict[str, Any]:
    known = found.found
    onset = None if known.onset is None else float(known.onset)
    return {
        "method": found.method, "state": known.state,
        "onset": int(onset) if onset is not None and onset.is_integer() else onset,
        "onset_low": known.onset_low, "onset_high": known.onset_high, "agreeing": known.agreeing,
        "logs": list(found.sources), "written_by": list(found.kinds),
        "runs": [_run(asdict(run)) for run in known.runs], "next": remedy(known),
    }  # fmt: skip


def _run(values: dict[str, Any]) -> dict[str, Any]:
    """Return one run; a gap from running means is called so, and never mixed with one that was measured."""
    logged = values.pop("logged")
    for name in ("gap", "loss_gap"):
        value = values.pop(name)
        if value is not None:
            values[f"logged_{name}" if logged else name] = value
    return values
