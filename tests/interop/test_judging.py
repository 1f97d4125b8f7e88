"""The verdict on runs of others: the same as a study's, paired or not, and refused where logs cannot support it."""

import io
import json

import numpy as np
import pandas
import pytest
from made_evidence import LABELS, outcome
from made_runs import table

import overfitlab
from overfitlab.api import judged_report
from overfitlab.api.judged_report import judged_histories, judged_rows
from overfitlab.api.judging import logs_of
from overfitlab.errors import DataError, UsageError
from overfitlab.interop.judging import Asked, judge
from overfitlab.report import judged_figures
from overfitlab.report.marks import Dots
from overfitlab.report.paper_files import paper_files
from overfitlab.stats.design import Design, Until
from overfitlab.stats.verdict import compute_verdict
from overfitlab.words.language import ENGLISH


def words(found):
    return {(each.method, each.against): each.metric.verdict for each in found.evidence.contrasts}


def test_the_verdict_is_that_of_a_study_on_the_same_numbers():
    """The table has what `runs.csv` of a study has: words, p and intervals are equal on both axes."""
    outcomes = [outcome(method, seed) for method in LABELS for seed in range(7)]
    pairs = [(method, "none") for method in LABELS if method != "none"]
    design = Design("", {method: method for method in LABELS}, pairs, range(7), (7,), 1, 0.05, 0.5, 1.0, 359, 432)
    expected = compute_verdict(outcomes, design)
    rows = [
        {"method": run.method, "seed": run.seed, "test_acc": run.end.accuracy, "gap": run.end.gap,
         "train_acc": run.end.val_acc + run.end.gap, "val_acc": run.end.val_acc, "onset_test_acc": None,
         "status": "finished"}
        for run in outcomes
    ]  # fmt: skip
    found = overfitlab.judge(rows, images=(359, 432)).evidence
    assert found.axes == ("metric", "gap")
    for ours, theirs in zip(expected.contrasts, found.contrasts, strict=True):
        for axis in ("metric", "gap"):
            one, other = ours.axis(axis), theirs.axis(axis)
            assert (one.verdict, one.n) == (other.verdict, other.n)
            for name in ("mean", "low", "high", "p_raw", "p_adjusted", "p_equivalence_adjusted", "p_sign_flip_raw"):
                assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-6), name
    assert found.recommended == expected.recommended


def test_frames_rows_columns_and_files_say_the_same(tmp_path):
    rows = table()
    pandas.DataFrame(rows).to_csv(tmp_path / "runs.csv", index=False)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    expected = words(overfitlab.judge(rows))
    assert expected == {("dropout", "none"): "helps", ("l2", "none"): "undecided"}
    for data in (pandas.DataFrame(rows), columns, tmp_path / "runs.csv", str(tmp_path / "runs.csv"),
                 [tmp_path / "runs.csv"],
                 pandas.DataFrame(rows).set_index(["method", "seed"])):  # fmt: skip
        assert words(overfitlab.judge(data)) == expected


def test_percent_is_told_apart_and_mixtures_are_refused():
    rows = table()
    percent = [row | {"test_acc": 100 * row["test_acc"]} for row in rows]
    one, other = overfitlab.judge(rows).evidence, overfitlab.judge(percent).evidence
    assert (one.percent, other.percent) == (False, True)
    assert one.contrasts[0].metric.mean == pytest.approx(other.contrasts[0].metric.mean)
    with pytest.raises(DataError, match=r"in percent in .* and from 0 to 1 in"):
        overfitlab.judge([*percent[:6], *rows[6:]])
    with pytest.raises(DataError, match="judge takes shares from 0 to 1, percent, and losses"):
        overfitlab.judge([row | {"test_acc": 1000 * row["test_acc"]} for row in rows])


def test_partly_matching_seeds_are_paired_on_the_common_ones_and_the_rest_named():
    rows = [row for row in table(7) if (row["method"], row["seed"]) not in {("none", 0), ("dropout", 6), ("l2", 6)}]
    found = overfitlab.judge(rows)
    assert found.evidence.pairing["dropout - none"] == "partly"
    assert found.evidence.contrasts[0].metric.seeds == (1, 2, 3, 4, 5)
    assert "Left out of dropout - none, because the other side lacks their seeds: dropout 0, none 6." in str(found)


