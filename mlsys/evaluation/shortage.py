"""Too little data to fit, to choose or to judge: which rows are missing, and what would help. No fault of a model."""

from __future__ import annotations

from mlsys.evaluation.comparison import Assessment
from mlsys.metrics.base import Metric
from mlsys.records import Shortage, Split

# What a side is for, and so what its rows of one class can't give.
_LACKS = {
    "training": "nothing can be learnt from them",
    "validation": "no candidate can be chosen by them",
    "holdout": "no model can be judged by them",
}


def shortage_of(split: Split, assessed: Assessment, primary: Metric) -> Shortage | None:
    """Return what is missing, or None: a side of one class, or rows on which the primary metric is undefined.

    Whatever the metric: log loss, which is defined on rows of one class, prefers the model that never says the other.
    """
    alone = [f"{found}: {_LACKS[side]}" for side in _LACKS if (found := split.one_class(side))]
    if alone:
        return Shortage(reason="too_few_rows", sentence="; ".join(alone))
    values = [e.on_validation(primary.kind) for e in assessed.evaluations if e.role == "candidate"]
    known = [value for value in values if value is not None and value.n]  # of those that could be scored
    if assessed.best is not None or not known:
        return None
    return Shortage(
        reason="undefined_metric",
        sentence=(
            f"No candidate has a defined {primary.title} on the {known[0].n:,} validation rows: {known[0].reason}"
        ),
    )
