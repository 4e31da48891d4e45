"""Logged decisions as a gymnasium environment: the process that Q-learning plays, for any other learner.

Imported only where somebody asks for one: gymnasium is an extra.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pandas as pd

from mlsys.metrics.logged import successors, unpack
from mlsys.models import states
from mlsys.models.learning import MOST_STEPS
from mlsys.models.replay import END, SHARES, Replay


class LoggedDecisions(gymnasium.Env[np.ndarray, np.int64]):
    """What an action brings is drawn from decisions that were logged where it was taken; see `Replay`.

    An observation has the bin of each feature; episodes begin as `QLearning`'s do. After a customer's last decision
    the observation stays as it was, and the episode has ended; one with a circle is cut off after 50 steps.

    Args:
        replay: the decisions.
        bins: `(n_states, n_features)` int64, the bin of each feature in each state.
        sizes: how many bins each feature has.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, replay: Replay, bins: np.ndarray, sizes: list[int]) -> None:
        self._replay, self._bins = replay, bins
        self._at, self._steps = 0, 0
        self.observation_space = gymnasium.spaces.MultiDiscrete(sizes)
        self.action_space = gymnasium.spaces.Discrete(replay.n_actions)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode: where a decision succeeded (30 %), at a first one (30 %), or at any (40 %)."""
        super().reset(seed=seed, options=options)
        where = str(self.np_random.choice(list(SHARES), p=list(SHARES.values())))
        where = where if self._replay.starts[where] else "any"
        self._at, self._steps = self._replay.begin(where, self.np_random.random()), 0
        return self._bins[self._at].copy(), {"state": self._at}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Return observation, reward, whether the decisions have ended, whether they were cut off, and the state."""
        reward, then = self._replay.step(self._at, int(action), self.np_random.random(), self.np_random.random())
        self._steps += 1
        ended = then == END
        if not ended:
            self._at = then
        return self._bins[self._at].copy(), float(reward), ended, self._steps >= MOST_STEPS, {"state": self._at}


def environment_of(pipeline: Any, rows: pd.DataFrame, y: np.ndarray, *, prior: float) -> LoggedDecisions:
    """Return the environment of decisions, in the states of a pipeline that Q-learning fitted.

    Args:
        pipeline: as `QLearning.fit` returns it.
        rows: `(n_rows, n_columns)` raw feature columns.
        y: `(n_rows,)` packed decisions.
        prior: decisions in all states that answer an action beside those in the state itself.
    """
    numbering, encoder = pipeline.named_steps["state"], pipeline.named_steps["table"]
    numbers = numbering.transform(np.asarray(pipeline.named_steps["features"].transform(rows), dtype="float64"))[:, 0]
    # Rows that come later may lie in states that the table does not have.
    known = np.union1d(encoder.categories_[0], numbers)
    logged = unpack(y)
    following, _ = successors(logged)
    place = np.searchsorted(known, numbers)
    replay = Replay.of(place, logged, following, n_states=len(known), prior=prior)
    return LoggedDecisions(replay, *states.bins_of(numbering, known))
