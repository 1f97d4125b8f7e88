"""A verdict on runs of others: from logs to the document that a report is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

from overfitlab.config import MOST_SEEDS
from overfitlab.display import display_name
from overfitlab.errors import DataError, UsageError, unknown_name
from overfitlab.interop.choosing import Chosen, chosen
from overfitlab.interop.columns import given_columns
from overfitlab.interop.evidence import (
    FROM_COLUMN,
    FROM_GRID,
    FROM_OPTION,
    IN_ORDER,
    PAIRED,
    PARTLY,
    UNPAIRED,
    JudgedEvidence,
    LeftOut,
    LogFile,
)
from overfitlab.interop.images import images_of
from overfitlab.interop.logged import Logged
from overfitlab.interop.outcomes import BEST, END, WHENS, Measured, different_images, measured
from overfitlab.interop.runs import LoggedRun, runs_in
from overfitlab.records.run_record import Producer
from overfitlab.results.metric import BY_NAME
from overfitlab.results.outcome import Outcome
from overfitlab.stats.design import AXES, METRIC, Design, Until
from overfitlab.stats.findings import FEWEST
from overfitlab.stats.verdict import Verdict, compute_verdict
from overfitlab.study.evidence import Curve, Curves
from overfitlab.study.gathering import curves
from overfitlab.values import check_one_of

BASELINES = ("none", "baseline", "base", "control", "vanilla", "no regularization", "noreg")
MEANS_OVER_IMAGES = ("accuracy", "error", "top5")  # of which an image changes 1 / images
Pair = tuple[str, str]


@dataclass(frozen=True)
class Asked:
    """What a verdict is asked of logs."""

    baseline: str | None = None
    contrasts: tuple[str, ...] = ()  # "A:B"
    metric: str | None = None
    when: str | None = None
    images: tuple[int, ...] = ()  # that the metric was measured on, and the validation images of the gap
    until: Until | None = None
    margins: tuple[float, float] | None = None
    alpha: float = 0.05
    columns: tuple[str, ...] = ()  # "method=arch"
    command: str = ""
    name: str = ""
    given: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "given", given_columns(self.columns))
        if self.when is not None:
            check_one_of("epoch that counts", self.when, WHENS)


@dataclass(frozen=True)
class Judged:
    """The verdict on runs of others, and the runs themselves, diverged ones among them."""

    evidence: JudgedEvidence
    runs: tuple[Outcome, ...]  # in the order of the logs


def judge(logs: Sequence[Logged], asked: Asked) -> Judged:
    """Return the verdict on the runs of those logs.

    Raises `UsageError` where it has to be said what is meant, `DataError` where the logs cannot support a verdict.
    """
    runs = runs_in(logs, asked.given)
    methods = _methods(runs)
    baseline = _baseline(methods, asked.baseline)
    methods = [baseline, *(method for method in methods if method != baseline)]
    return _judged(runs, logs, methods, _contrasts(methods, asked.contrasts), asked)


def judge_pair(logs: Sequence[Logged], asked: Asked, method: str, against: str | None) -> Judged:
    """Return the verdict on one contrast alone, `against` the baseline where it is None; raises as `judge` does."""
    runs = runs_in(logs, asked.given)
    pair = _pair_of(runs, asked, method, against)
    some = [run for run in runs if run.method in pair]
    return _judged(some, logs, [pair[1], pair[0]], [pair], asked)


def pair_of(logs: Sequence[Logged], asked: Asked, method: str, against: str | None) -> Pair:
    """Return the two methods of a claim as the logs call them; raises as `judge` does."""
    return _pair_of(runs_in(logs, asked.given), asked, method, against)


def _pair_of(runs: Sequence[LoggedRun], asked: Asked, method: str, against: str | None) -> Pair:
    methods = _methods(runs)
    pair = _known(method, methods), _baseline(methods, against or asked.baseline)
    if pair[0] == pair[1]:
        raise UsageError("compared_with_itself", "{method} cannot be compared with itself", method=pair[0])
    return pair


def _methods(runs: Sequence[LoggedRun]) -> list[str]:
    if not runs:
        raise DataError("no_runs_in_logs", "no run in these logs has finished")
    methods = list(dict.fromkeys(run.method for run in runs))
    if len(methods) == 1:
        raise DataError("one_method_in_logs", "all runs are of one method, {method}, so there is nothing to compare it "
                        "with; overfitlab diagnose says whether it overfits", method=methods[0])  # fmt: skip
    return methods


def _judged(
    runs: Sequence[LoggedRun], logs: Sequence[Logged], methods: Sequence[str], contrasts: list[Pair], asked: Asked
) -> Judged:
    given = asked.given
    what = chosen(runs, asked.metric or given.get("metric"), best=asked.when == BEST)
    _refuse_too_few(runs, methods)
    if asked.until is not None and not all(run.seed is not None and run.seed.isdecimal() for run in runs):
        raise UsageError(
            "no_order_of_runs", "--until-decided reads runs in the order of their seeds, so these have to be whole "
            "numbers that grow as runs arrive; name their column: --column seed=NAME"
        )  # fmt: skip
    seeds, names = _numbered(runs)
    found = measured(runs, seeds, what, asked.when or _when_of(what), given)
    pairing = {pair: _pairing(found.outcomes, pair, runs) for pair in contrasts}
    outcomes = found.outcomes
    if asked.until is not None and any(how == UNPAIRED for how in pairing.values()):
        outcomes = _ranked(outcomes)
        pairing = dict.fromkeys(contrasts, IN_ORDER)
    images, source = _images(runs, what, found, asked)
    design = _design(outcomes, methods, contrasts, pairing, what, found, images, asked)
    there = {(each.method, each.seed) for each in outcomes}
    lacking = () if asked.until else {(method, seed) for method in methods for seed in design.seeds} - there
    verdict = compute_verdict(outcomes, design, given_up=lacking)
    evidence = _evidence(verdict, runs, logs, found, what, names, pairing, images[0], source, asked)
    return Judged(evidence, tuple(found.outcomes))


def _baseline(methods: Sequence[str], named: str | None) -> str:
    if named is not None:
        return _known(named, methods)
    usual = [method for word in BASELINES for method in methods if method.lower() == word]
    if usual:
        return usual[0]
    raise UsageError(
        "no_baseline_in_logs",
        "which method are the others compared with? Name it: --baseline METHOD; there are: {methods}",
        methods=", ".join(methods[:20]),
    )


def _known(named: str, methods: Sequence[str]) -> str:
    found = [each for each in methods if each == named] or [
        each for each in methods if each.lower() == named.strip().lower()
    ]
    if not found:
        raise unknown_name("method", named, methods)
    return found[0]


def _contrasts(methods: Sequence[str], asked: Sequence[str]) -> list[Pair]:
    pairs = [(method, methods[0]) for method in methods[1:]]
    for text in asked:
        pair = _pair(text, methods)
        if pair not in pairs and pair[::-1] not in pairs:
            pairs.append(pair)
    return pairs


def _pair(text: str, methods: Sequence[str]) -> Pair:
    places = [place for place, sign in enumerate(text) if sign == ":"]
    lower = {method.lower(): method for method in methods}
    for place in places:
        one, other = lower.get(text[:place].strip().lower()), lower.get(text[place + 1 :].strip().lower())
        if one is not None and other is not None and one != other:
            return one, other
    raise UsageError("no_pair_in_logs", "--contrast {text!r} is not a pair of methods, A:B; there are: {methods}",
                     text=text, methods=", ".join(methods[:20]))  # fmt: skip


def _refuse_too_few(runs: Sequence[LoggedRun], methods: Sequence[str]) -> None:
    counts = [sum(run.method == method for run in runs) for method in methods]
    if max(counts) == 1:
        raise DataError(
            "one_seed_in_logs", "there is only one run of each method, and one run cannot show how much is luck; "
                                "train each with at least {needed} seeds",
            needed=FEWEST,
        )  # fmt: skip


def _numbered(runs: Sequence[LoggedRun]) -> tuple[list[int], dict[int, str]]:
    """Return a number for each run, and what those numbers are called; runs without seeds count from 0 by method."""
    named = [run.seed for run in runs if run.seed is not None]
    whole = all(seed.isdecimal() and len(seed) < 18 for seed in named)
    order = list(dict.fromkeys(named))
    numbers = {seed: int(seed) if whole else place for place, seed in enumerate(order)}
    seen: dict[tuple[str, int], LoggedRun] = {}
    counts: dict[str, int] = {}
    found = []
    for run in runs:
        if run.seed is None:
            number = counts.setdefault(run.method, 0)
            counts[run.method] += 1
        else:
            number = numbers[run.seed]
        before = seen.setdefault((run.method, number), run)
        if before is not run:
            raise DataError(
                "run_there_twice", "{method} with seed {seed} occurs twice, in {one} and {other}; leave one out",
                method=run.method, seed=run.seed or str(number), one=before.source, other=run.source,
            )  # fmt: skip
        found.append(number)
    return found, {number: display_name(seed) for seed, number in numbers.items()}


def _when_of(what: Chosen) -> str:
    """Return which epoch counts unless it was said: the best one where the column that was named is of it."""
    return BEST if "best" in what.columns[0].lower().split("_") else END


def _pairing(outcomes: Sequence[Outcome], pair: Pair, runs: Sequence[LoggedRun]) -> str:
    if any(run.seed is None for run in runs if run.method in pair):
        return UNPAIRED
    one, other = ({each.seed for each in outcomes if each.method == method} for method in pair)
    if one == other:
        return PAIRED
    return PARTLY if len(one & other) >= FEWEST else UNPAIRED


def _ranked(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return outcomes whose seeds are their places within their method: the k-th run is paired with the k-th."""
    order = {method: sorted(each.seed for each in outcomes if each.method == method)
             for method in {each.method for each in outcomes}}  # fmt: skip
    return [replace(each, seed=order[each.method].index(each.seed)) for each in outcomes]


