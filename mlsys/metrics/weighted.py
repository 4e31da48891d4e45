"""Off-policy estimates from logged decisions, under many weightings at once.

Each row is weighed by the chance that the policy takes the logged action, over the chance that whoever decided took it
(its propensity). Nobody wrote propensities down: they are estimated as the shares of actions in each situation, and so
is the success of each action. Both come from the customers of other folds (Chernozhukov and others, Econometrics
Journal 21, 2018), and are estimated anew under every weighting, so that intervals count their error, too.

Inverse propensity scores (Horvitz and Thompson, JASA 47, 1952) are unbiased and wild; self-normalised ones (Swaminathan
and Joachims, NIPS 2015) tamer; the doubly robust estimate (Dudik, Langford and Li, ICML 2011) is right if either the
propensities or the expected successes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mlsys.metrics.logged import COST, GAIN, Choices
from mlsys.metrics.predictions import Resampled, ratio

if TYPE_CHECKING:
    import numpy as np

FOLDS = 5
# What an action's share and success are drawn towards in situations with few rows: what they are everywhere.
_PRIOR_SHARE, _PRIOR_SUCCESS = 15.0, 4.0


@dataclass(frozen=True)
class WeightedDecisions(Resampled):
    """Logged decisions and a policy's under many weightings; estimates are `(n_replicates,)`, per decision."""

    choices: Choices

    @cached_property
    def history(self) -> np.ndarray:
        """The mean reward of what was done."""
        return self.mean(self.choices.logged.reward)

    @cached_property
    def inverse(self) -> np.ndarray:
        """The policy's value by inverse propensity scores."""
        return ratio((self._weighed * self.choices.logged.reward).sum(axis=1), self.total)

    @cached_property
    def self_normalised(self) -> np.ndarray:
        """The same, divided by the sum of the scores instead of the number of rows."""
        return ratio((self._weighed * self.choices.logged.reward).sum(axis=1), self._weighed.sum(axis=1))

    @cached_property
    def doubly_robust(self) -> np.ndarray:
        """What is expected of the policy, corrected by what was seen where it agrees with history.

        The correction is divided by the sum of its scores (Thomas and Brunskill, ICML 2016): scores made of estimated
        shares are too large in the mean, most where few rows tell of a share.
        """
        expected = ratio((self._weights * self._expected).sum(axis=1), self.total)
        found: np.ndarray = expected + ratio((self._weights * self._correction).sum(axis=1), self._weighed.sum(axis=1))
        return found

    @cached_property
    def effective_rows(self) -> np.ndarray:
        """How many rows of equal weight would say as much (Kish, Survey Sampling, 1965)."""
        squares = (self._weights * self._scores**2).sum(axis=1)
        return ratio(self._weighed.sum(axis=1) ** 2, squares)

    @cached_property
    def logged_share(self) -> np.ndarray:
        """The share of the policy's actions that somebody took in the same situation at least once."""
        import numpy as np

        seen = (self._counts.sum(axis=1) > 0)[:, self.choices.situations]
        return ratio(np.einsum("rn,rna,na->r", self._weights, seen, self.choices.policy), self.total)

    @cached_property
    def _weights(self) -> np.ndarray:
        found: np.ndarray = self.weights.astype("float64")
        return found

    @cached_property
    def folds(self) -> np.ndarray:
        """`(n_rows,)` fold of each row: all decisions about a customer are in one."""
        found: np.ndarray = self.choices.logged.customer % FOLDS
        return found

    def _table(self, values: np.ndarray | None = None) -> np.ndarray:
        """Return `(n_replicates, FOLDS, n_situations, n_actions)` counts of rows, or sums of values of theirs."""
        import numpy as np

        choices = self.choices
        n_situations, n_actions = int(choices.situations.max(initial=-1)) + 1, choices.n_actions
        cell = (self.folds * n_situations + choices.situations) * n_actions + choices.logged.action
        shape = (FOLDS, n_situations, n_actions)
        rows = self._weights if values is None else self._weights * values
        counts = [np.bincount(cell, weights=row, minlength=FOLDS * n_situations * n_actions) for row in rows]
        return np.array(counts, dtype="float64").reshape(len(rows), *shape)

    @cached_property
    def _counts(self) -> np.ndarray:
        return self._table()

    @cached_property
    def shares(self) -> np.ndarray:
        """`(n_replicates, FOLDS, n_situations, n_actions)` shares of the actions among customers of other folds."""
        others = self._counts.sum(axis=1, keepdims=True) - self._counts
        everywhere = others.sum(axis=2, keepdims=True)
        overall = (everywhere + 1) / (everywhere.sum(axis=3, keepdims=True) + self.choices.n_actions)
        found: np.ndarray = (others + _PRIOR_SHARE * overall) / (others.sum(axis=3, keepdims=True) + _PRIOR_SHARE)
        return found

    @cached_property
    def successes(self) -> np.ndarray:
        """The same shape: the share of successes of each action among customers of other folds."""
        counts, hits = self._counts, self._table(self.choices.logged.success)
        others, right = (table.sum(axis=1, keepdims=True) - table for table in (counts, hits))
        overall = (right.sum(axis=2, keepdims=True) + 0.5) / (others.sum(axis=2, keepdims=True) + 1)
        found: np.ndarray = (right + _PRIOR_SUCCESS * overall) / (others + _PRIOR_SUCCESS)
        return found

    @cached_property
    def _scores(self) -> np.ndarray:
        """`(n_replicates, n_rows)`: the policy's chance of the logged action, over its propensity."""
        found: np.ndarray = self.choices.agreed / self.propensities
        return found

    @cached_property
    def propensities(self) -> np.ndarray:
        """`(n_replicates, n_rows)`: the estimated chance with which the logged action was taken."""
        choices = self.choices
        found: np.ndarray = self.shares[:, self.folds, choices.situations, choices.logged.action]
        return found

    @cached_property
    def _weighed(self) -> np.ndarray:
        found: np.ndarray = self._weights * self._scores
        return found

    @cached_property
    def _expected(self) -> np.ndarray:
        import numpy as np

        rates = self.successes[:, self.folds, self.choices.situations]
        found: np.ndarray = GAIN * np.einsum("rna,na->rn", rates, self.choices.policy) - COST
        return found

    @cached_property
    def _correction(self) -> np.ndarray:
        choices = self.choices
        rate = self.successes[:, self.folds, choices.situations, choices.logged.action]
        found: np.ndarray = self._scores * GAIN * (choices.logged.success - rate)
        return found