@pytest.mark.parametrize("seeds", ["others", "none", "two in common"])
def test_runs_without_common_seeds_are_two_arms(seeds):
    rows = table(6, {"none": 0.0, "dropout": 0.03})
    shift = {"others": 10, "two in common": 4}.get(seeds, 0)
    rows = [row | {"seed": row["seed"] + shift * (row["method"] == "dropout")} for row in rows]
    if seeds == "none":
        rows = [{name: value for name, value in row.items() if name != "seed"} for row in rows]
    found = overfitlab.judge(rows)
    [contrast] = found.evidence.contrasts
    assert (contrast.metric.n, contrast.metric.n_against, contrast.metric.verdict) == (6, 6, "helps")
    assert contrast.metric.differences == ()
    assert "with unpaired runs" in str(found)


def test_equivalent_takes_the_number_of_images():
    rng = np.random.default_rng(1)
    rows = [{"method": method, "seed": seed, "test_acc": round(0.7 + rng.normal(0, 0.0004), 4)}
            for method in ("none", "l2") for seed in range(6)]  # fmt: skip
    said = {images: overfitlab.judge(rows, images=images) for images in (None, 10_000, 100)}
    assert {images: words(found)["l2", "none"] for images, found in said.items()} == {
        None: "undecided", 10_000: "equivalent", 100: "undecided",
    }  # fmt: skip
    assert "so nothing is called equivalent; give it with --images N" in str(said[None])
    exact = [row | {"test_acc": round(row["test_acc"] * 15_001) / 15_001} for row in rows]
    found = overfitlab.judge(exact)
    assert (found.evidence.test_images, found.evidence.images_from) == (15_001, "grid")
    column = overfitlab.judge([row | {"images": 10_000} for row in rows])
    assert (column.evidence.test_images, column.evidence.images_from) == (10_000, "column")


def histories(seeds=5, epochs=8):
    rng = np.random.default_rng(2)
    return [
        {"method": method, "seed": seed, "epoch": epoch,
         "val_acc": 0.6 + 0.02 * min(epoch, 5) + gain + rng.normal(0, 0.002),
         "val_loss": 1 / (1 + epoch) + 0.1 * max(epoch - 4, 0), "train_acc": 0.9}
        for method, gain in (("none", 0.0), ("dropout", 0.03)) for seed in range(seeds) for epoch in range(epochs)
    ]  # fmt: skip


def test_the_end_counts_or_the_best_epoch_which_warns():
    end, best = (overfitlab.judge(histories(), when=when) for when in (None, "best"))
    values = {found.evidence.when: dict(found.evidence.values["none"]) for found in (end, best)}
    assert all(values["best"][seed] >= values["end"][seed] for seed in values["end"])
    assert "looks better than it is" in str(best)
    assert "looks better than it is" not in str(end)
    assert end.evidence.methods[0].onset.mean == 5.0


ON_VALIDATION, WARNS = "chosen on its validation images", "was chosen on the images it is judged by"


def with_test(rows, *kept):
    """Return histories with a test metric that is best at another epoch than validation, and those columns of it."""
    return [{name: row[name] for name in ("method", "seed", "epoch", *kept)}
            | {"test_acc": row["val_acc"] - 0.05 * (row["epoch"] == 7)} for row in rows]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "picked_on", "says", "never"),
    [
        (histories(), ("judged",), ["is used, chosen by val_acc.", WARNS], [ON_VALIDATION, "If the best epoch"]),
        (with_test(histories(), "val_acc"), ("validation",), [ON_VALIDATION], ["chosen by", "looks better"]),
        (with_test(histories(), "val_loss"), ("validation",), [ON_VALIDATION], ["chosen by", "looks better"]),
        (with_test(histories()), ("judged",), ["is used, chosen by test_acc.", WARNS], [ON_VALIDATION]),
        (table(), ("unsaid",), ["If the best epoch was chosen on the images it is judged by"], ["each run is used"]),
    ],
    ids=["validation judged", "by validation accuracy", "by validation loss", "test alone", "outcomes alone"],
)  # fmt: skip
def test_it_is_said_on_which_images_the_best_epoch_was_chosen(rows, picked_on, says, never):
    found = overfitlab.judge(rows, when="best")
    assert found.evidence.picked_on == picked_on
    for text in says:
        assert text in flat(found), text
    for text in never:
        assert text not in flat(found), text
    assert overfitlab.judge(rows).evidence.picked_on == ()