def _images(
    runs: Sequence[LoggedRun], what: Chosen, found: Measured, asked: Asked
) -> tuple[tuple[int | None, int | None], str | None]:
    """Return the images that were judged, and the validation images of the gap, and where that is known from."""
    if what.kind not in MEANS_OVER_IMAGES:
        return (None, None), None
    if asked.images:
        return (asked.images[0], asked.images[-1]), FROM_OPTION
    said = {run.said("images") for run in runs} - {""}
    if len(said) > 1:
        raise different_images(said)
    if said and (text := said.pop()).isdecimal() and 0 < int(text) <= 10**9:
        return (int(text), int(text)), FROM_COLUMN
    images = images_of(found.shares[0])
    validation = images_of(found.shares[1]) if found.has_gap else None
    return (images, validation), FROM_GRID if images else None


def _design(
    outcomes: Sequence[Outcome], methods: Sequence[str], contrasts: Sequence[Pair], pairing: dict[Pair, str],
    what: Chosen, found: Measured, images: tuple[int | None, int | None], asked: Asked,
) -> Design:  # fmt: skip
    metric = BY_NAME[what.metric]
    margin, gap_margin = asked.margins or (metric.margin, metric.gap_margin)
    seeds = sorted({each.seed for each in outcomes})
    if asked.until is not None:
        most = asked.until.maximum or MOST_SEEDS
        seeds = (seeds + list(range(seeds[-1] + 1, seeds[-1] + 1 + most)))[:most]  # those to come have no numbers yet
    return Design(
        name=asked.name, labels={method: method for method in methods}, contrasts=tuple(contrasts), seeds=seeds,
        looks=(len(seeds),), look=1, alpha=asked.alpha, margin=margin, gap_margin=gap_margin,
        test_images=images[0], validation_images=images[1], until=asked.until, metric=what.metric,
        test_classes=None, axes=AXES if found.has_gap else (METRIC,),
        unpaired=frozenset(pair for pair, how in pairing.items() if how == UNPAIRED),
    )  # fmt: skip


