"""The gate: a claim as an exit code, and a ledger that counts every attempt."""

import json
import subprocess
import sys

import numpy as np
import pytest
from made_runs import table

from overfitlab.api.gating import judged_at_gate
from overfitlab.errors import DamagedError, UsageError
from overfitlab.interop.gate import claim
from overfitlab.records.ledger import attempted, level_of, read


@pytest.fixture
def runs(tmp_path):
    def written(name="runs.csv", **more):
        path = tmp_path / name
        rows = table(**more)
        path.write_text("\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]))
        return str(path)

    return written


@pytest.mark.parametrize(
    ("text", "method", "word", "axis", "against"),
    [
        ("dropout helps accuracy", "dropout", "helps", "accuracy", None),
        ("dropout:rate=0.5 harms gap than none", "dropout:rate=0.5", "harms", "gap", "none"),
        ("my idea is not-worse accuracy than l2+dropout", "my idea", "not-worse", "accuracy", "l2+dropout"),
        ("A EQUIVALENT metric to B", "A", "equivalent", "metric", "B"),
    ],
)  # fmt: skip
def test_claims(text, method, word, axis, against):
    found = claim(text)
    assert (found.method, found.word, found.axis, found.against) == (method, word, axis, against)


@pytest.mark.parametrize("text", ["", "dropout helps", "helps accuracy", "dropout improves accuracy", "a helps speed"])
def test_what_is_no_claim_is_said(text):
    with pytest.raises(UsageError, match="--gate takes"):
        claim(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("dropout helps accuracy", 0), ("dropout harms accuracy", 4), ("dropout equivalent accuracy", 4),
        ("dropout not-worse accuracy", 0), ("l2 helps accuracy than none", 3),
        ("none not-worse accuracy than dropout", 4),
        ("l2 equivalent accuracy", 0), ("l2 harms accuracy", 3),
    ],
)  # fmt: skip
def test_exit_codes(runs, text, code):
    """Of l2, which does nothing, *equivalent* is shown, so under *helps* and *harms* it is not shown."""
    judgment, passed = judged_at_gate([runs(spread=0.001)], text, images=10_000)
    assert passed.exit_code == code
    assert passed.shown == (code == 0)
    assert len(judgment.evidence.contrasts) == 1


def test_a_claim_of_the_gap_takes_a_gap(runs):
    with pytest.raises(UsageError, match="no claim about the gap can be made"):
        judged_at_gate([runs()], "dropout helps gap")
    with pytest.raises(UsageError, match="unknown method 'droput'; did you mean 'dropout'"):
        judged_at_gate([runs()], "droput helps accuracy")


def test_not_worse_in_rounds_and_without_the_number_of_images(runs):
    _, passed = judged_at_gate([runs(seeds=10, spread=0.001)], "l2 not-worse accuracy", until_decided=12, images=10_000)
    assert passed.exit_code == 0
    rounded = runs("rounded.csv", images=1000)  # to three digits, so nobody can tell how many there were
    _, unknown = judged_at_gate([rounded], "l2 not-worse accuracy")
    assert (unknown.exit_code, unknown.p) == (3, None)


def test_every_attempt_is_stricter_and_the_same_files_are_the_same_attempt(runs, tmp_path):
    ledger = tmp_path / "attempts.jsonl"
    first = judged_at_gate([runs()], "dropout helps accuracy", ledger)[1]
    again = judged_at_gate([runs()], "dropout helps accuracy", ledger)[1]
    other = judged_at_gate([runs()], "l2 helps accuracy than none", ledger)[1]
    more = judged_at_gate([runs("more.csv", seeds=7)], "dropout helps accuracy", ledger)[1]
    assert [(each.attempt, each.again) for each in (first, again, other, more)] == [
        (1, False),
        (1, True),
        (2, False),
        (3, False),
    ]
    assert [each.alpha for each in (first, again, other, more)] == [0.025, 0.025, 0.05 / 6, 0.05 / 12]
    assert [entry.exit_code for entry in read(ledger)] == [0, 3, 0]
    with pytest.raises(UsageError, match="counts attempts at another question"):
        judged_at_gate([runs()], "dropout helps accuracy than l2", ledger)
    with pytest.raises(UsageError, match=r"--alpha 0\.05"):
        judged_at_gate([runs()], "dropout helps accuracy", ledger, alpha=0.1)


