"""Versions by the labels that are known now: one of day 10 that served day 11, and one of day 11 that serves day 12."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from given.shop import ROWS_PER_DAY, day, edit_spec
from sklearn.metrics import roc_auc_score

from mlsys.errors import UsageError
from mlsys.ledger import ChampionChange
from mlsys.monitoring import versions
from mlsys.monitoring.scoring import predictions_of
from mlsys.monitoring.versions import latest_versions, measure_versions, served_days
from mlsys.monitoring.versions_page import versions_page
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.records.versions import VersionScore
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def two(work: Workspace) -> Workspace:
    """The shop whose newest version was put in place by hand."""
    run = next(decision.run_id for decision in work.ledger.decisions("shop") if decision.outcome == "historical")
    promote_by_hand(work, "shop", run, reason="It knows a day more.")
    return work


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute(statement)


def by_hand(work: Workspace, champion: str, index: int) -> float:
    """The ROC-AUC of what a champion said of a day, from its file and the source."""
    known = predictions_of(work.home, "shop", day(index))
    assert known is not None
    stored = pq.read_table(work.store.path(known.champions[champion].predictions)).to_pydict()
    with closing(sqlite3.connect(work.home / "shop.db")) as connection:
        labels = dict(connection.execute("SELECT order_no, returned = 'yes' FROM orders"))
    return float(roc_auc_score([labels[order] for order in stored["order_no"]], stored["y_score"]))


def roc_auc(found: VersionScore) -> float:
    value = found.value("roc_auc")
    assert value is not None
    assert value.value is not None
    assert value.lower is not None
    assert value.upper is not None
    assert value.lower <= value.value <= value.upper
    return value.value


def test_each_version_has_the_days_on_which_it_served_and_all_have_the_same_ones(two: Workspace) -> None:
    found = measure_versions(two, "shop")
    new, old = found.served
    assert [(s.version, s.serves, s.first_day, s.last_day, s.n_labelled) for s in (new, old)] == [
        (new.version, True, day(12), day(12), ROWS_PER_DAY),
        ("1.0.0", False, day(11), day(11), ROWS_PER_DAY),
    ]
    assert roc_auc(new) == pytest.approx(by_hand(two, new.champion, 12))
    assert roc_auc(old) == pytest.approx(by_hand(two, old.champion, 11))
    assert found.since == day(12)
    again, rescored = found.same_days
    assert again == new
    assert (rescored.first_day, rescored.last_day, rescored.n_labelled) == (day(12), day(12), ROWS_PER_DAY)
    assert roc_auc(rescored) == pytest.approx(by_hand(two, old.champion, 12))
    for name in ("fnr", "fpr", "log_loss"):
        assert (value := old.value(name)) is not None
        assert value.lower is not None
    assert latest_versions(two.home, "shop") == found
    page = (two.home / versions_page("shop")).read_text(encoding="utf-8")
    assert f"{day(12)} to {day(12)}" in page


def test_labels_that_are_corrected_count_at_once_for_past_champions_too(two: Workspace) -> None:
    before = measure_versions(two, "shop").served[1]
    assert predictions_of(two.home, "shop", day(11)).latest != before.champion  # type: ignore[union-attr]
    flipped = f"UPDATE orders SET returned = iif(returned = 'yes', 'no', 'yes') WHERE date(placed_at) = '{day(11)}'"
    change(two.home, flipped)
    found = measure_versions(two, "shop")
    assert roc_auc(found.served[1]) == pytest.approx(1 - roc_auc(before))
    assert roc_auc(found.served[1]) == pytest.approx(by_hand(two, before.champion, 11))
    # What the day's newest scores are has not changed: those of who serves.
    known = predictions_of(two.home, "shop", day(11))
    assert known is not None
    assert known.latest == found.served[0].champion


def test_labels_that_come_late_join_in(two: Workspace) -> None:
    change(two.home, f"UPDATE orders SET returned = NULL WHERE date(placed_at) = '{day(11)}' AND order_no % 2")
    half = measure_versions(two, "shop").served[1]
    assert (half.n_rows, half.n_labelled) == (ROWS_PER_DAY, ROWS_PER_DAY // 2)
    change(two.home, f"UPDATE orders SET returned = 'yes' WHERE date(placed_at) = '{day(11)}' AND order_no % 2")
    whole = measure_versions(two, "shop").served[1]
    assert (whole.n_rows, whole.n_labelled) == (ROWS_PER_DAY, ROWS_PER_DAY)
    assert roc_auc(whole) == pytest.approx(by_hand(two, whole.champion, 11))


def test_days_whose_labels_are_not_due_are_immature(two: Workspace) -> None:
    edit_spec(two.home / "pipelines", label={"delay": "1d"})
    found = measure_versions(two, "shop")
    new, old = found.served
    assert found.mature == day(11)
    assert (new.n_rows, new.n_immature, new.values) == (0, ROWS_PER_DAY, ())
    assert new.reason == "no label is due yet"
    assert (old.n_labelled, old.n_immature) == (ROWS_PER_DAY, 0)
    assert f"{new.version} is not known (no label is due yet)" in found.sentence
    assert f"{ROWS_PER_DAY} rows immature" in (two.home / versions_page("shop")).read_text(encoding="utf-8")


def test_a_version_that_can_t_score_any_more_says_why_and_stops_no_other(two: Workspace) -> None:
    before = measure_versions(two, "shop")
    old = two.ledger.candidate(before.served[1].champion)
    assert old is not None
    assert old.model is not None
    two.store.path(old.model).unlink()
    change(two.home, f"UPDATE orders SET n_items = 1 WHERE date(placed_at) = '{day(11)}'")  # to be scored again
    found = measure_versions(two, "shop")
    assert found.served[0] == before.served[0]
    assert found.served[1].values == ()
    assert found.served[1].reason


def test_slices_are_those_of_the_categories_the_worst_first(two: Workspace, monkeypatch) -> None:
    monkeypatch.setattr(versions, "_LEAST", 10)
    old = measure_versions(two, "shop").served[1]
    assert {s.name for s in old.slices} >= {"channel is app", "channel is store", "channel is web"}
    values = [s.values[0].value for s in old.slices]
    assert values == sorted(values)  # type: ignore[type-var]
    assert [value.name for value in old.slices[0].values] == ["roc_auc", "fnr", "fpr"]
    watch = [{"kind": "harmful_shift", "slices": ["gift"]}]
    edit_spec(two.home / "pipelines", monitors={"watch": watch})
    old = measure_versions(two, "shop").served[1]
    assert [s.name for s in old.slices] == ["gift is false"]  # of the others there are too few


def test_without_a_champion_there_is_nothing_to_measure(two: Workspace) -> None:
    path = two.home / "pipelines" / "shop.yaml"
    (two.home / "pipelines" / "other.yaml").write_text(path.read_text().replace("pipeline: shop", "pipeline: other"))
    with pytest.raises(UsageError, match="no champion yet"):
        measure_versions(two, "other")
    assert latest_versions(two.home, "other") is None


def change_of(
    candidate: str, generation: int, first: date, kind: str = "promote", at: date | None = None
) -> ChampionChange:
    return ChampionChange.load(
        {
            "pipeline": "shop",
            "generation": generation,
            "candidate_id": candidate,
            "version": f"1.0.{generation}",
            "kind": kind,
            "cutoff": datetime(first.year, first.month, first.day, tzinfo=UTC),
            "run_id": "r",
            "who": "gates",
            "reason": "better",
            "at": datetime(at.year, at.month, at.day, 3, tzinfo=UTC) if at else None,
        }
    )


def test_stretches_follow_the_data_s_time_and_a_rollback_its_own() -> None:
    a, b = change_of("a", 1, day(1)), change_of("b", 2, day(5))
    back = change_of("a", 3, day(1), "rollback", at=day(8))
    assert served_days([a, b], day(9)) == {"a": [(day(1), day(4))], "b": [(day(5), day(9))]}
    assert served_days([a, b, back], day(9)) == {"a": [(day(1), day(4)), (day(8), day(9))], "b": [(day(5), day(7))]}
    older = change_of("c", 3, day(2), "manual", at=day(7))  # by hand, one that knows less
    assert served_days([a, b, older], day(9)) == {
        "a": [(day(1), day(4))],
        "b": [(day(5), day(6))],
        "c": [(day(7), day(9))],
    }
    assert served_days([a, change_of("b", 2, day(1))], day(3)) == {"a": [], "b": [(day(1), day(3))]}
    assert served_days([a, b], day(3)) == {"a": [(day(1), day(3))], "b": []}  # before b's first day


def test_every_day_belongs_to_one_version_alone() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        firsts = sorted(int(n) for n in rng.integers(0, 20, 6))
        found = served_days([change_of(f"c{i % 4}", i + 1, day(first)) for i, first in enumerate(firsts)], day(20))
        days = [
            a + timedelta(days=n) for stretches in found.values() for a, b in stretches for n in range((b - a).days + 1)
        ]
        assert sorted(days) == [day(n) for n in range(firsts[0], 21)]