def flat(found):
    """Return what is said, without its lines."""
    return " ".join(str(found).split())


def test_runs_without_validation_beside_runs_with_it_are_said_to_look_better():
    rows = [row if row["method"] == "none" else {name: value for name, value in row.items() if name != "val_acc"}
            for row in with_test(histories(), "val_acc")]  # fmt: skip
    found = overfitlab.judge(rows, when="best")
    assert found.evidence.picked_on == ("judged", "validation")
    assert "chosen on its validation images or, where its log has none, by test_acc." in flat(found)
    assert "The best epoch of some runs was chosen on the images it is judged by, so these runs" in flat(found)


def test_a_column_of_the_best_epoch_is_taken_for_that():
    rows = [{"method": row["method"], "seed": row["seed"], "best_val_acc": row["test_acc"]} for row in table()]
    found = overfitlab.judge(rows).evidence
    assert (found.metric, found.when, found.columns) == ("validation_accuracy", "best", ("best_val_acc",))
    assert found.picked_on == ("judged",)
    both = [row | {"val_acc": row["best_val_acc"] - 0.1} for row in rows]
    picked = [overfitlab.judge(both, when=when).evidence.columns for when in (None, "best")]
    assert picked == [("val_acc",), ("best_val_acc",)]
    with pytest.raises(DataError, match="has no value of val_acc"):
        overfitlab.judge([*both[:6], *rows[6:]])  # some of the end, others of the best epoch alone


def test_running_means_give_no_gap_and_no_word():
    found = overfitlab.judge(histories()).evidence
    assert found.axes == ("metric",)
    assert found.contrasts[0].gap.verdict is None
    assert found.as_logged
    named = overfitlab.judge(histories(), columns={"train": "train_acc"}).evidence
    assert named.axes == ("metric", "gap")
    assert named.gap_columns == ("train_acc", "val_acc")
    assert not named.as_logged


def test_seeds_that_arrive_are_read_in_rounds():
    rows = table(12, {"none": 0.0, "dropout": 0.03})
    early, late = (overfitlab.judge([row for row in rows if row["seed"] < seeds], until_decided=12).evidence
                   for seeds in (3, 12))  # fmt: skip
    assert (early.progress.round, early.contrasts[0].metric.verdict, early.over) == (3, "undecided", False)
    assert (late.contrasts[0].metric.verdict, late.over) == ("helps", True)
    assert late.contrasts[0].metric.decided_at < 12
    unpaired = overfitlab.judge(apart(rows, "dropout"), until_decided=12)
    assert unpaired.evidence.pairing == {"dropout - none": "in_order"}
    assert unpaired.evidence.contrasts[0].metric.verdict == "helps"


def test_columns_can_be_named_and_unknown_metrics_need_a_direction():
    rows = [{"arch": row["method"], "rs": row["seed"], "score": row["test_acc"]} for row in table()]
    with pytest.raises(UsageError, match=r"which column .* has the methods\? .* there are: arch, rs, score"):
        overfitlab.judge(rows)
    columns = {"method": "arch", "seed": "rs"}
    with pytest.raises(UsageError, match="NAME:higher or NAME:lower; there are: arch, rs, score"):
        overfitlab.judge(rows, columns=columns)
    with pytest.raises(UsageError, match="is a higher score better"):
        overfitlab.judge(rows, columns=columns, metric="score")
    higher, lower = (words(overfitlab.judge(rows, columns=columns, metric=f"score:{way}"))["dropout", "none"]
                     for way in ("higher", "lower"))  # fmt: skip
    assert (higher, lower) == ("helps", "harms")
    assert "points more score" in str(overfitlab.judge(rows, columns=columns, metric="score:higher"))


