"""A study that is watched: read anew only where it has changed."""

import shutil

import pytest

from overfitlab.errors import OverfitlabError
from overfitlab.records import history
from overfitlab.records.run_folder import LIVE, LiveHistory, RunFolder, live_rows
from overfitlab.records.study_folder import StudyFolder
from overfitlab.results.history import EpochRow
from overfitlab.study.study import load_study
from overfitlab.study.watching import Watched

ROWS = [EpochRow(epoch, 0.5, 1 / epoch, 0.5, 1.25, 0.25, 0.5, 0.75) for epoch in range(1, 6)]


@pytest.fixture
def folder(small_study, tmp_path):
    return shutil.copytree(small_study, tmp_path / "watched")


def test_it_says_what_the_study_says(folder):
    watched, study = Watched(folder), load_study(folder)
    assert watched.refresh()
    assert not watched.refresh()
    assert len(watched.glances) == len(study.stored) == 12
    assert [each.seed for each in watched.glances] == sorted(each.seed for each in watched.glances)
    evidence = watched.evidence()
    assert evidence.curves == study.evidence().curves
    assert evidence.power == study.evidence().power
    assert [each.metric.mean for each in evidence.contrasts] == [each.metric.mean for each in study.judged().contrasts]
    progress = watched.progress()
    assert (progress.ended, progress.total, progress.share, progress.seconds_left) == (12, 12, 1.0, None)


def test_evidence_is_made_anew_where_a_run_has_ended_and_else_not(folder):
    name = next(StudyFolder(folder).runs()).path.name
    kept = folder.parent / name
    shutil.move(folder / "runs" / name, kept)
    watched = Watched(folder)
    watched.refresh()
    before = watched.evidence()
    assert watched.evidence() is before
    assert before.provisional
    shutil.copytree(kept, folder / "runs" / name)
    assert watched.refresh()
    assert not watched.evidence().provisional
    signature = watched.signature
    again = Watched(folder)
    again.refresh()
    assert again.signature == signature, "another server calls the same state the same"


def test_runs_that_were_removed_are_forgotten(folder):
    """As where somebody removes a study and begins it anew under the same name, while a page shows it."""
    watched = Watched(folder)
    watched.refresh()
    names = [run.path.name for run in StudyFolder(folder).runs()]
    for name in names[:3]:
        shutil.rmtree(folder / "runs" / name)
    (folder / "runs" / names[0]).mkdir()  # begun again, and nothing is written yet
    assert watched.refresh()
    assert {each.name for each in watched.glances} == set(names[3:])
    assert len(watched.ended()) == len(names) - 3
    assert watched.evidence().provisional
    assert not watched.refresh()
    assert watched.signature == fresh(folder).signature


def fresh(folder):
    found = Watched(folder)
    found.refresh()
    return found


def test_time_left_goes_by_how_long_epochs_took(folder):
    study = StudyFolder(folder)
    *_, current, last = study.runs()
    shutil.rmtree(last.path)
    record = current.record()
    record.status, record.result, record.files = "running", None, {}
    current.write_record(record)
    of_study = study.record()
    of_study.status = "running"
    study.write_record(of_study)
    watched = Watched(folder)
    with study.claimed(of_study.id):
        watched.refresh()
        progress = watched.progress()
        assert watched.status == "running"
        assert (progress.ended, progress.total, progress.all_epochs) == (10, 12, 36)
        assert progress.seconds_left > 0
    for _ in range(9):
        watched.refresh()
    assert watched.status == "interrupted", "nobody holds it any more"
    assert watched.progress().seconds_left is None


def test_a_study_that_is_none(tmp_path):
    with pytest.raises(OverfitlabError):
        Watched(tmp_path).refresh()


def test_epochs_are_there_as_they_end(tmp_path):
    folder = RunFolder(tmp_path)
    live = LiveHistory(folder, [])
    assert live_rows(folder) == []
    for count in range(1, 4):
        live.append(ROWS[:count])
        assert live_rows(folder) == ROWS[:count]
    with (tmp_path / LIVE).open("a") as stream:
        stream.write("4,0.5,0.2")  # half a line
    assert live_rows(folder) == ROWS[:3]
    again = LiveHistory(folder, ROWS[:2])  # a run that goes on after an earlier checkpoint
    assert live_rows(folder) == ROWS[:2]
    again.append(ROWS[:3])
    assert live_rows(folder) == ROWS[:3]
    again.remove()
    (tmp_path / "history.csv").write_text(history.to_csv(ROWS))
    assert live_rows(folder) == ROWS


def test_a_link_in_its_place_leads_nowhere(tmp_path):
    folder, victim = RunFolder(tmp_path / "run"), tmp_path / "victim"
    folder.path.mkdir()
    victim.write_text("precious")
    (folder / LIVE).symlink_to(victim)
    LiveHistory(folder, ROWS[:1]).append(ROWS[:2])
    assert victim.read_text() == "precious"
    assert live_rows(folder) == ROWS[:2]


def test_a_disk_that_refuses_it_refuses_nothing_that_matters(tmp_path):
    live = LiveHistory(RunFolder(tmp_path / "nowhere"), ROWS[:1])
    live.append(ROWS[:2])
    live.remove()
    assert live_rows(RunFolder(tmp_path / "nowhere")) == []
