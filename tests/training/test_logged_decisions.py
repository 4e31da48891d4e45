"""Logged decisions through gymnasium: its own checks find nothing, and its steps are those that Q-learning plays."""

from __future__ import annotations

import gymnasium
import numpy as np
import pandas as pd
import pytest
from gymnasium.utils.env_checker import check_env

from mlsys.features.base import FeatureColumns
from mlsys.features.tabular import TabularFeatures
from mlsys.metrics.logged import Logged, pack
from mlsys.models.base import FitTask
from mlsys.models.learning import MOST_STEPS
from mlsys.models.q_learning import QLearning
from mlsys.models.replay import Replay
from mlsys.training.logged_decisions import LoggedDecisions, environment_of

MODEL = QLearning(episodes=500, bins=2)
COLUMNS = FeatureColumns(("age",), ("school",))


@pytest.fixture(scope="module")
def env() -> LoggedDecisions:
    """Customers of whom each has two contacts; the right action follows from the age."""
    random, n = np.random.default_rng(1), 1200
    rows = pd.DataFrame({"age": random.integers(0, 100, n).astype(float)})
    rows["school"] = pd.Series(random.choice(["north", "south"], n), dtype=object)
    right, action = (rows["age"].to_numpy() > 50).astype(int), random.integers(0, 2, n)
    success = (random.random(n) < np.where(action == right, 0.4, 0.05)).astype(int)
    logged = Logged(np.arange(n) // 2, np.zeros(n, int), np.arange(n) % 2, np.full(n, 2), action, success)
    task = FitTask(3, 1, np.zeros(n, bool), "policy")
    fitted = MODEL.fit(MODEL.transformer(TabularFeatures(), COLUMNS), rows, pack(logged), task).pipeline
    return environment_of(fitted, rows, pack(logged), prior=0.0)


# What it warns of: spaces whose bounds it thinks odd, and a render mode that there is none of.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_gymnasium_finds_nothing_wrong(env: LoggedDecisions) -> None:
    check_env(env, skip_render_check=True)


def test_an_observation_has_the_bin_of_each_feature(env: LoggedDecisions) -> None:
    # Of the school also one for those that training never saw.
    assert env.observation_space == gymnasium.spaces.MultiDiscrete([2, 3])
    assert env.action_space == gymnasium.spaces.Discrete(2)
    seen = {tuple(env.reset(seed=seed)[0].tolist()) for seed in range(60)}
    assert seen == {(0, 1), (0, 2), (1, 1), (1, 2)}


def test_the_right_action_earns_what_it_earned_when_it_was_logged(env: LoggedDecisions) -> None:
    earned: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(1500):
        state, _ = env.reset(seed=seed)
        action = np.int64(seed % 2)
        _, reward, *_ = env.step(action)
        earned[bool(action == state[0])].append(reward)
    assert np.mean(earned[True]) == pytest.approx(10 * 0.4 - 1, abs=0.7)
    assert np.mean(earned[False]) == pytest.approx(10 * 0.05 - 1, abs=0.4)


def test_the_same_seed_plays_the_same_episode(env: LoggedDecisions) -> None:
    def episode() -> list[float]:
        env.reset(seed=7)
        return [env.step(np.int64(1))[1] for _ in range(20)]

    assert episode() == episode()


def test_an_episode_in_a_circle_is_cut_off() -> None:
    circle = Replay(1, 1, 0.0, [0], [-1.0], [0], {"succeeded": [], "first": [], "any": [0]}, [0], [0], [1], [[0]])
    env = LoggedDecisions(circle, np.zeros((1, 1), dtype=np.int64), [1])
    env.reset(seed=1)
    told = [env.step(np.int64(0)) for _ in range(MOST_STEPS)]
    assert [cut for *_, cut, _ in told] == [False] * (MOST_STEPS - 1) + [True]
    assert not any(ended for _, _, ended, _, _ in told)
