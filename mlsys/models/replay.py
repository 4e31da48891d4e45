"""Logged decisions as a process that can be played: what an action brings is drawn from where it was taken.

An action in a state is answered by one of the decisions in which it was taken there, with its reward and the state that
followed. Where it was taken seldom, or never, it is answered now and then, or always, by what it did in all states: so
many decisions of those are added to each pair (`prior`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlsys.metrics.logged import Logged

END = -1  # the state after a customer's last decision
# Where episodes begin: by the outcome, by the first decision about a customer, and anywhere.
SHARES = {"succeeded": 0.3, "first": 0.3, "any": 0.4}


class Step(NamedTuple):
    """What came of an action: its reward, and the state that followed."""

    reward: float
    state: int


@dataclass(frozen=True)
class Replay:
    """Logged decisions by state and action.

    Attributes:
        state, reward, following: `(n_rows,)` of each decision; `following` is a state, or `END`.
        starts: positions of the decisions that episodes begin at, by the names of `SHARES`.
        order: positions of all decisions, pair by pair; `first` and `count` are `(n_states * n_actions,)`.
        by_action: positions of the decisions with each action, whatever the state.
    """

    n_states: int
    n_actions: int
    prior: float
    state: list[int]
    reward: list[float]
    following: list[int]
    starts: dict[str, list[int]]
    order: list[int]
    first: list[int]
    count: list[int]
    by_action: list[list[int]]

    @classmethod
    def of(cls, state: np.ndarray, logged: Logged, following: np.ndarray, *, n_states: int, prior: float) -> Replay:
        """Return the process of `(n_rows,)` states with their decisions; `following` are positions, -1 for none."""
        n_actions = int(logged.n_actions[0])
        pair = state * n_actions + logged.action
        count = np.bincount(pair, minlength=n_states * n_actions)
        start = np.ones(state.size, dtype=bool)
        start[following[following >= 0]] = False
        places = {"succeeded": logged.success == 1, "first": start, "any": np.ones(state.size, dtype=bool)}
        return cls(
            n_states=n_states,
            n_actions=n_actions,
            prior=prior,
            state=state.tolist(),
            reward=logged.reward.tolist(),
            following=np.where(following >= 0, state[following], END).tolist(),
            starts={name: np.flatnonzero(mask).tolist() for name, mask in places.items()},
            order=np.argsort(pair, kind="stable").tolist(),
            first=(np.cumsum(count) - count).tolist(),
            count=count.tolist(),
            by_action=[np.flatnonzero(logged.action == action).tolist() for action in range(n_actions)],
        )

    def begin(self, where: str, chance: float) -> int:
        """Return the state in which an episode begins; `chance` from 0 to 1 draws it."""
        places = self.starts[where]
        return self.state[places[int(chance * len(places))]]

    def step(self, state: int, action: int, chance: float, other: float) -> Step:
        """Return what an action brings; `chance` and `other`, from 0 to 1, draw whose decision answers it."""
        pair = state * self.n_actions + action
        n, anywhere = self.count[pair], self.by_action[action]
        if other * (n + self.prior) < n:
            row = self.order[self.first[pair] + int(chance * n)]
        elif anywhere:
            row = anywhere[int(chance * len(anywhere))]
        elif n:
            row = self.order[self.first[pair] + int(chance * n)]
        else:
            return Step(-1.0, END)  # nobody ever took it: it costs what every action costs
        return Step(self.reward[row], self.following[row])
