"""The table of Q-learning: what it learns, what it is asked with, and that it needs nothing of mlsys afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsys.features.base import FeatureColumns
from mlsys.features.tabular import TabularFeatures
from mlsys.metrics.logged import Logged, pack, successors
from mlsys.models.base import FitTask
from mlsys.models.learning import Rules, learn
from mlsys.models.q_learning import QLearning
from mlsys.models.replay import END, Replay
from mlsys.models.states import edges_of, numbering, told

COLUMNS = FeatureColumns(("age",), ("school",))
MODEL = QLearning(episodes=3000, bins=2, rates=("school",))
RULES = Rules(episodes=4000, alpha=0.1, gamma=0.9, epsilon_decay=0.9, prior=0.0)


def contacts(n: int = 1200, seed: int = 1) -> tuple[pd.DataFrame, Logged]:
    """Return rows in which age says the right one of two actions, and the school how often anything succeeds."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"age": random.integers(0, 100, n).astype(float)})
    rows["school"] = pd.Series(random.choice(["north", "south"], n), dtype=object)
    right, action = (rows["age"].to_numpy() > 50).astype(int), random.integers(0, 2, n)
    chance = np.where(action == right, 0.4, 0.05) * np.where(rows["school"] == "north", 1.0, 0.5)
    success = (random.random(n) < chance).astype(int)
    return rows, Logged(np.arange(n), right, np.ones(n, int), np.full(n, 2), action, success)


def fitted(model: QLearning = MODEL) -> Any:
    rows, logged = contacts()
    task = FitTask(3, 1, np.zeros(len(rows), bool), "policy")
    return model.fit(model.transformer(TabularFeatures(), COLUMNS), rows, pack(logged), task).pipeline


def test_it_learns_the_right_action() -> None:
    rows, logged = contacts(seed=2)
    values = fitted().predict(rows)
    assert values.shape == (len(rows), 2)
    far = np.abs(rows["age"] - 50) > 5  # two bins of training rows meet near 50
    assert (values.argmax(axis=1) == logged.situation)[far].mean() > 0.98


def test_schools_enter_by_their_rate_and_unknown_ones_by_the_overall_one() -> None:
    pipeline = fitted()
    rates = pipeline["features"].named_transformers_["rates"]
    north, south = sorted(rates.encodings_[0])[::-1]
    assert north > 1.5 * south
    new = pd.DataFrame({"age": [20.0, np.nan], "school": pd.Series(["east", None], dtype=object)})
    assert np.isfinite(pipeline.predict(new)).all()


def test_a_state_that_nobody_saw_has_the_mean_values() -> None:
    pipeline = fitted(MODEL.model_copy(update={"codes": ("school",), "rates": ()}))
    rows, _ = contacts()
    unknown = rows.iloc[:1].assign(school=pd.Series(["west"], dtype=object))
    mean = pipeline.predict(rows).mean(axis=0)
    assert pipeline.predict(unknown)[0] == pytest.approx(mean)


def test_it_keeps_how_it_was_learnt() -> None:
    kept = fitted()[-1].learning_
    assert kept["n_states"] == kept["n_visited"] == 4
    assert kept["curve"][-1][0] == 3000
    assert len(kept["states"]) == 4
    assert sum(state["rows"] for state in kept["states"]) == 1200
    assert any("age" in part for part in kept["states"][0]["state"])


@pytest.mark.parametrize("field", ["rates", "codes", "without"])
def test_a_column_that_is_not_there_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=f"`{field}` of `q_learning` names"):
        QLearning.model_validate({field: ("shool",)}).transformer(TabularFeatures(), COLUMNS)


def test_without_a_column_states_do_not_know_it() -> None:
    assert fitted(MODEL.model_copy(update={"without": ("age",)}))[-1].learning_["n_states"] == 2


class TestStates:
    """Numbers of states, and what they say."""

    def test_bins_are_of_like_size_and_few_values_have_one_each(self) -> None:
        assert edges_of(np.arange(100.0), 4).tolist() == [25, 50, 75]
        assert edges_of(np.array([1.0, 3, 3, 1]), 5).tolist() == [2]
        assert edges_of(np.zeros(5), 3).tolist() == []
        assert edges_of(np.r_[np.zeros(90), np.ones(5), np.full(5, 2.0)], 2).tolist() == []

    def test_each_combination_has_its_number_and_is_told_again(self) -> None:
        edges = [np.array([1.0, 2.0]), np.array([]), np.array([5.0])]
        rows = np.array([[0.0, 7, 0], [1, 7, 0], [9, 7, 9]])
        numbers = numbering(edges).fit_transform(rows)[:, 0]
        assert numbers.tolist() == [0, 1, 5]
        assert told(1, ["n__age", "n__x", "n__size"], edges) == ["1 ≤ age < 2", "size < 5"]
        assert told(5, ["n__age", "n__x", "n__size"], edges) == ["2 ≤ age", "5 ≤ size"]

    def test_too_many_states_are_refused(self) -> None:
        with pytest.raises(ValueError, match="too many states"):
            numbering([np.arange(20.0)] * 13)


class TestReplay:
    """Decisions that are played again."""

    def replay(self, prior: float = 0.0) -> Replay:
        # State 0, action 1 leads to state 1, where action 0 succeeds; nobody took action 2 anywhere.
        logged = Logged(
            *(np.array(part) for part in ([1, 1, 2], [0, 0, 0], [1, 2, 1], [3, 3, 3], [1, 0, 0], [0, 1, 0]))
        )
        return Replay.of(np.array([0, 1, 0]), logged, successors(logged)[0], n_states=2, prior=prior)

    def test_an_action_is_answered_by_what_it_did_there(self) -> None:
        replay = self.replay()
        assert replay.step(0, 1, 0.5, 0.5) == (-1.0, 1)
        assert replay.step(1, 0, 0.5, 0.5) == (9.0, END)

    def test_one_that_was_never_taken_there_by_what_it_did_elsewhere_or_by_its_cost(self) -> None:
        replay = self.replay()
        assert replay.step(1, 1, 0.5, 0.5) == (-1.0, 1)
        assert replay.step(0, 2, 0.5, 0.5) == (-1.0, END)

    def test_the_prior_lets_other_states_answer_now_and_then(self) -> None:
        replay = self.replay(prior=1.0)
        assert replay.step(0, 0, 0.0, 0.4) == (-1.0, END)
        assert replay.step(0, 0, 0.0, 0.9) == (9.0, END)

    def test_episodes_begin_at_successes_at_first_decisions_and_anywhere(self) -> None:
        assert self.replay().starts == {"succeeded": [1], "first": [0, 2], "any": [0, 1, 2]}

    def test_a_reward_that_comes_later_counts_for_what_leads_to_it(self) -> None:
        logged = Logged(
            *(np.array(part) for part in ([1, 1, 2], [0, 0, 0], [1, 2, 1], [2, 2, 2], [1, 0, 0], [0, 1, 0]))
        )
        learnt = learn(RULES, np.array([0, 1, 0]), logged, n_states=2, seed=1)
        assert learnt.table[1, 0] == pytest.approx(9, abs=0.1)
        assert learnt.table[0] == pytest.approx([-1, -1 + 0.9 * 9], abs=0.5)
        assert (learn(RULES, np.array([0, 1, 0]), logged, n_states=2, seed=1).table == learnt.table).all()
