"""Demotion: a champion that its own requests show to be worse than the one before it makes way, and no other does."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from given.answers import champion_of, keep_scores, labelled_rows, scores_that_know

from mlsys import clock
from mlsys.ledger import ChampionChange
from mlsys.live.concluding import conclude
from mlsys.notification.outbox import Outbox
from mlsys.promotion import by_hand
from mlsys.workspace import Workspace


@pytest.fixture
def promoted(work: Workspace) -> ChampionChange:
    """A champion of the shop that took the place of another one just now."""
    return by_hand.promote_by_hand(work, "shop", work.ledger.decisions("shop")[-1].run_id, reason="a test")


def _asked(work: Workspace, promoted: ChampionChange, *, now: float, before: float) -> pa.Table:
    """Keep answers of the champion and of the one before it, of which each knows so much of the labels."""
    rows, at = labelled_rows(work), clock.now()
    kept = {"at": at, "days": 1}
    keep_scores(work, rows, promoted.candidate_id, scores_that_know(rows, now), silent=False, name="a", **kept)
    keep_scores(work, rows, str(promoted.previous), scores_that_know(rows, before, 2), silent=True, name="b", **kept)
    return rows


def test_a_worse_champion_makes_way_for_the_one_before_it(work: Workspace, promoted: ChampionChange) -> None:
    from given.shop import edit_spec

    edit_spec(work.settings.pipelines, notify={"email": ["ann@example.com"]})
    _asked(work, promoted, now=0.2, before=3.0)
    (done,) = conclude(work, "shop")
    assert done.action == "demoted"
    ((_, told, channel),) = Outbox(work.home).waiting()
    assert (told.event, told.version, channel.to) == ("champion_demoted", "1.0.0", "ann@example.com")
    assert told.sentence == done.sentence
    serves = champion_of(work)
    assert (serves.candidate_id, serves.kind, serves.who) == (promoted.previous, "rollback", "mlsys")
    assert "truly better" in serves.reason
    assert conclude(work, "shop") == [], "nothing is watched after a rollback"
    assert len(Outbox(work.home).waiting()) == 1


@pytest.mark.parametrize("now", [1.0, 3.0])
def test_a_champion_that_is_as_good_or_better_stays(work: Workspace, promoted: ChampionChange, now: float) -> None:
    _asked(work, promoted, now=now, before=1.0)
    (done,) = conclude(work, "shop")
    assert done.action == "none"
    assert champion_of(work).generation == promoted.generation


def test_under_a_hold_it_is_said_and_not_done(work: Workspace, promoted: ChampionChange) -> None:
    by_hand.hold(work, "shop", reason="a test")
    _asked(work, promoted, now=0.2, before=3.0)
    (done,) = conclude(work, "shop")
    assert done.action == "advised"
    assert "mlsys rollback shop" in done.sentence
    assert champion_of(work).generation == promoted.generation


def test_what_a_person_tries_demotes_nobody(work: Workspace) -> None:
    from given.answers import other_candidate

    from mlsys.live import begun

    until = clock.now() + timedelta(days=14)
    trial = begun.begin(work, "shop", other_candidate(work), role="shadow", share=0, until=until, reason="a test")
    rows, champion = labelled_rows(work), champion_of(work)
    kept = {"at": clock.now(), "days": 1}
    keep_scores(work, rows, champion.candidate_id, scores_that_know(rows, 0.2), silent=False, name="a", **kept)
    keep_scores(work, rows, trial.candidate_id, scores_that_know(rows, 3.0, 2), silent=True, name="b", **kept)
    (done,) = conclude(work, "shop")
    assert (done.action, done.evidence.verdict) == ("none", "better")
    assert champion_of(work).generation == champion.generation


def test_a_run_that_lacks_live_evidence_alone_tries_its_challenger_and_the_labels_promote_it(work: Workspace) -> None:
    from given.shop import day, edit_spec

    from mlsys import pipeline
    from mlsys.ledger import live_trials
    from mlsys.planning.plan import RunRequest

    edit_spec(work.settings.pipelines, gates=[{"kind": "live_better", "days": 9}])
    before = champion_of(work)
    decided = pipeline.run(work, RunRequest("shop", day=day(11))).version
    assert decided is not None
    assert (decided.decision.outcome, decided.decision.reason) == ("inconclusive", "no_live_evidence")
    (trial,) = live_trials.written(work.ledger, "shop")
    assert (trial.candidate_id, trial.role, trial.who) == (decided.decision.challenger, "shadow", "gates")
    assert conclude(work, "shop")[0].action == "none"
    rows, kept = labelled_rows(work), {"at": clock.now(), "days": 1}
    keep_scores(work, rows, before.candidate_id, scores_that_know(rows, 0.2), silent=False, name="a", **kept)
    keep_scores(work, rows, trial.candidate_id, scores_that_know(rows, 3.0, 2), silent=True, name="b", **kept)
    (done,) = conclude(work, "shop")
    assert done.action == "promoted"
    serves = champion_of(work)
    assert (serves.candidate_id, serves.kind, serves.who) == (trial.candidate_id, "promote", "gates")
