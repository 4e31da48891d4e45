"""A candidate that is made of the champion, through whole runs: left out, fitted, replayed, promoted, made anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from given.shop import day, edit_spec, make_shop

from mlsys import pipeline, replay
from mlsys.evaluation.champion import opponent
from mlsys.explanation.explanation import explain
from mlsys.models.calibration import uncalibrated
from mlsys.planning import foundation
from mlsys.planning.plan import RunRequest
from mlsys.promotion import by_hand
from mlsys.records import Candidate, Mode
from mlsys.report.run_records import card_of
from mlsys.serving import load_champion
from mlsys.training import model_file
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

Retrain = Callable[..., Candidate]


@pytest.fixture
def retrain(work: Workspace) -> Retrain:
    """Let the shop be retrained about a day, and get its recalibrated candidate."""

    def run(index: int, *, mode: Mode = "live", **spec: object) -> Candidate:
        known = {"models": [{"kind": "logistic"}, {"kind": "recalibrate"}], "explanations": {"enabled": True}}
        edit_spec(work.home / "pipelines", **{**known, **spec})
        make_shop(work.home, work.home / "pipelines", days=index + 1)
        done = pipeline.run(work, RunRequest("shop", day=day(index), mode=mode))
        (found,) = (each for each in done.candidates if each.kind == "recalibrate")
        return found

    return run


def test_it_is_made_of_the_champion_on_fresh_rows_and_replays_and_serves(work: Workspace, retrain: Retrain) -> None:
    first = work.ledger.champion("shop")
    assert first is not None
    made = retrain(13)
    assert made.built_on is not None
    assert made.built_on.candidate_id == first.candidate_id
    assert made.notes[0] == "The champion, recalibrated on 240 rows of the newest 3 days that it had not seen"
    run_id = work.ledger.decisions("shop")[-1].run_id
    found = replay.replay(work, run_id)
    assert (found.agreement, found.causes) == ("identical", ())
    by_hand.promote_by_hand(work, "shop", run_id, candidate="recalibrate", reason="a test", who="ann")
    assert explain(work, run_id)
    shares = card_of(work, run_id).explanation
    assert shares is not None
    assert "left_out" not in shares["shares"]
    assert shares["shares"]["scale"].endswith("before calibration")
    served, base = load_champion("shop").model, model_file.load(made.built_on.model, work.store)
    again = retrain(14)
    assert again.built_on is not None
    assert again.built_on.candidate_id == made.candidate_id
    assert again.ranks_by["kind"] == "logistic"
    assert len(again.built_on.learnt) == 2
    innermost = uncalibrated(model_file.load(str(again.model), work.store))
    assert np.array_equal(innermost[-1].coef_, base[-1].coef_)
    assert np.array_equal(uncalibrated(served)[-1].coef_, base[-1].coef_)


def test_a_champion_that_was_recalibrated_knows_the_rows_of_what_it_is_made_of(
    work: Workspace, retrain: Retrain
) -> None:
    first = work.ledger.champion("shop")
    retrain(13, split={"kind": "time", "validation_days": 2, "holdout_days": 3, "train_window_days": 3})
    run_id = work.ledger.decisions("shop")[-1].run_id
    by_hand.promote_by_hand(work, "shop", run_id, candidate="recalibrate", reason="a test", who="ann")
    then, now = (opponent(work, change).fitted_on for change in (first, work.ledger.champion("shop")) if change)
    assert then is not None
    assert now is not None
    assert set(then.keys) < set(now.keys)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"mode": "train"}, "Left out: a run about the past has no champion"),
        ({"split": {"kind": "hash", "validation": 0.3, "holdout": 0.3}}, "validation and holdout rows"),
        ({"drop": ["gift"]}, "it reads other columns"),
        ({"target": {"column": "returned", "positive": "no"}}, "its target was another one"),
        ({"key": ["order_no", "channel"]}, "its rows had other keys"),
    ],
    ids=["about_the_past", "judged_by_known_rows", "other_columns", "other_target", "other_keys"],
)
def test_it_is_left_out_with_a_sentence(retrain: Retrain, changed: dict[str, object], says: str) -> None:
    made = retrain(13, **changed)
    assert (made.status, made.built_on) == ("failed", None)
    assert str(made.reason).startswith("Left out: ")
    assert says in str(made.reason)


def test_one_model_is_not_recalibrated_for_ever(
    work: Workspace, retrain: Retrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrain(13)
    run_id = work.ledger.decisions("shop")[-1].run_id
    by_hand.promote_by_hand(work, "shop", run_id, candidate="recalibrate", reason="a test", who="ann")
    spec, champion = work.spec_of(work.ledger.plan(run_id)), work.ledger.champion("shop")
    again = foundation.foundation(work, spec, champion)
    assert again is not None
    assert (again.obstacle, len(again.learnt)) == (None, 2)
    monkeypatch.setattr(foundation, "MOST", 1)
    refused = foundation.foundation(work, spec, champion)
    assert refused is not None
    assert "it is time for another model" in str(refused.obstacle)
    plain = spec.model_copy(update={"models": spec.models[:1]})
    assert foundation.foundation(work, plain, champion) is None
    assert foundation.foundation(work, spec, None) is None