def _evidence(
    verdict: Verdict, runs: Sequence[LoggedRun], logs: Sequence[Logged], found: Measured, what: Chosen,
    names: dict[int, str], pairing: dict[Pair, str], images: int | None, images_from: str | None, asked: Asked,
) -> JudgedEvidence:  # fmt: skip
    values = {entry.name: getattr(verdict, entry.name) for entry in fields(Verdict)}
    if asked.until is None:  # nobody planned the pairs that are not there
        values["contrasts"] = tuple(replace(each, missing=0) for each in verdict.contrasts)
        values["methods"] = tuple(replace(each, missing=0) for each in verdict.methods)
        values["weaknesses"] = tuple(each for each in verdict.weaknesses if each.code != "runs_are_missing")
    counts = {log.source: sum(run.source == log.source for run in runs) for log in logs}
    by_method = {each.method: [run for run in found.drawn if run.method == each.method and run.end is not None]
                 for each in verdict.methods}  # fmt: skip
    return JudgedEvidence(
        **{**values, "test_images": images or 0},
        command=asked.command,
        logs=tuple(LogFile(log.source, log.kind, log.sha256, counts[log.source]) for log in logs),
        producers=tuple(Producer(kind, "") for kind in dict.fromkeys(log.kind for log in logs)),
        when=asked.when or _when_of(what),
        picked_on=found.picked_on,
        columns=tuple(dict.fromkeys(what.columns)),
        percent=found.percent,
        gap_columns=found.gap_columns,
        images_from=images_from,
        seed_names=names,
        pairing={f"{method} - {against}": how for (method, against), how in pairing.items()},
        left_out=tuple(_left_out(found.outcomes, pair, names) for pair, how in pairing.items() if how == PARTLY),
        epochs=found.epochs,
        as_logged=found.as_logged,
        values={each.method: tuple((names.get(run.seed, str(run.seed)), run.end.of(verdict.metric).test)
                                   for run in by_method[each.method] if run.end) for each in verdict.methods},
        failures={},
        curves={method: _curves(each, found) for method, each in by_method.items()},
    )  # fmt: skip


def _curves(runs: Sequence[Outcome], found: Measured) -> Curves:
    """Return the curves of a method; the distance of validation from running means is no gap, and is left out."""
    drawn = curves(runs, found.epochs[1])
    unknown = (None,) * len(drawn.epochs)
    return replace(drawn, gap=Curve(unknown, unknown)) if found.as_logged else drawn


def _left_out(outcomes: Sequence[Outcome], pair: Pair, names: dict[int, str]) -> LeftOut:
    one, other = ({each.seed for each in outcomes if each.method == method} for method in pair)
    lone = [f"{pair[0]} {names[seed]}" for seed in sorted(one - other)]
    lone += [f"{pair[1]} {names[seed]}" for seed in sorted(other - one)]
    return LeftOut(*pair, tuple(lone))
