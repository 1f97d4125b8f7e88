"""A claim about runs of others as a check, with a ledger of all attempts where it is wanted."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from overfitlab.api.judging import Judgment, asked_of, logs_of
from overfitlab.errors import UsageError
from overfitlab.interop.gate import Claim, Passed, claim, passed
from overfitlab.interop.judging import judge_pair, pair_of
from overfitlab.records.ledger import Attempt, attempted


def gate_of(text: str | None, ledger: Path | None) -> Claim | None:
    """Return the claim, None where there is none; raises `UsageError` for a ledger without one."""
    if text is None:
        if ledger is not None:
            raise UsageError("ledger_without_gate", "--ledger counts attempts at a --gate; name the claim")
        return None
    return claim(text)


def judged_at_gate(
    sources: Sequence[str], text: str, ledger: Path | None = None, **options: Any
) -> tuple[Judgment, Passed]:
    """Return the verdict on the two methods of a claim, and what became of it.

    `options` are those of `judge`. With a ledger the attempt is read at its own, stricter level, and written down.
    Raises as `judge` does, and as a ledger does.
    """
    wanted = claim(text)
    if wanted.metric is not None and options.get("metric") is None:
        options["metric"] = wanted.metric
    asked, logs = asked_of(**options), logs_of([*sources])

    def at(attempt: Attempt | None) -> tuple[int, tuple[Judgment, Passed]]:
        level = asked.alpha if attempt is None else attempt.alpha
        judged = judge_pair(logs, replace(asked, alpha=level), wanted.method, wanted.against)
        number, again = (None, False) if attempt is None else (attempt.number, attempt.again)
        found = passed(text, wanted, judged.evidence, attempt=number, again=again)
        return found.exit_code, (Judgment(judged), found)

    if ledger is None:
        return at(None)[1]
    method, against = pair_of(logs, asked, wanted.method, wanted.against)
    question = f"{wanted.axis} compared with {against}"
    told = {name: str(value) for name, value in options.items() if name not in ("command", "name", "baseline")}
    identity = [sorted(log.sha256 for log in logs), method, wanted.word, told]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return attempted(ledger, question, text, digest, asked.alpha, at)
