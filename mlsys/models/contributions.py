"""What each column adds to what a fitted model says of a row: SHAP values, summed up by the columns of the schema.

Of a model that adds up weighted columns they are `weight * (value - mean)`, of trees those of TreeSHAP (Lundberg et
al., Nature Machine Intelligence 2, 2020), which follows each tree with the training rows in its nodes. They add up to
what the model says, on the scale on which it adds: log odds of boosted classes, probabilities of a forest. They say
what this model does, not what causes what; among columns that say the same the share is divided as the trees happen to.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mlsys import extras
from mlsys.models.origins import origins

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Unit = Literal["log odds", "probability", "fitted"]

_CELLS = 4_000_000  # float64 at once: 32 MB


@dataclass(frozen=True)
class Contributions:
    """What columns add, row by row.

    Attributes:
        values: `(n_rows, n_columns, n_outputs)` float64; of two classes the one output is the positive one's.
        base: `(n_outputs,)` float64, what is said before any column adds something.
        said: `(n_rows, n_outputs)` float64, what the model says of the rows, asked in its usual way.
        scale: of all three; `fitted` is that of the numbers which a regressor was fitted on.
        from_zero: `values` are weight times value: what a mean row has of them belongs to the base.
        lines: of a mean of models of which not all count from zero, as `values`: those that do, weighted as there.
        tolerance: how far the sums may lie from `said`, as a share of the largest number said, or of 1.
    """

    values: np.ndarray
    base: np.ndarray
    said: np.ndarray
    scale: Unit
    from_zero: bool = False
    lines: np.ndarray | None = None
    tolerance: float = 1e-6

    @property
    def gap(self) -> float:
        """How far the sums lie from what the model says, in the unit of `tolerance`."""
        import numpy as np

        away = np.abs(self.base + self.values.sum(axis=1) - self.said)
        return float(away.max(initial=0.0) / max(1.0, float(np.abs(self.said).max(initial=0.0))))

    def centred(self, rows: slice) -> Contributions:
        """Return the same, counted from the mean of some rows where it was counted from zero."""
        if not self.from_zero:
            return self
        mean = (self.values if self.lines is None else self.lines)[rows].mean(axis=0)
        values, base = self.values - mean, self.base + mean.sum(axis=0)
        return replace(self, values=values, base=base, from_zero=False, lines=None)


def of_pipeline(share: Callable[[Any, Any], Contributions], pipeline: Any, rows: pd.DataFrame) -> Contributions:
    """Return what each raw column adds to what the last step of a fitted pipeline says.

    Args:
        share: gives the contributions of the columns that the steps before it make, of an estimator and such rows.
        pipeline: of scikit-learn.
        rows: `(n_rows, n_columns)` raw ones, at least one.

    Raises:
        ValueError: a step mixes raw columns, or the model's kind is not known to add.
        UsageError: the library that it needs is not installed.
    """
    import numpy as np

    names = [str(name) for name in rows.columns]
    *steps, (_, estimator) = pipeline.steps
    made_of = names
    for _, step in steps:
        made_of = origins(step, made_of)
    order = np.argsort([names.index(name) for name in made_of], kind="stable")
    outputs = max(2, len(getattr(estimator, "classes_", ())))
    at_once = max(1, _CELLS // (max(1, len(made_of)) * outputs))
    parts = []
    for start in range(0, len(rows), at_once):
        X: Any = rows.iloc[start : start + at_once]
        for _, step in steps:
            X = step.transform(X) if hasattr(step, "transform") else X
        if X.shape[1] != len(made_of):
            raise ValueError(f"The features have {X.shape[1]} columns, and {len(made_of)} say of what they are made")
        found = share(estimator, X)
        raw: dict[str, Any] = {
            name: _summed(each, [made_of[i] for i in order], order, names)
            for name, each in (("values", found.values), ("lines", found.lines))
            if each is not None
        }
        parts.append(replace(found, **raw))
    by_row = ("values", "said") if parts[0].lines is None else ("values", "said", "lines")
    whole: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in by_row}
    return replace(parts[0], **whole)


def _summed(values: np.ndarray, made_of: list[str], order: np.ndarray, names: list[str]) -> np.ndarray:
    """Return `(n_rows, n_raw, n_outputs)` sums of the encoded columns, which `order` sorts by their raw ones."""
    import numpy as np

    found = np.zeros((values.shape[0], len(names), values.shape[2]))
    starts = [i for i, name in enumerate(made_of) if i == 0 or made_of[i - 1] != name]
    if starts:
        there = [names.index(made_of[i]) for i in starts]
        found[:, there, :] = np.add.reduceat(values[:, order, :], starts, axis=1)
    return found


def of_lines(estimator: Any, X: Any) -> Contributions:
    """Return `weight * value` of an estimator of scikit-learn that adds up weighted columns."""
    import numpy as np

    dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype="float64")
    weights, base = np.atleast_2d(estimator.coef_), np.atleast_1d(estimator.intercept_)
    classes = hasattr(estimator, "decision_function")
    said = estimator.decision_function(X) if classes else estimator.predict(X)
    return Contributions(
        values=dense[:, :, None] * weights.T[None, :, :],
        base=base.astype("float64"),
        said=np.asarray(said, dtype="float64").reshape(len(dense), -1),
        scale="log odds" if classes else "fitted",
        from_zero=True,
    )


def of_forest(estimator: Any, X: Any) -> Contributions:
    """Return TreeSHAP of a forest of scikit-learn, whose classes are probabilities."""
    values, base = _by_shap(estimator, X)
    if not hasattr(estimator, "classes_"):
        return Contributions(values, base, estimator.predict(X).reshape(-1, 1), "fitted")
    said = estimator.predict_proba(X)
    kept = slice(1, 2) if said.shape[1] == 2 else slice(None)
    return Contributions(values[:, :, kept], base[kept], said[:, kept], "probability")


def of_hist_boosting(estimator: Any, X: Any) -> Contributions:
    """Return TreeSHAP of scikit-learn's boosted trees."""
    values, base = _by_shap(estimator, X)
    classes = hasattr(estimator, "decision_function")
    said = (estimator.decision_function(X) if classes else estimator.predict(X)).reshape(len(values), -1)
    return Contributions(values, base, said, "log odds" if classes else "fitted")


def of_table(table: Any, said: Any, *, classes: bool, tolerance: float = 1e-6) -> Contributions:
    """Return what a library of boosted trees says itself.

    Args:
        table: `(n_rows, n_outputs, n_columns + 1)` or without the middle one where there is one output; the last column
            is the base.
        said: `(n_rows,)` or `(n_rows, n_outputs)`, before a link function.
        classes: whether these are log odds.
        tolerance: as in `Contributions`.
    """
    import numpy as np

    scores = np.asarray(said, dtype="float64").reshape(len(table), -1)
    found = np.asarray(table, dtype="float64").reshape(len(table), scores.shape[1], -1)
    base = found[0, :, -1]
    scale: Unit = "log odds" if classes else "fitted"
    return Contributions(found[:, :, :-1].transpose(0, 2, 1), base, scores, scale, tolerance=tolerance)


def _by_shap(estimator: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return `(n_rows, n_columns, n_outputs)` values and their base, computed by the library shap."""
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its drawings, which are imported with it
        shap = extras.load("shap", extra="explanations", needed_by="SHAP of a forest or of `hist_gradient_boosting`")
    explainer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
    dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    values = np.asarray(explainer.shap_values(dense, check_additivity=False), dtype="float64")
    base = np.atleast_1d(np.asarray(explainer.expected_value, dtype="float64"))
    return values.reshape(*values.shape[:2], -1), base
