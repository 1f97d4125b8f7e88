"""Several runs at the same time: ours beside Keras, and what the choice of runs and threads costs."""

import contextlib
from collections.abc import Iterator

from peers import cores, keras, keras_setups, ours
from processes import Contender, Setup, close, everyone, own_times, start, started, take_turns
from tables import counted, missing_row, ratios, spread, table

from parts.part import Measured, Options
from parts.training import versions

OURS_PINNED = "overfitlab, 2 runs x 1 thread, each on a core of its own"
MOST_ROUNDS = 5  # there are many contenders
MOST_RUNS = 8
CHOICES = (1, 2, 3, 4, MOST_RUNS)
TRIAL_STEPS, TRIAL_ROUNDS = 20, 2


def side_by_side(options: Options) -> Measured:
    """Return the time for each step done, whichever run did it."""
    rounds = min(options.rounds, MOST_ROUNDS)
    fastest = _fastest_keras(options.peer_python)
    with _contenders(options.peer_python, fastest) as contenders:
        take_turns(contenders, rounds, {"train": options.steps})
    mine = own_times(contenders, "train")
    rows = []
    for contender in contenders:
        if contender.missing is not None:
            rows.append(missing_row(contender.name, contender.missing, 4))
            continue
        times = contender.milliseconds["train"]
        rows.append(
            [contender.name, spread(times), spread([1000 / each for each in times], 0), spread(ratios(times, mine), 2)]
        )
    header = ["runs at the same time, batch 32", "ms for each step done", "steps/s of all", "relative to the first row"]
    text = table(header, rows) + (
        f"n = {rounds} rounds of up to {options.steps} steps of every run, after one warm-up (not counted); a "
        f"turn ends with its slowest run. The fastest Keras in a preliminary trial of {TRIAL_ROUNDS} short rounds was "
        f"{fastest.name}. {versions(contenders)}\n\n"
    )
    data = {"rounds": rounds, "contenders": {each.name: each.as_dict() for each in contenders}}
    return Measured(text, data)


def _fastest_keras(python: str) -> Setup:
    """Return the fastest set-up, by a trial; stock Keras where none could start."""
    setups = keras_setups(python)
    with started(setups) as contenders:
        take_turns(contenders, TRIAL_ROUNDS, {"train": TRIAL_STEPS})
    present = everyone(contenders)
    if not present:
        return setups[0]
    best = min(present, key=lambda each: min(each.milliseconds["train"])).name
    return next(setup for setup in setups if setup.name == best)


@contextlib.contextmanager
def _contenders(python: str, fastest: Setup) -> Iterator[list[Contender]]:
    """Start them all; the groups of our runs without a core of their own share their processes."""
    own = (cores() * 2)[:2]
    one_thread, two_threads = ours().more("--threads", "1"), ours().more("--threads", "2")
    stock = keras(python, "float32")
    contenders: list[Contender] = []
    try:
        contenders.append(start(_named(one_thread, OURS_PINNED), own))
        pool = start(one_thread, [None] * MOST_RUNS)
        contenders += [_group(f"overfitlab, {counted(count, 'run')} x 1 thread", pool, count) for count in CHOICES]
        pair = start(two_threads, [None] * 2)
        contenders += [_group(f"overfitlab, {counted(count, 'run')} x 2 threads", pair, count) for count in (1, 2)]
        contenders.append(start(_named(stock, f"{stock.name}, 1 process")))
        for setup in {each.name: each for each in (stock, keras(python, "mixed_bfloat16"), fastest)}.values():
            limit = ("--threads", "1") if setup.variables["KERAS_BACKEND"] == "tensorflow" else ()
            pinned = setup.more(*limit, name=f"{setup.name}, 2 processes, each on a core of its own")
            contenders.append(start(pinned, own))
            contenders.append(start(_named(setup, f"{setup.name}, 2 processes, unrestricted"), [None] * 2))
        yield contenders
    finally:
        close(contenders)


def _named(setup: Setup, name: str) -> Setup:
    return setup.more(name=name)


def _group(name: str, pool: Contender, count: int) -> Contender:
    group = Contender(name, pool.processes[:count])
    group.missing = pool.missing
    return group
