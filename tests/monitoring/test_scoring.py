"""Batch scoring of the shop: its champion knows the days 0 to 10, the source has the days up to 12."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from given.shop import FIRST_DAY, ROWS_PER_DAY, day, edit_spec, enter, make_shop

from mlsys import keys
from mlsys.dataset.dataset import feature_frame
from mlsys.errors import IntegrityError, RunError, UsageError
from mlsys.evaluation.champion import model_of
from mlsys.monitoring.scoring import predictions_of, score
from mlsys.promotion.by_hand import promote_by_hand, roll_back
from mlsys.records.monitoring import DayPredictions
from mlsys.snapshot.rows import read_rows
from mlsys.training import model_file
from mlsys.workspace import Workspace, open_workspace


def predictions(work: Workspace, index: int) -> DayPredictions:
    found = predictions_of(work.home, "shop", day(index))
    assert found is not None
    return found


def files_of(home: Path) -> dict[str, str]:
    """Every file below the home by its content, but for the database's own."""
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file() and not path.name.startswith("mlsys.")
    }


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute(statement)


def test_the_lookback_window_and_all_unseen_days_are_scored(work: Workspace) -> None:
    found = score(work, "shop")
    assert found.days == tuple(day(index) for index in (10, 11, 12))
    assert (found.n_days, found.n_rows, found.n_unseen_rows) == (3, 3 * ROWS_PER_DAY, 2 * ROWS_PER_DAY)
    assert found.day == day(12)
    assert found.champion == predictions(work, 12).latest
    assert found.digests[-1] == predictions(work, 12).champions[predictions(work, 12).latest].predictions


def test_a_day_that_the_champion_knew_is_not_called_unseen(work: Workspace) -> None:
    score(work, "shop")
    unseen = {i: next(iter(predictions(work, i).champions.values())).unseen for i in (10, 11, 12)}
    assert unseen == {10: False, 11: True, 12: True}


def test_scores_are_those_of_the_champion_s_own_file(work: Workspace) -> None:
    found = score(work, "shop", day=day(11), days=[day(11)])
    change_of = work.ledger.champion("shop")
    assert change_of is not None
    assert found.snapshot is not None
    champion = model_of(work, change_of)
    assert champion.candidate.model is not None
    rows = read_rows(found.snapshot.manifest, work.store, [*champion.columns, "order_no"], days=[day(11)])
    expected = model_file.load(champion.candidate.model, work.store).predict_proba(
        feature_frame(rows, champion.columns)
    )[:, 1]
    stored = pq.read_table(work.store.path(found.digests[0]))
    assert stored["order_no"].equals(rows["order_no"])
    assert np.array_equal(stored["y_score"].to_numpy(), expected)


def test_every_row_names_its_key_time_model_and_cutoff(work: Workspace) -> None:
    found = score(work, "shop", day=day(11), days=[day(11)])
    stored = pq.read_table(work.store.path(found.digests[0]))
    assert stored.column_names == ["order_no", "_key", "_event_time", "y_score", "_champion", "_cutoff"]
    assert set(stored["_champion"].to_pylist()) == {found.champion}
    assert {str(value)[:10] for value in stored["_cutoff"].to_pylist()} == {str(day(11))}
    assert {value.date() for value in stored["_event_time"].to_pylist()} == {day(11)}


def test_a_second_call_writes_nothing(work: Workspace) -> None:
    score(work, "shop")
    before = files_of(work.home)
    again = score(work, "shop")
    assert again.n_days == 0
    assert "has scored all these days before" in again.sentence
    assert files_of(work.home) == before


def test_late_rows_have_their_day_scored_anew(work: Workspace) -> None:
    before = score(work, "shop")
    change(work.home, f"INSERT INTO orders VALUES (11999, '{day(11)} 12:00:00', 40, 3, 'web', 'false', 'no')")
    after = score(work, "shop")
    assert after.days == (day(11),)
    assert after.n_rows == ROWS_PER_DAY + 1
    assert after.digests[0] not in before.digests


def test_labels_that_change_leave_the_scores_as_they_are(work: Workspace) -> None:
    before = score(work, "shop")
    change(work.home, f"UPDATE orders SET returned = NULL WHERE placed_at >= '{day(12)}'")
    after = score(work, "shop")
    assert after.digests == before.digests[-1:]


def test_older_days_are_scored_when_asked_for(work: Workspace) -> None:
    assert score(work, "shop", days=[day(2), day(1)]).days == (day(1), day(2))
    assert predictions_of(work.home, "shop", day(3)) is None


def test_a_day_without_rows_can_not_be_asked_for(work: Workspace) -> None:
    with pytest.raises(UsageError, match="no rows of 2026-06-30"):
        score(work, "shop", days=[FIRST_DAY.replace(month=6, day=30)])


def test_each_champion_s_files_stay_and_the_latest_is_named(work: Workspace) -> None:
    first = score(work, "shop").champion
    run_id = work.ledger.decisions("shop")[-1].run_id
    promote_by_hand(work, "shop", run_id, candidate="prior", reason="to have another one")
    second = score(work, "shop").champion
    assert predictions(work, 12).latest == second != first
    assert set(predictions(work, 12).champions) == {first, second}
    roll_back(work, "shop", version=None, reason="back again")
    stored = {path for path in (work.home / "store").rglob("*") if path.is_file()}
    assert score(work, "shop").champion == predictions(work, 12).latest == first
    assert {path for path in (work.home / "store").rglob("*") if path.is_file()} == stored


def test_without_a_champion_nothing_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shop(tmp_path, tmp_path / "pipelines", days=2)
    enter(tmp_path, monkeypatch)
    with open_workspace() as work:
        found = score(work, "shop")
    assert found.reason == "no_champion"
    assert found.n_days == 0


def test_a_day_without_data_is_no_error(work: Workspace) -> None:
    found = score(work, "shop", day=day(20))
    assert found.reason == "no_data_for_day"
    assert str(day(20)) in found.sentence


def test_a_model_file_that_was_changed_is_never_loaded(work: Workspace) -> None:
    champion = work.ledger.champion("shop")
    assert champion is not None
    candidate = work.ledger.candidate(champion.candidate_id)
    assert candidate is not None
    assert candidate.model is not None
    path = work.store.path(candidate.model)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match="changed after it was written"):
        score(work, "shop")


def test_a_champion_that_can_not_read_the_schema_says_so(work: Workspace) -> None:
    schema = {
        "order_no": "integer",
        "basket_value": "number",
        "n_items": "number",
        "channel": "category",
        "gift": "boolean",
        "returned": "category",
    }
    edit_spec(work.home / "pipelines", schema=schema)
    with pytest.raises(RunError, match="'n_items' was integer and is number now"):
        score(work, "shop")


def test_a_champion_that_other_packages_make_another_model_of_scores_nothing(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "versions", lambda: {"python": "4.0"})
    monkeypatch.setattr("mlsys.evaluation.canary._asked", lambda *_, **__: {"largest": 0.5})
    with pytest.raises(RunError, match=r"1\.0\.0 is not what was promoted.*differ by up to 50 %.*mlsys rehydrate shop"):
        score(work, "shop")
    assert predictions_of(work.home, "shop", day(12)) is None
