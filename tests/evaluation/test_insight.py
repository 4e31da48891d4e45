"""What a challenger relies on, its calibration and its segments, on rows whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from given.asked_samples import COLUMNS

from mlsys.evaluation import insight
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored

N_ROWS = 2000
ROC_AUC = METRICS.parse("roc_auc")


class Known:
    """A model whose weights are known; it counts the rows that it is asked about."""

    classes_ = np.array([0, 1])

    def __init__(self) -> None:
        self.asked = 0

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        """Return (n, 2) probabilities."""
        self.asked += len(rows)
        logits = 2.0 * rows["strong"] + 0.5 * rows["weak"] + 1.0 * (rows["brand"] == "bolt") - 0.5
        p = 1 / (1 + np.exp(-logits.to_numpy(dtype="float64")))
        return np.column_stack([1 - p, p])

    def scores(self, rows: pd.DataFrame) -> np.ndarray:
        """Return (n,) probabilities of the positive class."""
        return self.predict_proba(rows)[:, 1]


def world(seed: int = 0, n_rows: int = N_ROWS) -> tuple[pd.DataFrame, Scored, Known]:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "strong": generator.normal(size=n_rows),
            "weak": generator.normal(size=n_rows),
            "noise": generator.normal(size=n_rows),
            "brand": pd.Series(generator.choice(["acme", "bolt", None], n_rows, p=[0.6, 0.3, 0.1]), dtype=object),
            "https": generator.choice([0.0, 1.0, np.nan], n_rows, p=[0.4, 0.5, 0.1]),
        }
    )
    model = Known()
    p = model.predict_proba(frame)[:, 1]
    model.asked = 0
    return frame, Scored((generator.random(n_rows) < p).astype("int8"), p), model


def found(seed: int = 0, **changes: Any) -> dict[str, Any]:
    frame, scored, model = world()
    known = insight.importance(
        model.scores, changes.get("frame", frame), scored, changes.get("metric", ROC_AUC), seed=seed
    )
    assert known is not None
    return known


def test_columns_stand_in_the_order_of_what_they_are_worth() -> None:
    known = dict(found()["columns"])
    assert list(known)[:2] == ["strong", "brand"] or list(known)[:2] == ["strong", "weak"]
    assert known["strong"] > 0.15 > known["weak"] > known["noise"] == 0
    assert known["https"] == 0


def test_a_metric_where_lower_is_better_is_turned() -> None:
    known = dict(found(metric=METRICS.parse("log_loss"))["columns"])
    assert known["strong"] > known["weak"] > 0


def test_the_same_seed_gives_the_same_numbers() -> None:
    assert found(seed=3) == found(seed=3)
    assert found(seed=3) != found(seed=4)


@pytest.mark.parametrize(("n_rows", "n_columns"), [(2000, 5), (100_000, 5), (300, 5), (5000, 400)])
def test_the_cost_is_bounded_whatever_the_holdout(n_rows: int, n_columns: int) -> None:
    frame, scored, model = world(n_rows=n_rows)
    wide = pd.DataFrame(np.zeros((n_rows, n_columns - 5)), columns=[f"c{i}" for i in range(n_columns - 5)])
    known = insight.importance(model.scores, pd.concat([frame, wide], axis=1), scored, ROC_AUC, seed=0)
    assert known is not None
    assert len(known["columns"]) == n_columns
    assert model.asked == known["n_rows"] * n_columns
    assert model.asked <= max(insight.MOST_SCORED, insight.FEWEST_ROWS * n_columns)


def test_inputs_are_not_changed() -> None:
    frame, scored, model = world()
    before = frame.copy()
    insight.importance(model.scores, frame, scored, ROC_AUC, seed=0)
    pd.testing.assert_frame_equal(frame, before)


def test_rows_of_one_class_say_nothing() -> None:
    frame, scored, model = world()
    alone = Scored(np.zeros_like(scored.y_true), scored.y_score)
    assert insight.importance(model.scores, frame, alone, ROC_AUC, seed=0) is None


def test_a_calibrated_model_has_its_shares_at_its_scores() -> None:
    _, scored, _ = world(n_rows=20_000)
    bins = insight.calibration(scored)
    assert len(bins) == insight.BINS
    assert sum(n for *_, n in bins) == 20_000
    assert all(abs(score - share) < 0.04 for score, share, _ in bins)
    high = insight.calibration(Scored(scored.y_true, np.sqrt(scored.y_score)))
    assert all(score > share for score, share, _ in high)


def test_equal_scores_stand_in_one_bin() -> None:
    y = np.array([0, 1] * 50, dtype="int8")
    assert insight.calibration(Scored(y, np.full(100, 0.3))) == [[0.3, 0.5, 100]]


def test_segments_are_of_the_columns_that_matter_most() -> None:
    frame, scored, _ = world()
    parts = insight.segments(frame, COLUMNS, {"new": scored}, ROC_AUC, ranked=["strong", "brand", "https"])
    assert [part["column"] for part in parts] == ["brand", "https"]
    brands = parts[0]["rows"]
    assert [row["value"] for row in brands] == ["acme", "bolt"]
    inside = (frame["brand"] == "bolt").to_numpy()
    assert brands[1]["n"] == int(inside.sum())
    assert brands[1]["positive"] == pytest.approx(scored.y_true[inside].mean(), abs=1e-6)
    assert brands[1]["values"]["new"] == pytest.approx(
        ROC_AUC.value(Scored(scored.y_true[inside], scored.y_score[inside])).value, abs=1e-6
    )
    assert {row["value"] for row in parts[1]["rows"]} == {"true", "false"}


def test_small_segments_are_left_out() -> None:
    frame, scored, _ = world(n_rows=90)
    assert insight.segments(frame, COLUMNS, {"new": scored}, ROC_AUC, ranked=["brand"]) == []


def test_a_segment_of_one_class_has_no_value() -> None:
    frame, scored, _ = world()
    y = np.where(frame["brand"] == "bolt", 1, scored.y_true).astype("int8")
    (part,) = insight.segments(frame, COLUMNS, {"new": Scored(y, scored.y_score)}, ROC_AUC, ranked=["brand"])
    assert [row["values"]["new"] is None for row in part["rows"]] == [False, True]