def test_losses_are_better_where_they_are_smaller():
    rows = [{"method": row["method"], "seed": row["seed"], "val_loss": 3 * (1 - row["test_acc"])} for row in table()]
    found = overfitlab.judge(rows).evidence
    assert (found.metric, found.contrasts[0].metric.verdict) == ("validation_loss", "helps")
    assert found.contrasts[0].metric.mean < 0


def test_a_diverged_run_is_counted_and_never_dropped():
    rows = table()
    rows[8] = rows[8] | {"test_acc": float("nan")}  # one of dropout's
    found = overfitlab.judge(rows)
    assert words(found)["dropout", "none"] == "undecided"
    assert found.evidence.methods[1].diverged == 1
    assert "1 of 6 runs of dropout diverged" in str(found)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda rows: rows[:6], DataError, "all runs are of one method"),
        (lambda rows: [row for row in rows if row["seed"] == 0], DataError, "there is only one run of each method"),
        (lambda rows: [row | {"method": row["method"] + "x"} for row in rows], UsageError, "--baseline METHOD"),
        (lambda rows: [*rows, rows[0]], DataError, "no column of epochs"),
        (lambda rows: [row | {"dataset": row["method"]} for row in rows], DataError, "measured on different images"),
        (lambda rows: [row | {"images": 100 + row["seed"]} for row in rows], DataError, "measured on different images"),
        (lambda rows: [row | {"when": ("best", "last")[row["seed"] % 2]} for row in rows], DataError,
         "cannot be compared"),
        (lambda rows: [row | {"when": "best"} for row in rows], UsageError, "--when best"),
        (lambda rows: [row | {"test_accuracy": 0.5} for row in rows], UsageError, "which of these is meant"),
        (lambda rows: [row | {"method": None} for row in rows], DataError, "has no method"),
        (lambda rows: [], DataError, "there are no rows"),
        (lambda rows: 3, UsageError, "judge takes a data frame"),
    ],
)  # fmt: skip
def test_what_cannot_be_supported_is_refused_with_the_reason(change, error, said):
    with pytest.raises(error, match=said):
        overfitlab.judge(change(table()))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"baseline": "nothing"}, "did you mean 'none'"), ({"contrasts": ["dropout"]}, "is not a pair of methods"),
        ({"when": "later"}, "choose from|did you mean"), ({"images": "many"}, "--images takes"),
        ({"images": 0}, "--images takes"),
        ({"until_decided": 3}, "takes 6 to 100 seeds"), ({"alpha": 2}, "--alpha must be"),
        ({"equivalence": "-1"}, "from 0 to"),
        ({"columns": ["colour=x"]}, "--column takes"), ({"columns": {"seed": "nope"}}, "there is no column 'nope'"),
        ({"metric": "nope:higher"}, "there is no column 'nope'"),
    ],
)  # fmt: skip
def test_wrong_options_are_usage_errors(options, said):
    with pytest.raises(UsageError, match=said):
        overfitlab.judge(table(), **options)


@pytest.mark.slow
def test_the_report_is_a_studys(tmp_path):
    found = overfitlab.judge(histories(), command="overfitlab judge x")
    page = found.report(tmp_path / "report", "en")
    there = {path.name for path in page.parent.iterdir() if not path.name.startswith(".")}
    shared, spoken = (
        {"verdict.json", "contrasts.csv", "runs.csv", "history.csv", "figures"},
        {"report.html", "report.md", "contrasts.tex", "methods.txt"},
    )
    assert there == shared | spoken
    figures = {"paired_differences.svg", "runs.svg", "learning_curves.svg", "validation_loss.svg"}
    assert {path.name for path in (page.parent / "figures").glob("*.svg")} == figures
    found.report(tmp_path / "report")  # in both
    there = {path.name for path in page.parent.iterdir() if not path.name.startswith(".")}
    assert there == shared | spoken | {"report.ko.html", "report.ko.md", "contrasts.ko.tex", "methods.ko.txt"}
    assert len(list((page.parent / "figures").glob("*.svg"))) == 2 * len(figures)
    document = json.loads((tmp_path / "report" / "verdict.json").read_text())
    assert document["contrasts"][0]["metric"]["verdict"] == "helps"
    assert document["logs"][0]["kind"] == "table"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="holds other files"):
        found.report(tmp_path / "other")


