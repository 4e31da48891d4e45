"""Live trials of the shop, judged when labels arrive: requests are rows of its own."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from given.answers import champion_of, keep_scores, labelled_rows, model, other_candidate, scores_that_know

from mlsys import clock
from mlsys.ledger import LiveTrial
from mlsys.live import begun
from mlsys.live.judging import evidence
from mlsys.schema import KEY
from mlsys.workspace import Workspace


def _begin(work: Workspace, *, share: int = 0) -> LiveTrial:
    until = clock.now() + timedelta(days=14)
    role = "ab" if share else "shadow"
    return begun.begin(work, "shop", other_candidate(work), role=role, share=share, until=until, reason="a test")


@pytest.fixture
def asked(work: Workspace) -> pa.Table:
    """The rows of the shop, as if they had been asked about."""
    return labelled_rows(work)


@pytest.mark.parametrize(("right", "verdict"), [(3.0, "better"), (0.0, "worse"), (1.0, "open")])
def test_a_shadow_is_compared_row_by_row(work: Workspace, asked: pa.Table, right: float, verdict: str) -> None:
    trial = _begin(work)
    assert trial.at is not None
    keep_scores(
        work, asked, champion_of(work).candidate_id, scores_that_know(asked, 1.0), silent=False, at=trial.at, name="a"
    )
    keep_scores(work, asked, trial.candidate_id, scores_that_know(asked, right, 2), silent=True, at=trial.at, name="b")
    (found,) = evidence(work, "shop")
    assert found.verdict == verdict
    assert (found.n_answers, found.n_known) == (asked.num_rows, asked.num_rows)
    assert found.alpha == pytest.approx(0.01)
    assert found.comparison is not None
    assert found.comparison.metric == "roc_auc"
    assert found.comparison.level > 0.99, "looking every day was reckoned with"
    assert verdict in found.sentence or verdict == "open"


def test_models_with_rows_of_their_own_are_compared_unpaired(work: Workspace, asked: pa.Table) -> None:
    trial = _begin(work, share=50)
    assert trial.at is not None
    half = asked.num_rows // 2
    mine, others = asked.slice(0, half), asked.slice(half)
    keep_scores(
        work, others, champion_of(work).candidate_id, scores_that_know(others, 0.5), silent=False, at=trial.at, name="a"
    )
    keep_scores(work, mine, trial.candidate_id, scores_that_know(mine, 3.0), silent=False, at=trial.at, name="b")
    (found,) = evidence(work, "shop")
    assert (found.verdict, found.role, found.n_known) == ("better", "ab", half)


def test_without_keys_nothing_can_be_judged_and_that_is_said(work: Workspace, asked: pa.Table) -> None:
    trial = _begin(work)
    assert trial.at is not None
    none = asked.set_column(asked.column_names.index(KEY), KEY, pa.nulls(asked.num_rows, pa.uint64()))
    keep_scores(
        work, none, champion_of(work).candidate_id, scores_that_know(asked, 1.0), silent=False, at=trial.at, name="a"
    )
    keep_scores(work, none, trial.candidate_id, scores_that_know(asked, 3.0), silent=True, at=trial.at, name="b")
    (found,) = evidence(work, "shop")
    assert found.verdict == "unknown"
    assert "came without the row's key" in found.sentence


def test_answers_from_before_the_trial_do_not_count(work: Workspace, asked: pa.Table) -> None:
    trial = _begin(work)
    assert trial.at is not None
    before = trial.at - timedelta(days=9)
    keep_scores(
        work, asked, champion_of(work).candidate_id, scores_that_know(asked, 0.1), silent=False, at=before, name="a"
    )
    keep_scores(work, asked, trial.candidate_id, scores_that_know(asked, 3.0), silent=True, at=before, name="b")
    (found,) = evidence(work, "shop")
    assert (found.verdict, found.n_answers) == ("unknown", 0)
    assert model(work).champion.version == found.version
