from __future__ import annotations

import numpy as np
from sklearn import metrics as sk

from mlsys.metrics.curves import MAX_POINTS, pr_points, roc_points
from mlsys.metrics.scores import Scored
from mlsys.testing.metrics import scored_rows


def test_short_curves_are_those_of_scikit_learn() -> None:
    scored = scored_rows(150)
    fpr, tpr, _ = sk.roc_curve(scored.y_true, scored.y_score, drop_intermediate=False)
    np.testing.assert_allclose(roc_points(scored.y_true, scored.y_score), np.column_stack([fpr, tpr]), atol=1e-6)
    precision, recall, _ = sk.precision_recall_curve(scored.y_true, scored.y_score)
    np.testing.assert_allclose(
        pr_points(scored.y_true, scored.y_score), np.column_stack([recall, precision])[-2::-1], atol=1e-6
    )


def test_thinned_curves_keep_ends_and_area() -> None:
    scored = scored_rows(20_000, decimals=12)
    points = np.array(roc_points(scored.y_true, scored.y_score))
    assert len(points) <= MAX_POINTS
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    area = np.trapezoid(points[:, 1], points[:, 0])
    assert abs(area - sk.roc_auc_score(scored.y_true, scored.y_score)) < 1e-3
    assert len(pr_points(scored.y_true, scored.y_score) or []) <= MAX_POINTS


def test_one_class_has_no_curve() -> None:
    zeros = Scored(np.zeros(5, "int8"), np.linspace(0, 1, 5))
    assert roc_points(zeros.y_true, zeros.y_score) is None
    assert pr_points(zeros.y_true, zeros.y_score) is None
    assert roc_points(np.ones(5, "int8"), np.linspace(0, 1, 5)) is None
