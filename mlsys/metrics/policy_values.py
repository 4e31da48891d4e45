"""Metrics of a policy: what its next action is worth on logged decisions, and how much of it those can tell.

All are estimates on the same rows: of a policy, of history and of sanity lines alike. Values are per decision, in
rewards: 10 for a success, less 1 for every action.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from mlsys.metrics.base import Metric

if TYPE_CHECKING:
    import numpy as np

    from mlsys.metrics.decided import WeightedDecisions

_DISAGREES = "the policy takes in no row the action that was logged"


class PolicyMetric(Metric):
    """A metric of logged decisions and a policy's."""

    tasks: ClassVar = ("policy",)
    unit = "reward"
    direction = "higher"
    undefined_when = _DISAGREES


class DrLift(PolicyMetric):
    """The policy's value less that of history, doubly robust: how much better its next action is than what was done."""

    kind: Literal["dr_lift"] = "dr_lift"
    title = "Lift, doubly robust"
    undefined_when = "no rows"

    def replicates(self, resampled: WeightedDecisions) -> np.ndarray:
        """Return `(n_replicates,)` differences, NaN where no row has weight."""
        found: np.ndarray = resampled.doubly_robust - resampled.history
        return found


class SnipsLift(PolicyMetric):
    """The policy's value less that of history, by self-normalised scores."""

    kind: Literal["snips_lift"] = "snips_lift"
    title = "Lift, SNIPS"

    def replicates(self, resampled: WeightedDecisions) -> np.ndarray:
        """Return `(n_replicates,)` differences, NaN where the policy agrees with no drawn row."""
        found: np.ndarray = resampled.self_normalised - resampled.history
        return found


class DrValue(PolicyMetric):
    """The policy's value, doubly robust."""

    kind: Literal["dr_value"] = "dr_value"
    title = "Value, doubly robust"
    undefined_when = "no rows"

    def replicates(self, resampled: WeightedDecisions) -> np.ndarray:
        """Return `(n_replicates,)` values, NaN where no row has weight."""
        return resampled.doubly_robust


class SnipsValue(PolicyMetric):
    """The policy's value by self-normalised scores."""

    kind: Literal["snips_value"] = "snips_value"
    title = "Value, SNIPS"

    def replicates(self, resampled: WeightedDecisions) -> np.ndarray:
        """Return `(n_replicates,)` values, NaN where the policy agrees with no drawn row."""
        return resampled.self_normalised


class IpsValue(PolicyMetric):
    """The policy's value by plain inverse propensity scores: shown, for they vary most; no gate may ask for it."""

    kind: Literal["ips_value"] = "ips_value"
    title = "Value, IPS (not judged by)"
    undefined_when = "no rows"
    judges = False

    def replicates(self, resampled: WeightedDecisions) -> np.ndarray:
        """Return `(n_replicates,)` values, NaN where no row has weight."""
        return resampled.inverse


class FqeValue(PolicyMetric):
    """What following the policy from the first held-out decision about a customer on would bring, per customer."""

    kind: Literal["fqe_value"] = "fqe_value"
    title = "Value per customer, FQE (second opinion)"
    unit = "reward per customer"
    undefined_when = "no rows"
    judges = False

    def replicates(self, resampled: WeightedDecisions) -> np.ndarray:
        """Return `(n_replicates,)` values, NaN where no row has weight."""
        from mlsys.metrics.fitted_q import fitted_q

        return fitted_q(resampled.choices, resampled.weights)


class EffectiveRows(PolicyMetric):
    """How many rows of equal weight would tell as much as those in which policy and history agree."""

    kind: Literal["effective_rows"] = "effective_rows"
    title = "Effective rows"
    unit = "rows"

    def replicates(self, resampled: WeightedDecisions) -> np.ndarray:
        """Return `(n_replicates,)` numbers, NaN where the policy agrees with no drawn row."""
        return resampled.effective_rows


class LoggedShare(PolicyMetric):
    """The share of the policy's actions that somebody took in the same situation at least once."""

    kind: Literal["logged_share"] = "logged_share"
    title = "Actions ever logged"
    unit = "share"
    undefined_when = "no rows"

    def replicates(self, resampled: WeightedDecisions) -> np.ndarray:
        """Return `(n_replicates,)` shares, NaN where no row has weight."""
        return resampled.logged_share


POLICY_METRICS: list[type[Metric]] = [
    DrLift, SnipsLift, DrValue, SnipsValue, IpsValue, FqeValue, EffectiveRows, LoggedShare,
]  # fmt: skip
