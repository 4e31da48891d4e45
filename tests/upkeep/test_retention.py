"""Housekeeping in a retrained shop, half a year later: what goes, what stays, and that everything still works."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from given.shop import day, edit_spec, newest_run

from mlsys import clock, pipeline
from mlsys.errors import UsageError
from mlsys.planning.plan import RunRequest
from mlsys.promotion.projection import drift, project
from mlsys.report import run_records
from mlsys.store import write_atomically
from mlsys.temporary import temporary_file
from mlsys.training import model_file
from mlsys.upkeep import retention
from mlsys.upkeep.retention import Cleaning, Limits, clean
from mlsys.validation.data_docs import index_path, page_path
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

NOW = clock.now


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a year passes."""
    monkeypatch.setattr(clock, "now", lambda: NOW() + timedelta(days=180))


def models_of(work: Workspace, run_id: str) -> dict[str, str]:
    (key,) = {row.training_key for row in work.ledger.run(run_id)}
    return {candidate.name: candidate.model or "" for candidate in work.ledger.candidates(key)}


def is_there(work: Workspace, digest: str) -> bool:
    return (work.store.root / digest[:2] / digest[2:]).exists()


def share(cleaning: Cleaning, name: str) -> int:
    return next(share.n_files for share in cleaning.shares if share.name == name)


