"""Arguments from Python that are no texts: one clear error, or what they mean."""

from pathlib import Path

import pytest

import overfitlab
from overfitlab.errors import OverfitlabError, UsageError


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: overfitlab.train("none", 5), "data must be a name or a path, arrays .* not 5"),
        (lambda: overfitlab.compare(["l2"], 5), "data must be a name or a path, arrays .* not 5"),
        (lambda: overfitlab.compare(["l2"], "digits", protocol=None), "unknown protocol 'None'"),
        (lambda: overfitlab.compare("l2", "digits"), "methods are a list"),
        (lambda: overfitlab.compare(["l2"], "digits", contrasts="l2:none"), "contrasts are a list"),
        (lambda: overfitlab.compare(["l2"], "digits", contrasts=None), "contrasts are a list"),
        (lambda: overfitlab.compare(overfitlab.method("l2"), "digits"), "methods are a list"),
        (lambda: overfitlab.compare(5, "digits"), "methods are a list"),
        (lambda: overfitlab.compare(["l2"], "digits", out=5), "out must be a path, not 5"),
        (lambda: overfitlab.compare(["l2"], "digits", data_dir=5), "data_dir must be a path, not 5"),
    ],
)
def test_what_is_no_text(call, message):
    with pytest.raises(UsageError, match=message):
        call()
    assert list(Path().iterdir()) == []


def test_a_path_is_a_folder_of_images():
    with pytest.raises(OverfitlabError, match="folder or file called missing"):
        overfitlab.train("none", Path("missing"))


@pytest.mark.slow
def test_what_a_study_is_asked_for(small_study):
    study = overfitlab.load_study(small_study)
    for ask, message in (
        (lambda: study.figure(None), "unknown figure 'None'"),
        (lambda: study.figure(language=None), "unknown language 'None'; choose from en and ko"),
        (lambda: study.report("there", language="de"), "unknown language 'de'; choose from en and ko"),
    ):
        with pytest.raises(UsageError, match=message):
            ask()
    assert not Path("there").exists()


def test_a_tilde_is_ones_home(small_study):
    (Path.home() / "mine").symlink_to(small_study)
    assert overfitlab.load_study("~/mine").status == "finished"


def test_numbers_that_nobody_knows_are_numbers_all_the_same(small_study):
    study = overfitlab.load_study(small_study)
    unfinished = type(study)(study.folder, study.record, study.stored[:5]).verdict()
    assert unfinished["metric_p_adjusted"].isna().all()
    assert unfinished["metric_p_adjusted"].dtype == unfinished["gap_at_equal_fit"].dtype == "float64"