def test_formulas_in_names_are_no_formulas_in_our_tables(tmp_path):
    rows = [row | {"method": {"dropout": "=cmd|' /C calc'!A0"}.get(row["method"], row["method"])} for row in table()]
    folder = overfitlab.judge(rows).report(tmp_path / "r").parent
    for name in ("runs.csv", "contrasts.csv"):
        lines = (folder / name).read_text().splitlines()
        assert any("'=cmd" in line for line in lines)
        assert not any(cell.startswith("=") for line in lines for cell in line.split(","))


def test_the_report_of_runs_alone_has_no_histories_even_where_one_lay_there(tmp_path, monkeypatch):
    monkeypatch.setattr(judged_report, "_figures", lambda *_: {})
    folder = overfitlab.judge(histories()).report(tmp_path / "r", "en").parent
    assert len(pandas.read_csv(folder / "history.csv")) == len(histories())
    overfitlab.judge(table()).report(folder, "en")
    assert not (folder / "history.csv").exists()


def of(rows, **asked):
    """Return the verdict with its runs, as the report gets them."""
    return judge(logs_of(rows), Asked(**asked))


def test_tables_have_every_run_and_epoch_and_are_read_again():
    whole = histories()
    rows = [row | ({"val_acc": float("nan")} if (row["method"], row["seed"], row["epoch"]) == ("none", 1, 7) else {})
            for row in whole]  # fmt: skip
    found = of(rows)
    runs = judged_rows(found.evidence, found.runs)
    assert len(runs) == 10
    assert [(row["method"], row["seed"]) for row in runs if row["status"] == "diverged"] == [("none", "1")]
    assert {row["seed"]: row["value"] for row in runs if row["method"] == "dropout"} == pytest.approx(
        dict(found.evidence.values["dropout"])
    )
    before = of(whole)
    epochs = judged_histories(before.evidence, before.runs)
    assert len(epochs) == len(whole)
    again = of([{name: value for name, value in row.items() if value is not None} for row in epochs]).evidence
    assert again.axes == ("metric",)  # running means stay running means
    assert again.contrasts[0].metric.mean == pytest.approx(before.evidence.contrasts[0].metric.mean)
    assert again.methods[0].onset == before.evidence.methods[0].onset


def drawn(evidence):
    return {name for name, (make, _) in judged_figures.FIGURES.items() if make(evidence)}


def test_a_gap_that_was_measured_has_the_figures_of_a_study():
    rows = [row | {"train_acc": 0.5 + 0.05 * row["epoch"], "train_loss": 1.0, "seconds": 2.0} for row in histories()]
    found = overfitlab.judge(rows, columns={"train": "train_acc"}).evidence
    assert drawn(found) == {*judged_figures.FIGURES}
    assert found.curves["none"].gap.mean[-1] == pytest.approx(0.15, abs=0.02)
    assert found.contrasts[0].equal_fit is not None
    logged = overfitlab.judge(rows).evidence
    assert drawn(logged) == {*judged_figures.FIGURES} - {"gap_curves", "equal_fit"}
    assert set(logged.curves["none"].gap.mean) == {None}  # a distance from running means is no gap
    assert drawn(overfitlab.judge(table()).evidence) == {"paired_differences", "runs"}


def apart(rows, method="l2"):
    return [row | {"seed": row["seed"] + 100 * (row["method"] == method)} for row in rows]


def without_seeds(rows):
    return [{name: value for name, value in row.items() if name != "seed"} for row in rows]


