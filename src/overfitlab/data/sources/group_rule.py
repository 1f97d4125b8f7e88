"""A rule that finds the group of an image in its name: a regular expression with one group in brackets."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence

from overfitlab.errors import UsageError

SECONDS = 20  # for all names; a pattern that goes back and forth without end is stopped
MATCHING = """
import json, re, sys
pattern, names = json.load(sys.stdin)
found = (re.search(pattern, name) for name in names)
print(json.dumps([match and match.group(1) for match in found]))
"""


def matched(rule: str, pattern: str, names: Sequence[str]) -> list[str | None]:
    """Return what the pattern's only group matches in each name, None where it matches nothing.

    It works in a process of its own, because nothing else can stop a pattern whose time explodes, such as `(a+)+$`.
    Raises `UsageError` for no pattern, one without exactly one group, and one that takes too long.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            "rule_is_no_pattern", "--groups {rule}: {pattern!r} is not a regular expression ({reason})",
            rule=rule, pattern=pattern, reason=error,
        ) from None  # fmt: skip
    if compiled.groups != 1:
        raise UsageError(
            "rule_of_another_form",
            "--groups {rule}: the regular expression must have one part in brackets, which is the group of an "
            "image, not {count}: name:^(.*?)_ takes what comes before the first _; write (?:...) for other brackets",
            rule=rule, count=compiled.groups,
        )  # fmt: skip
    asked = json.dumps([pattern, list(names)])
    try:
        done = subprocess.run(  # noqa: S603 - this very interpreter, with a program of ours
            [sys.executable, "-I", "-S", "-c", MATCHING], input=asked, capture_output=True, text=True, check=True,
            timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UsageError(
            "rule_takes_too_long",
            "--groups {rule}: the regular expression needs more than {seconds} s for {names:,} names; write it without "
            "repetitions inside repetitions",
            rule=rule, seconds=SECONDS, names=len(names),
        ) from None  # fmt: skip
    found: list[str | None] = json.loads(done.stdout)
    return found
