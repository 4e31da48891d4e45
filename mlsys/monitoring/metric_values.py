"""The metrics of one model on rows that it had not seen, with intervals that count days together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlsys.metrics.predictions import Predictions
from mlsys.records import MetricValue
from mlsys.spec import Spec

if TYPE_CHECKING:
    import numpy as np


def all_metrics(spec: Spec) -> list[str]:
    """Return the primary metric, then the others of the learning task."""
    return [*dict.fromkeys([spec.metrics.primary, *spec.task_metrics])]


def values_of(spec: Spec, rows: Predictions, days: np.ndarray, names: Sequence[str]) -> tuple[MetricValue, ...]:
    """Return metrics on rows of `(n_rows,)` days, in the order of their names."""
    from threadpoolctl import threadpool_limits

    from mlsys.evaluation.comparison import ComparisonRules, Contender, assess
    from mlsys.evaluation.ties import Ties

    choice = spec.metrics
    rules = ComparisonRules(
        primary=names[0], n_replicates=choice.replicates, seed=spec.training.seed, ties=Ties(days=days)
    )
    metrics, entry = [choice.metric(name) for name in names], Contender("", "", "champion", holdout=rows)
    with threadpool_limits(limits=1):
        return assess([entry], None, metrics=metrics, rules=rules).evaluations[0].holdout