@pytest.mark.parametrize(
    ("rows", "options", "headline", "kinds", "says", "never"),
    [
        (table(6), {}, "at 6 paired seeds", {"student_t"}, ["two-sided paired t-test", "95 % Student's t intervals,"],
         ["Welch", "k-th"]),
        (without_seeds(table(6)), {}, "with unpaired runs", {"welch_t"},
         ["Welch's two-sided t-test", "95 % Welch intervals", "degrees of freedom of the smaller group"],
         ["paired t-test", "Student's t intervals", "paired seeds", "Sign flips", "same seed"]),
        (apart(table(6)), {}, "with runs of which only some are paired", {"student_t", "welch_t"},
         ["two-sided paired t-test", "Welch's two-sided t-test", "Student's t intervals for pairs and Welch intervals"],
         ["paired seeds"]),
        (apart(table(12)), {"until_decided": 12}, "pairs formed by order", {"always_valid"},
         ["k-th run of one method and the k-th of the other were tested", "always-valid", "Lai (1976)"],
         ["paired seeds", "Welch", "same seed", "Schuirmann"]),
    ],
    ids=["paired", "unpaired", "mixed", "in order"],
)  # fmt: skip
def test_words_are_those_of_the_test_that_was_made(rows, options, headline, kinds, says, never):
    found = overfitlab.judge(rows, images=10_000, **options)
    assert headline in str(found).partition("\n")[0]
    files = paper_files(found.evidence, ENGLISH)
    whole = files["methods.txt"] + files["contrasts.tex"] + str(found)
    for text in says:
        assert text in whole, text
    for text in never:
        assert text not in whole, text
    assert "gap" not in files["contrasts.tex"]  # nobody measured one
    assert set(pandas.read_csv(io.StringIO(files["contrasts.csv"])).interval) == kinds


def test_without_the_number_of_images_no_equivalence_was_tested():
    rows = [row | {"test_acc": round(row["test_acc"], 3)} for row in table(6)]
    files = paper_files(overfitlab.judge(rows).evidence, ENGLISH)
    assert "Equivalence was not tested" in files["methods.txt"]
    assert "Schuirmann" not in files["methods.txt"]
    assert "p= is empty" in files["contrasts.tex"]


def test_runs_that_share_no_seeds_with_one_method_are_not_missing_from_another():
    said = str(overfitlab.judge(apart(table(6))))
    assert "missing" not in said
    assert "failed" not in said


def tips(evidence):
    panels = judged_figures.FIGURES["paired_differences"][0](evidence)
    return {dot.tip.partition(":")[0] for mark in panels[0].marks if isinstance(mark, Dots) for dot in mark.dots}


def test_seeds_have_the_names_of_the_logs():
    found = of([row | {"seed": f"run-{'abcdef'[row['seed']]}"} for row in table(6)])
    names = {f"run-{name}" for name in "abcdef"}
    assert {row["seed"] for row in judged_rows(found.evidence, found.runs)} == names
    assert {f"seed {name}" for name in names} <= tips(found.evidence)
    found = of(apart(table(8)), until=Until(12))
    assert "100" in {row["seed"] for row in judged_rows(found.evidence, found.runs)}
    assert "pair 1" in tips(found.evidence)


@pytest.mark.parametrize("change", [without_seeds, lambda rows: [row | {"seed": f"s{row['seed']}"} for row in rows]])
def test_rounds_take_seeds_in_an_order_that_stays(change):
    """Read in another order each time, a fifth of simulated questions is answered by chance (docs/statistics.md)."""
    with pytest.raises(UsageError, match="whole numbers that grow as runs arrive"):
        overfitlab.judge(change(table(12)), until_decided=12)


@pytest.mark.parametrize("baseline", [None, "mine"])
def test_runs_of_one_method_are_said_to_be_so_whatever_the_baseline(baseline):
    rows = [{"method": "mine", "seed": seed, "test_acc": 0.7 + seed / 100} for seed in range(4)]
    with pytest.raises(overfitlab.OverfitlabError, match="all runs are of one method, mine"):
        overfitlab.judge(pandas.DataFrame(rows), baseline=baseline)
