"""Methods and seeds from the places where logs lie: `METHOD/SEED/log.csv`, `METHOD-seed3.csv`."""

import re
from collections.abc import Sequence
from pathlib import PurePath

# folders that programs make around their logs, and that say nothing of a run
OF_PROGRAMS = frozenset((
    "lightning_logs", "csv_logs", "tb_logs", "logs", "train", "training", "validation", "val", "eval", "checkpoints",
    "events", "runs",
))  # fmt: skip
SEED_ALONE = re.compile(r"(?:seed|s|run|rep|trial)?[-_= ]?(\d{1,18})", re.IGNORECASE)
SEED_BEHIND = re.compile(r"(.+?)[-_. ](?:seed|s|run|rep|trial)?[-_=]?(\d{1,18})", re.IGNORECASE)
VERSION = re.compile(r"(?:version|checkpoint)[-_]\d+", re.IGNORECASE)
NAMELESS = frozenset((
    "metrics", "history", "log", "logs", "training", "training_log", "trainer_state", "events", "results", "mlflow",
))  # fmt: skip


def beyond_common(places: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the places of several logs without the folders that all of them lie in."""
    shared = 0
    shortest = min((len(place) - 1 for place in places), default=0)
    while shared < shortest and len({place[shared] for place in places}) == 1:
        shared += 1
    return [place[shared:] for place in places] if len(places) > 1 else list(places)


def of_place(parts: Sequence[str]) -> tuple[str | None, str | None]:
    """Return method and seed from the folders of a log and its name, outermost first; None where they do not say it."""
    method = seed = None
    folders, name = [*parts[:-1]], PurePath(parts[-1]).name.partition(".")[0] if parts else ""
    if name.lower() not in NAMELESS and not name.startswith("events"):
        folders.append(name)
    for part in folders:
        if part.lower() in OF_PROGRAMS or VERSION.fullmatch(part) or part in (".", "..", "/"):
            continue
        if found := SEED_ALONE.fullmatch(part):
            seed = found[1]
        elif seed is None and (found := SEED_BEHIND.fullmatch(part)) and found[1].lower() in NAMELESS:
            seed = found[2]
        elif seed is None and (found := SEED_BEHIND.fullmatch(part)):
            method, seed = found[1] if method is None else f"{method}/{found[1]}", found[2]
        elif method is None:
            method = part
    return method, seed if seed is None else str(int(seed))
