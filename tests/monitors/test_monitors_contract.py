from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlsys.monitors import MONITORS
from mlsys.monitors.base import Monitor, Window
from mlsys.records import Evaluation
from mlsys.testing.monitors import MonitorContract, window

NO_LABELS = window(y_true=np.full(1400, -1, dtype="int8"))
ONE_CLASS = window(y_true=np.ones(1400, dtype="int8"))
NAN_SCORES = window(y_score=np.full(1400, np.nan))
ONE_NAN_SCORE = window(y_score=np.where(np.arange(1400) == 0, np.nan, window().y_score))
NOTHING_BEFORE = window(n_before=0)
UNJUDGED = window(evaluation=None)
UNDEFINED = window(evaluation=Evaluation(model_id="c", name="c", role="champion", holdout=()))

NO_MODEL = window(leaning=None)
MOVED = window()

# Settings, a window that must alarm, and windows that must not be judged.
CASES: dict[str, tuple[dict[str, Any], Window, list[Window]]] = {
    "feature_drift": ({}, window(shift=1.0), [NOTHING_BEFORE]),
    "score_drift": ({}, window(shift=1.0), [NOTHING_BEFORE, NAN_SCORES, ONE_NAN_SCORE]),
    "attribution_drift": ({}, replace(MOVED, rows=MOVED.rows.assign(visits=MOVED.rows["visits"] * 6)), [NO_MODEL]),
    "estimated_metric": (
        {},
        window(skill=0.5),
        [NOTHING_BEFORE, NAN_SCORES, ONE_NAN_SCORE, window(holdout=None), window(shift=4.0)],
    ),
    "target_drift": (
        {},
        window(y_true=np.where(np.arange(1400) % 5 == 0, window().y_true, 1).astype("int8")),
        [NOTHING_BEFORE, NO_LABELS],
    ),
    "harmful_shift": (
        {},
        window(skill=0.5),
        [NOTHING_BEFORE, NO_LABELS, NAN_SCORES, ONE_NAN_SCORE, window(holdout=None)],
    ),
    "live_metric": (
        {},
        window(skill=0.5),
        [NOTHING_BEFORE, NO_LABELS, ONE_CLASS, NAN_SCORES, ONE_NAN_SCORE, UNJUDGED, UNDEFINED],
    ),
}


def test_every_monitor_has_cases() -> None:
    assert sorted(CASES) == MONITORS.names()


class TestEveryMonitor(MonitorContract):
    @pytest.fixture(params=MONITORS.names())
    def kind(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def monitor(self, kind: str) -> Monitor:
        return MONITORS.parse({"kind": kind, **CASES[kind][0]})

    @pytest.fixture
    def moved(self, kind: str) -> Window:
        return CASES[kind][1]

    @pytest.fixture
    def spoiled(self, kind: str) -> Sequence[Window]:
        return CASES[kind][2]
