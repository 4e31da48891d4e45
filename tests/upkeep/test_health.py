"""How good and how old what serves is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from given.shop import day, edit_spec

from mlsys.spec import Spec, load_spec
from mlsys.upkeep import health
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


def measured(work: Workspace) -> health.Measurement:
    champion = work.ledger.champion("shop")
    assert champion is not None
    found = health.measured(work, champion, work.ledger.judgements("shop", last=5))
    assert found is not None
    return found


def spec_with(work: Workspace, *gates: object) -> Spec:
    edit_spec(work.settings.pipelines, gates=["min_rows", *gates])
    return load_spec(work.settings.spec_path("shop"))


def test_a_champion_is_measured_as_the_challenger_that_it_was(work: Workspace) -> None:
    champion = work.ledger.champion("shop")
    assert champion is not None
    found = measured(work)
    assert (found.day, found.model_id, found.value.name) == (day(10), champion.candidate_id, "roc_auc")
    assert health.measured(work, champion, ()) == found  # from its own decision, however long ago that was


def test_the_limit_that_is_missed_is_named(work: Workspace) -> None:
    found = measured(work)
    for metric, limit, said in (
        ("roc_auc", {"at_least": 0.999}, "the spec wants at least 0.999"),
        ("log_loss", {"at_most": 0.001}, "the spec wants at most 0.001"),
    ):
        missed = health.misses(work, spec_with(work, {"kind": "minimum", "metric": metric, **limit}), found)
        assert missed is not None
        assert missed.startswith(f"The champion's {metric} is 0.")
        assert missed.endswith(said)


def test_the_bound_counts_where_the_gate_judges_the_bound(work: Workspace) -> None:
    found = measured(work)
    assert found.value.value is not None
    assert found.value.lower is not None
    between = (found.value.value + found.value.lower) / 2
    gate = {"kind": "minimum", "metric": "roc_auc", "at_least": between}
    assert health.misses(work, spec_with(work, gate), found) is None
    assert health.misses(work, spec_with(work, gate | {"on": "bound"}), found) is not None


def test_details_that_are_lost_make_no_champion_weak(work: Workspace) -> None:
    found = measured(work)
    gate = {"kind": "minimum", "metric": "log_loss", "at_most": 0.001}
    path = work.store.path(found.evaluations.details)
    path.chmod(0o600)
    path.unlink()
    assert health.misses(work, spec_with(work, gate), found) is None


@pytest.mark.parametrize(
    ("allowed", "days", "old"), [("3d", 4, False), ("3d", 5, True), ("36h", 2, False), (None, 999, False)]
)
def test_data_are_old_when_the_night_after_their_time_has_passed(
    work: Workspace, allowed: str | None, days: int, old: bool
) -> None:
    spec = spec_with(work, *([{"kind": "freshness", "max_age": allowed}] if allowed else []))
    newest = date(2026, 5, 1)
    at = datetime(2026, 5, 2, tzinfo=UTC) + timedelta(days=days)
    assert health.is_old(spec, newest, at) is old
    assert (health.stale(spec, newest, at) is not None) is old
    assert health.stale(spec, None, at) is None
