"""The episodes of Q-learning, and what is kept of them: the table, how often it was visited, and the curve."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsys.metrics.logged import Logged, successors
from mlsys.models.replay import END, SHARES, Replay

BATCH = 100  # episodes between two values of epsilon
_LEAST_EPSILON = 0.01
MOST_STEPS = 50  # of an episode: a process with circles would not end
_HALVES_AFTER = 100.0  # visits of a pair
_POINTS, _TOP = 60, 8


@dataclass(frozen=True)
class Rules:
    """How episodes are played and learnt from, as the fields of `QLearning` say it."""

    episodes: int
    alpha: float
    gamma: float
    epsilon_decay: float
    prior: float


@dataclass(frozen=True)
class Learnt:
    """What was learnt.

    Attributes:
        table: `(n_states, n_actions)` float64 values; visits: `(n_states,)` how often an episode came by.
        logged: `(n_states,)` training decisions in each state.
        curve: `[episode, mean reward of an episode, epsilon]`, up to `_POINTS` of them.
    """

    table: np.ndarray
    visits: np.ndarray
    logged: np.ndarray
    curve: list[list[float]]

    @property
    def general(self) -> np.ndarray:
        """`(n_actions,)` float64: the mean values of all states, by their training decisions."""
        found: np.ndarray = (self.table * self.logged[:, None]).sum(axis=0) / self.logged.sum()
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth saying about the fit."""
        thin = int((self.logged < self.table.shape[1]).sum())
        said = f"{len(self.table):,} states, of which {thin:,} have fewer training rows than there are actions"
        return (said,) if thin > len(self.table) / 2 else ()

    def told(self, names: Sequence[Sequence[str]]) -> dict[str, Any]:
        """Return what a report draws, JSON-pure; `names` are the states in words."""
        top = np.argsort(-self.visits, kind="stable")[:_TOP]
        states = [
            {
                "state": list(names[place]),
                "visits": int(self.visits[place]),
                "rows": int(self.logged[place]),
                "values": [round(float(value), 4) for value in self.table[place]],
            }
            for place in top
        ]
        return {
            "curve": self.curve,
            "n_states": len(self.table),
            "n_visited": int((self.visits > 0).sum()),
            "states": states,
        }


def learn(rules: Rules, state: np.ndarray, logged: Logged, *, n_states: int, seed: int) -> Learnt:
    """Play episodes on `(n_rows,)` states and their decisions, and return what was learnt."""
    following, _ = successors(logged)
    replay = Replay.of(state, logged, following, n_states=n_states, prior=rules.prior)
    # Python's generator: calls for one number at a time are ten times faster than numpy's.
    chance = random.Random(seed).random  # noqa: S311 - nothing here is secret
    n_actions = replay.n_actions
    table = [[0.0] * n_actions for _ in range(n_states)]
    counts = [[0] * n_actions for _ in range(n_states)]
    curve, epsilon = [], 1.0
    starts = _starts(replay)
    for batch in range(-(-rules.episodes // BATCH)):
        earned = 0.0
        n_episodes = min(BATCH, rules.episodes - batch * BATCH)
        for number in range(n_episodes):
            at = replay.begin(starts[number], chance())
            for _ in range(MOST_STEPS):
                values, seen = table[at], counts[at]
                action = int(chance() * n_actions) if chance() < epsilon else values.index(max(values))
                reward, then = replay.step(at, action, chance(), chance())
                goal = reward if then == END else reward + rules.gamma * max(table[then])
                values[action] += rules.alpha / (1 + seen[action] / _HALVES_AFTER) * (goal - values[action])
                seen[action] += 1
                earned += reward
                if then == END:
                    break
                at = then
        curve.append([float(batch * BATCH + n_episodes), earned / n_episodes, epsilon])
        epsilon = max(_LEAST_EPSILON, epsilon * rules.epsilon_decay)
    return Learnt(
        table=np.array(table),
        visits=np.array(counts).sum(axis=1),
        logged=np.bincount(state, minlength=n_states),
        curve=_thinned(curve),
    )


def _starts(replay: Replay) -> list[str]:
    """Return where the episodes of a batch begin; where none succeeded, anywhere."""
    found = [name for name, share in SHARES.items() for _ in range(round(share * BATCH))]
    # Evenly mixed: a last batch may be cut short.
    mixed = [found[(place * 37) % BATCH] for place in range(BATCH)]
    return [name if replay.starts[name] else "any" for name in mixed]


def _thinned(curve: list[list[float]]) -> list[list[float]]:
    """Return the means of neighbouring batches, so that few points remain."""
    parts = np.array_split(np.array(curve), min(_POINTS, len(curve)))
    return [[float(p[-1, 0]), round(float(p[:, 1].mean()), 4), round(float(p[-1, 2]), 4)] for p in parts]