def files_in(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock")


def aged(path: Path, days: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    then = (NOW() - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))
    return path


def test_nothing_goes_while_everything_is_young(work: Workspace) -> None:
    assert clean(work, apply=True).n_bytes == 0


def test_of_an_old_run_the_models_go_and_the_champion_stays(work: Workspace, later: None) -> None:
    champion, loser = work.ledger.champion("shop"), models_of(work, newest_run(work))
    assert champion is not None
    done = clean(work, apply=True)
    assert share(done, "models") > 0
    assert not any(is_there(work, model) for model in loser.values())
    kept = work.ledger.candidate(champion.candidate_id)
    assert kept is not None
    assert model_file.load(str(kept.model), work.store) is not None
    assert work.ledger.verify("shop") > 0


def test_a_dry_run_removes_nothing_and_names_the_same_bytes(work: Workspace, later: None) -> None:
    before = files_in(work.home)
    foreseen = clean(work)
    assert files_in(work.home) == before
    done = clean(work, apply=True)
    assert done.n_bytes == foreseen.n_bytes > 0
    assert done.shares == foreseen.shares
    assert clean(work).n_bytes == 0


def test_a_night_after_it_builds_on_what_stayed(work: Workspace, later: None) -> None:
    clean(work, apply=True)
    finished = pipeline.run(work, RunRequest("shop", day=day(12)))
    assert finished.evaluations is not None
    assert finished.evaluations.champion_state == "scored"


def test_an_old_day_can_be_done_again_with_the_same_models(work: Workspace, later: None) -> None:
    run_id = newest_run(work)
    models = models_of(work, run_id)
    decisions = work.ledger.decisions("shop")
    clean(work, apply=True)
    finished = pipeline.run(work, RunRequest("shop", day=day(11), mode="train"))
    assert finished.start.run_id == run_id
    assert {c.name: c.model for c in finished.candidates} == models
    assert all(is_there(work, model) for model in models.values())
    assert work.ledger.decisions("shop") == decisions


def test_the_registries_are_made_again_from_what_stayed(work: Workspace, later: None) -> None:
    clean(work, apply=True)
    project(work, "shop", force=True)
    assert drift(work, "shop") == []


def test_the_card_of_an_old_run_stays_as_it_was_written(work: Workspace, later: None) -> None:
    card = run_records.card_path(work, newest_run(work))
    written = card.read_bytes()
    clean(work, apply=True)
    assert run_records.card_path(work, newest_run(work)).read_bytes() == written


def test_what_is_asked_for_again_counts_as_young(work: Workspace, later: None) -> None:
    pipeline.run(work, RunRequest("shop", day=day(11), mode="train"))
    clean(work, apply=True)
    assert all(is_there(work, model) for model in models_of(work, newest_run(work)).values())


def test_old_pages_logs_and_findings_go_and_the_newest_page_stays(work: Workspace, later: None) -> None:
    before = [path for path in (work.home / "cache").rglob("*") if path.is_file()]
    log = aged(work.home / "logs" / "tasks" / "dag_id=retrain_shop" / "run_id=x" / "attempt=1.log", 0)
    done = clean(work, Limits(runs=30), apply=True)
    assert before
    assert share(done, "remembered findings") == len(before)
    assert not log.parent.parent.exists()
    assert log.parents[2].exists()
    pages = [clock.cutoff_of(day(number)) for number in (10, 11)]
    assert [(work.home / page_path("shop", page)).exists() for page in pages] == [False, True]
    index = (work.home / index_path("shop")).read_text()
    assert "cutoff-2026-05-13" in index
    assert "cutoff-2026-05-12" not in index


def test_unfinished_files_go_after_a_day(work: Workspace) -> None:
    old = [
        aged(work.store.root / ".tmp-abcd1234", 2),
        aged(work.home / "registry" / "shop" / ".v9.0.0-abcd1234" / "model.joblib", 2),
        aged(work.home / "projections" / ".shop.json-abcd1234", 2),
    ]
    young = aged(work.store.root / ".tmp-abcd1235", 0)
    theirs = aged(work.home / "incoming" / ".leads-abcd1234", 2)
    done = clean(work, apply=True)
    assert share(done, "temporary files") == 3
    assert not any(path.exists() for path in old)
    assert not (work.home / "registry" / "shop" / ".v9.0.0-abcd1234").exists()
    assert young.exists()
    assert theirs.exists()


def test_what_a_killed_process_left_goes_at_any_age_and_is_counted_first(work: Workspace) -> None:
    left = [
        aged(work.home / "monitoring" / "shop" / "references" / ".tmp-mlsys-abcd1234", 0),
        aged(work.home / "data_docs" / "shop" / ".tmp-mlsys-abcd1234" / "a" / "rows.html", 0),
    ]
    with temporary_file(work.home / "reports") as written:
        assert share(clean(work), "temporary files") == 2
        assert share(clean(work, apply=True), "temporary files") == 2
        assert written.exists()
    assert not any(path.exists() for path in left)
    assert not (work.home / "data_docs" / "shop" / ".tmp-mlsys-abcd1234").exists()


def test_a_file_that_nothing_names_goes_after_a_day(work: Workspace) -> None:
    left = work.store.put_bytes(b"a run was killed before it could name this")
    assert clean(work, apply=True).n_bytes == 0
    os.utime(work.store.path(left), (0, 0))
    assert share(clean(work, apply=True), "records") == 1
    assert not is_there(work, left)


def test_what_is_built_upon_while_files_are_listed_stays(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    left = work.store.put_bytes(b"an old run left this")
    os.utime(work.store.path(left), (0, 0))
    listed = retention._doomed

    def list_slowly(*arguments: object) -> object:
        found = listed(*arguments)  # type: ignore[arg-type]
        work.store.put_bytes(b"an old run left this")
        return found

    monkeypatch.setattr(retention, "_doomed", list_slowly)
    assert clean(work, apply=True).n_bytes == 0
    assert is_there(work, left)


def test_what_a_page_of_ours_names_stays(work: Workspace) -> None:
    named = work.store.put_bytes(b"details of something that is not built yet")
    os.utime(work.store.path(named), (0, 0))
    write_atomically(work.home / "holds" / "shop.json", f'{{"kept": "{named}"}}'.encode())
    clean(work, apply=True)
    assert is_there(work, named)


def test_a_limit_below_a_day_is_refused(work: Workspace) -> None:
    with pytest.raises(UsageError, match="one day at least"):
        clean(work, Limits(runs=0), apply=True)


def test_live_answers_go_when_the_spec_says_so(work: Workspace, later: None) -> None:
    folder = work.home / "predictions-live" / "shop"
    today = clock.now().date()
    old, young = (aged(folder / str(today - timedelta(days=days)) / "a_1_1.arrow", 1) for days in (95, 85))
    assert share(clean(work, apply=True), "live predictions") == 1
    assert not old.parent.exists()
    assert young.exists()
    edit_spec(work.settings.pipelines, serving={"log": {"keep": "30d"}})
    assert share(clean(work, apply=True), "live predictions") == 1
    assert not young.exists()
