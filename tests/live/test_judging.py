"""Live trials of the shop, judged when labels arrive: requests are rows of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from given.answers import champion_of, model, other_candidate

from mlsys import clock
from mlsys.ledger import LiveTrial
from mlsys.live import begun, kept_rows
from mlsys.live.judging import evidence
from mlsys.schema import CHAMPION, EVENT_TIME, KEY
from mlsys.snapshot import snapshot
from mlsys.snapshot.rows import read_rows
from mlsys.spec import resolve
from mlsys.workspace import Workspace


def _begin(work: Workspace, *, share: int = 0) -> LiveTrial:
    until = clock.now() + timedelta(days=14)
    role = "ab" if share else "shadow"
    return begun.begin(work, "shop", other_candidate(work), role=role, share=share, until=until, reason="a test")


def _rows(work: Workspace) -> pa.Table:
    spec = resolve(work.settings.spec_path("shop")).spec
    cutoff = clock.cutoff_of(snapshot.newest_complete_day(spec, work.store))
    taken = snapshot.take(spec, cutoff, catalog=work.ledger, store=work.store)
    assert taken is not None
    return read_rows(taken.snapshot.manifest, work.store, [*spec.feature_columns(), "returned", KEY, EVENT_TIME])


def _keep(
    work: Workspace, rows: pa.Table, candidate: str, scores: np.ndarray, *, silent: bool, at: datetime, name: str
) -> None:
    n = rows.num_rows
    stamps = [at + timedelta(days=place * 5 // n) for place in range(n)]
    table = pa.table(
        {
            kept_rows.REQUEST: [f"r{place}" for place in range(n)],
            kept_rows.PLACE: pa.array([0] * n, pa.int32()),
            kept_rows.AT: pa.array(stamps, pa.timestamp("us", tz="UTC")),
            kept_rows.SHADOW: [silent] * n,
            CHAMPION: [candidate] * n,
            KEY: rows[KEY],
            "y_score": scores,
        }
    )
    days = [stamp.date() for stamp in stamps]
    for day in dict.fromkeys(days):
        mask = pa.array([each == day for each in days])
        kept_rows.write_rows(kept_rows.day_folder(work.home, "shop", day), f"{name}_1_{n}", table.filter(mask))


@pytest.fixture
def asked(work: Workspace) -> pa.Table:
    """The rows of the shop, as if they had been asked about."""
    return _rows(work)


def _scores(rows: pa.Table, right: float, seed: int = 1) -> np.ndarray:
    """Return scores that know the label so well: 0 is guessing."""
    rng = np.random.default_rng(seed)
    known = np.array([value == "yes" for value in rows["returned"].to_pylist()])
    return 1 / (1 + np.exp(-(right * (known - 0.5) + rng.normal(0, 1, known.size))))


@pytest.mark.parametrize(("right", "verdict"), [(3.0, "better"), (0.0, "worse"), (1.0, "open")])
def test_a_shadow_is_compared_row_by_row(work: Workspace, asked: pa.Table, right: float, verdict: str) -> None:
    trial = _begin(work)
    assert trial.at is not None
    _keep(work, asked, champion_of(work).candidate_id, _scores(asked, 1.0), silent=False, at=trial.at, name="a")
    _keep(work, asked, trial.candidate_id, _scores(asked, right, 2), silent=True, at=trial.at, name="b")
    (found,) = evidence(work, "shop")
    assert found.verdict == verdict
    assert (found.n_answers, found.n_known) == (asked.num_rows, asked.num_rows)
    assert found.alpha == pytest.approx(0.005)
    assert found.comparison is not None
    assert found.comparison.metric == "roc_auc"
    assert found.comparison.level > 0.995, "looking every day was reckoned with"
    assert verdict in found.sentence or verdict == "open"


def test_models_with_rows_of_their_own_are_compared_unpaired(work: Workspace, asked: pa.Table) -> None:
    trial = _begin(work, share=50)
    assert trial.at is not None
    half = asked.num_rows // 2
    mine, others = asked.slice(0, half), asked.slice(half)
    _keep(work, others, champion_of(work).candidate_id, _scores(others, 0.5), silent=False, at=trial.at, name="a")
    _keep(work, mine, trial.candidate_id, _scores(mine, 3.0), silent=False, at=trial.at, name="b")
    (found,) = evidence(work, "shop")
    assert (found.verdict, found.role, found.n_known) == ("better", "ab", half)


def test_without_keys_nothing_can_be_judged_and_that_is_said(work: Workspace, asked: pa.Table) -> None:
    trial = _begin(work)
    assert trial.at is not None
    none = asked.set_column(asked.column_names.index(KEY), KEY, pa.nulls(asked.num_rows, pa.uint64()))
    _keep(work, none, champion_of(work).candidate_id, _scores(asked, 1.0), silent=False, at=trial.at, name="a")
    _keep(work, none, trial.candidate_id, _scores(asked, 3.0), silent=True, at=trial.at, name="b")
    (found,) = evidence(work, "shop")
    assert found.verdict == "unknown"
    assert "came without the row's key" in found.sentence


def test_answers_from_before_the_trial_do_not_count(work: Workspace, asked: pa.Table) -> None:
    trial = _begin(work)
    assert trial.at is not None
    before = trial.at - timedelta(days=9)
    _keep(work, asked, champion_of(work).candidate_id, _scores(asked, 0.1), silent=False, at=before, name="a")
    _keep(work, asked, trial.candidate_id, _scores(asked, 3.0), silent=True, at=before, name="b")
    (found,) = evidence(work, "shop")
    assert (found.verdict, found.n_answers) == ("unknown", 0)
    assert model(work).champion.version == found.version