def test_what_fails_is_no_attempt(runs, tmp_path):
    ledger = tmp_path / "attempts.jsonl"
    with pytest.raises(UsageError):
        judged_at_gate([runs()], "dropout helps gap", ledger)
    assert not ledger.exists()


@pytest.mark.parametrize("change", ["value", "middle", "order", "bytes", "alpha"])
def test_a_broken_chain_is_refused(runs, tmp_path, change):
    ledger = tmp_path / "attempts.jsonl"
    for name in ("a", "b", "c"):
        judged_at_gate([runs(f"{name}.csv", seeds=5 + "abc".index(name))], "l2 helps accuracy", ledger)
    lines = ledger.read_bytes().splitlines()
    changed = {
        "value": [lines[0], lines[1].replace(b'"exit_code":3', b'"exit_code":0'), lines[2]],
        "middle": [lines[0], lines[2]], "order": [lines[1], lines[0], lines[2]], "bytes": [*lines, b"\xff{"],
        "alpha": [lines[0].replace(b"0.025", b"0.05"), *lines[1:]],
    }[change]  # fmt: skip
    ledger.write_bytes(b"\n".join(changed))
    with pytest.raises(DamagedError, match="is not a ledger, or was changed"):
        judged_at_gate([runs()], "l2 helps accuracy", ledger)


def test_levels_add_up_to_the_whole():
    assert sum(level_of(k, 0.05) for k in range(1, 100_000)) == pytest.approx(0.05, rel=1e-4)


def test_a_hundred_ideas_that_do_nothing_rarely_win():
    """At five seeds each, in 2,000 ledgers: the share with any false *helps* among a hundred attempts."""
    from scipy import stats

    rng = np.random.default_rng(0)
    won = np.zeros(2000, dtype=bool)
    naive = won.copy()
    for attempt in range(1, 101):
        differences = rng.normal(0, 1, (2000, 5))
        t = differences.mean(1) / (differences.std(1, ddof=1) / np.sqrt(5))
        p = 2 * stats.t.sf(np.abs(t), 4)
        better = differences.mean(1) > 0
        won |= better & (p <= level_of(attempt, 0.05))
        naive |= better & (p <= 0.05)
    assert won.mean() < 0.05
    assert naive.mean() > 0.9


@pytest.mark.slow
def test_two_jobs_at_once_are_two_attempts(runs, tmp_path):
    ledger = tmp_path / "attempts.jsonl"
    jobs = [
        subprocess.Popen(
            [sys.executable, "-m", "overfitlab", "judge", runs(f"{k}.csv", seeds=5 + k), "--gate", "l2 helps accuracy",
             "--ledger", str(ledger), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) for k in range(3)
    ]  # fmt: skip
    found = [json.loads(job.communicate(timeout=120)[0])["gate"] for job in jobs]
    assert {job.returncode for job in jobs} == {3}
    assert sorted(each["attempt"] for each in found) == [1, 2, 3]
    assert [entry.attempt for entry in read(ledger)] == [1, 2, 3]


def test_an_attempt_that_raises_leaves_the_ledger_free(tmp_path):
    ledger = tmp_path / "a.jsonl"

    def fails(_):
        raise DamagedError("x {y}")

    with pytest.raises(DamagedError):
        attempted(ledger, "q", "c", "0" * 64, 0.05, fails)
    assert attempted(ledger, "q", "c", "0" * 64, 0.05, lambda attempt: (0, attempt.number)) == 1
