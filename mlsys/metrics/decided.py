"""Rows in which somebody decided and saw what came of it, with the actions that a policy would have taken there.

What a policy is worth can't be read off such rows: of the action that it chooses, and nobody took, nothing is known.
Off-policy estimates weigh the rows in which both agree (`weighted.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from mlsys.metrics.logged import Choices, Logged, pack, unpack
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.sensitivity import sensitivity
from mlsys.metrics.weighted import WeightedDecisions

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ANY", "LoggedChoices", "WeightedDecisions"]

ANY = -1.0  # the answer of a policy that takes every action with the same chance
MOST_SITUATIONS = 1024


@dataclass(frozen=True)
class LoggedChoices(Predictions):
    """Logged decisions with those of a policy.

    Attributes:
        y_true: `(n_rows,)` int64, decisions as `logged.pack` has them.
        chosen: `(n_rows,)` float64, the number of the action that the policy takes; `ANY` of a random one.

    Raises:
        ValueError: different lengths, or an answer that is the number of no action.
    """

    y_true: np.ndarray
    chosen: np.ndarray

    def __post_init__(self) -> None:
        import numpy as np

        if self.y_true.shape != self.chosen.shape or self.y_true.ndim != 1:
            raise ValueError(f"decisions {self.y_true.shape} and answers {self.chosen.shape} must be equally long")
        if not np.isin(self.chosen, np.r_[ANY, np.arange(self.n_actions)]).all():
            raise ValueError("an answer is the number of no action")

    @property
    def answers(self) -> np.ndarray:
        """`(n_rows,)` float64 numbers of actions."""
        return self.chosen

    @property
    def groups(self) -> np.ndarray:
        """`(n_rows,)` int64: whom each decision was about. Decisions about one customer are drawn together."""
        return self.logged.customer

    @property
    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """`(n_rows,)` float64 numbers of actions, of which nothing is expected, and 1 for a success, else 0."""
        return self.chosen, self.logged.success.astype("float64")

    def where(self, rows: np.ndarray) -> Self:
        """Return the rows of a mask, or those at some positions."""
        return replace(self, y_true=self.y_true[rows], chosen=self.chosen[rows])

    def answered(self, answers: np.ndarray) -> Self:
        """Return the same rows with other actions chosen."""
        return replace(self, chosen=answers)

    @classmethod
    def of(cls, y_true: np.ndarray, answers: np.ndarray, *, threshold: float) -> Self:  # noqa: ARG003 - of classes
        """Return logged decisions with chosen ones."""
        return cls(y_true, answers)

    @classmethod
    def imagined(cls, n_rows: int, *, wrong: float, threshold: float, seed: int) -> Self:  # noqa: ARG003 - of classes
        """Return decisions among four actions, of which one is right in each situation, and a policy's."""
        import numpy as np

        random = np.random.default_rng(seed)
        situation, action = random.integers(0, 4, n_rows), random.integers(0, 4, n_rows)
        success = random.random(n_rows) < np.where(action == situation, 0.5, 0.05)
        ones = np.ones(n_rows, dtype=np.int64)
        logged = Logged(np.arange(n_rows), situation, ones, 4 * ones, action, success)
        errs = random.random(n_rows) < wrong
        chosen = np.where(errs, (situation + random.integers(1, 4, n_rows)) % 4, situation)
        return cls(pack(logged), chosen.astype("float64"))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of several parts as one."""
        import numpy as np

        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("y_true", "chosen")))

    def resampled(self, weights: np.ndarray) -> WeightedDecisions:
        """Return the rows under `(n_replicates, n_rows)` weightings."""
        return WeightedDecisions(weights, self.choices)

    def pictures(self) -> dict[str, Any]:
        """Return how often each action was taken and would be, and how far unseen reasons could move the estimate."""
        import numpy as np

        logged, policy = self.logged, self.choices.policy
        actions = [
            [int((logged.action == a).sum()), round(float(policy[:, a].sum()), 1), *self._agreed(a)]
            for a in range(self.n_actions)
        ]
        every_row_once = self.resampled(np.ones((1, self.y_true.size)))
        return {"actions": actions, "sensitivity": sensitivity(every_row_once) if self.y_true.size else []}

    def _agreed(self, action: int) -> list[int]:
        """Return in how many rows the policy and history took an action, and how many of these came to success."""
        both = (self.logged.action == action) & (self.chosen == action)
        return [int(both.sum()), int(self.logged.success[both].sum())]

    @cached_property
    def logged(self) -> Logged:
        """The parts of the decisions."""
        return unpack(self.y_true)

    @property
    def n_actions(self) -> int:
        """How many actions there were; 1 without rows."""
        return int(self.logged.n_actions[0]) if self.y_true.size else 1

    @cached_property
    def choices(self) -> Choices:
        """The decisions beside the policy's; situations beyond the most frequent ones are taken as one."""
        import numpy as np

        policy = (self.chosen[:, None] == np.arange(self.n_actions)).astype("float64")
        policy[self.chosen == ANY] = 1 / self.n_actions
        names, place, counts = np.unique(self.logged.situation, return_inverse=True, return_counts=True)
        if names.size > MOST_SITUATIONS:
            rank = np.empty(names.size, dtype=np.int64)
            rank[np.argsort(-counts, kind="stable")] = np.arange(names.size)
            place = np.minimum(rank, MOST_SITUATIONS - 1)[place]
        return Choices(self.logged, policy, place.astype(np.int64))
