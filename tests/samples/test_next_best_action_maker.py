"""The sample of contacts: what it promises to those who test with it, and what its pipeline makes of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
import pandas as pd
import pytest

from mlsys.serving import load_champion
from mlsys.spec import Spec
from mlsys.training.environment import decision_environment
from mlsys.workspace import open_workspace

SAMPLE = "next_best_action"


def table(content: bytes) -> pd.DataFrame:
    return pd.read_excel(io.BytesIO(content), header=2, engine="calamine")


@pytest.fixture(scope="module")
def contacts(maker: ModuleType) -> pd.DataFrame:
    """All contacts of many leads, with the chances that were drawn by."""
    return maker.journeys(8000, 3, seed=5)


@pytest.mark.slow
def test_more_days_only_add_workbooks_and_the_same_day_has_the_same_bytes(maker: ModuleType, tmp_path: Path) -> None:
    maker.make(tmp_path, 2)
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.xlsx"))}
    sentence = maker.make(tmp_path, 3)
    assert sentence.endswith("holds 3 daily workbooks of contacts, from 2026-03-01 on.")
    assert {path: path.read_bytes() for path in before} == before
    assert maker.drop(2) == (tmp_path / SAMPLE / "contacts-2026-03-03.xlsx").read_bytes()
    assert maker.drop(2, seed=1) != maker.drop(2)


def test_a_sample_has_at_least_one_day(maker: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        maker.make(tmp_path / "none", 0)
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_workbooks_hold_the_columns_of_the_spec_below_a_title(maker: ModuleType, spec: Spec) -> None:
    found = table(maker.drop(4))
    assert list(found.columns) == list(spec.columns)
    assert found["subscribed"].dtype == bool
    assert found["contacted_at"].dt.date.unique().tolist() == [pd.Timestamp("2026-03-05").date()]
    assert found["contact_id"].is_unique


@pytest.mark.slow
def test_some_actions_are_missing_or_foreign_and_some_days_no_numbers(maker: ModuleType) -> None:
    known: dict[int, pd.DataFrame] = {}
    found = pd.concat([table(maker.drop(day, known=known)) for day in range(12)])
    assert found["action"].isna().any()
    assert "sent a card" in set(found["action"])
    assert (found["days_since_first"].astype(str) == "a while").any()


def test_fifteen_features_make_a_state(spec: Spec) -> None:
    features = spec.feature_columns()
    assert len(features) == 14  # the country counts twice: by its code and by its rate
    assert not {"action", "customer_id", "contact", "subscribed", "contact_id"} & set(features)


@pytest.mark.slow
def test_the_truth_is_exact_and_the_right_action_better(maker: ModuleType, contacts: pd.DataFrame) -> None:
    action = contacts["action"].map(list(maker.ACTIONS).index).to_numpy()
    expected = maker.true_probability(contacts, action)
    right = action == maker.best_action(contacts)
    for some in (right, ~right):
        error = np.sqrt((expected[some] * (1 - expected[some])).sum()) / some.sum()
        assert abs(contacts["subscribed"][some].mean() - expected[some].mean()) < 4 * error
    assert expected[right].mean() > 3 * expected[~right].mean()


@pytest.mark.slow
def test_history_took_actions_as_it_is_said_to(maker: ModuleType, contacts: pd.DataFrame) -> None:
    action = contacts["action"].map(list(maker.ACTIONS).index).to_numpy()
    shares = maker.history(contacts)
    for number in range(len(maker.ACTIONS)):
        assert (action == number).mean() == pytest.approx(shares[:, number].mean(), abs=0.02)
    assert shares.sum(axis=1) == pytest.approx(1)


@pytest.mark.slow
def test_without_a_signal_no_action_is_better(maker: ModuleType, contacts: pd.DataFrame) -> None:
    each = [maker.true_probability(contacts, np.full(len(contacts), n), signal=False) for n in range(6)]
    assert np.ptp(each, axis=0).max() == 0


@pytest.mark.slow
def test_from_the_planted_day_on_the_action_of_the_next_stage_is_right(maker: ModuleType) -> None:
    assert maker.drop(9, change_day=10) == maker.drop(9)
    assert maker.drop(10, change_day=10) != maker.drop(10)
    frame = maker.journeys(3000, 10, seed=4, change_day=10)
    action = frame["action"].map(list(maker.ACTIONS).index).to_numpy()
    before, after = maker.best_action(frame), maker.best_action(frame, change_day=10)
    active = frame["active"].to_numpy(dtype=bool)
    assert (after[active] == (before[active] + 1) % len(maker.STAGES)).all()
    assert (after[~active] == before[~active]).all()
    won = frame["subscribed"].to_numpy(dtype=bool)
    assert won[active & (action == after)].mean() > 3 * won[active & (action == before)].mean()


@pytest.mark.long
@pytest.mark.parametrize("signal", [True, False], ids=["planted", "none planted"])
def test_a_run_promotes_where_a_signal_is_planted_and_never_where_none_is(
    retrained: Callable[..., Any], maker: ModuleType, signal: bool
) -> None:
    run = retrained(days=60, signal=signal)
    assert (run.decision.outcome == "promote") is signal
    assert run.decision.outcome in ("promote", "reject", "inconclusive")
    baselines = [each for each in run.evaluations if each.role == "baseline"]
    challenger = next(each for each in run.evaluations if each.model_id == run.best)
    for metric in ("dr_lift", "snips_lift"):
        best = max(each.on_holdout(metric).upper for each in baselines if each.name == "random_action")
        assert (challenger.on_holdout(metric).lower > best) is signal
    page = run.report.read_text(encoding="utf-8")
    assert "What nobody wrote down" in page
    assert "Learning curve" in page
    if signal:
        champion = load_champion(SAMPLE)
        rows = maker.journeys(3000, 90, seed=8)
        chosen = champion.values(rows)
        number = chosen["action"].map(list(maker.ACTIONS).index).to_numpy()
        won = (
            maker.true_probability(rows, number).mean()
            - maker.true_probability(rows, rows["action"].map(list(maker.ACTIONS).index).to_numpy()).mean()
        )
        assert won > 0.03
        assert (champion.predict(rows) == chosen["action"]).all()
        assert set(chosen["alternatives"].iloc[0]) | {chosen["action"].iloc[0]} == set(maker.ACTIONS)
        with open_workspace() as work:
            env = decision_environment(work, SAMPLE)
        state, _ = env.reset(seed=1)
        assert env.observation_space.contains(state)
        assert env.action_space == gymnasium.spaces.Discrete(len(maker.ACTIONS))
