"""What every monitor must keep; subclass `MonitorContract` with the fixtures `monitor`, `moved` and `spoiled`.

`window` builds what a monitor looks at: a champion whose scores are right in most rows, and rows like those it was
trained on, or moved away from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored
from mlsys.monitoring.window import measured, weighted
from mlsys.monitors.base import Monitor, Past, Window
from mlsys.monitors.holdout import Holdout
from mlsys.records import Evaluation
from mlsys.records.monitoring import MonitorResult
from mlsys.spec.blocks import MetricChoice
from mlsys.targets.binary import BinaryTarget

LAST_DAY = date(2026, 3, 31)
N_DAYS = 14
N_DAYS_BEFORE = 28
THRESHOLD = 0.5
MEASURE = partial(measured, choice=MetricChoice(replicates=200), seed=7)
WEIGHTED = partial(weighted, choice=MetricChoice())


def window(
    *,
    n_rows: int = 1400,
    n_before: int = 2000,
    shift: float = 0.0,
    skill: float = 2.0,
    seed: int = 3,
    judged_by: Sequence[str] = ("roc_auc", "log_loss"),
    **changes: Any,
) -> Window:
    """Return a window of 14 days, half of its rows in the last seven.

    Args:
        n_rows: current rows.
        n_before: training rows, and as many on the holdout.
        shift: moves the current features, in standard deviations, and with them the scores.
        skill: standard deviations between the classes' scores in current rows; 2 on the holdout.
        seed: of all draws.
        judged_by: metrics of the champion on its holdout that are known.
        changes: fields of the window to replace.
    """
    generator = np.random.default_rng(seed)
    held_true, held_scores = _scores(generator, n_before, 2.0, 0.0)
    y_true, y_score = _scores(generator, n_rows, skill, shift)
    days, before = np.arange(n_rows) % N_DAYS, np.arange(n_before)
    reference, rows = _features(generator, n_before, 0.0), _features(generator, n_rows, shift)
    made = Window(
        last_day=LAST_DAY,
        reference=reference,
        holdout_scores=held_scores,
        rows=rows,
        day=_days_ago(days),
        y_score=y_score,
        y_true=y_true,
        evaluation=_evaluation(Scored(held_true, held_scores, THRESHOLD), judged_by),
        primary="roc_auc",
        directions={name: METRICS.find(name).direction for name in METRICS.names()},
        threshold=THRESHOLD,
        measure=MEASURE,
        target=BinaryTarget(column="label", positive="1"),
        leaning=leaning,
        holdout=Holdout(
            _features(generator, n_before, 0.0), held_scores, held_true, WEIGHTED, _days_ago(N_DAYS + before % N_DAYS)
        ),
        past=Past(
            day=_days_ago(2 * N_DAYS + before % N_DAYS_BEFORE),
            y_score=held_scores,
            y_true=held_true,
            holdout_day=_days_ago(N_DAYS + before % N_DAYS),
        ),
    )
    return replace(made, **changes)


def shuffled(made: Window, seed: int = 11) -> Window:
    """Return the window with all its rows in another order."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(made.rows))
    before = generator.permutation(len(made.reference))
    held, holdout = generator.permutation(len(made.holdout_scores)), made.holdout
    if holdout is not None:
        again = generator.permutation(holdout.y_true.size)
        rows = holdout.rows.iloc[again].reset_index(drop=True)
        sides = {name: getattr(holdout, name)[again] for name in ("y_score", "y_true", "day")}
        holdout = replace(holdout, rows=rows, **sides)
    past = made.past and replace(
        made.past,
        day=made.past.day[before],
        y_score=made.past.y_score[before],
        y_true=made.past.y_true[before],
        holdout_day=made.past.holdout_day[held],
    )
    return replace(
        made,
        past=past,
        reference=made.reference.iloc[before].reset_index(drop=True),
        holdout_scores=made.holdout_scores[held],
        holdout=holdout,
        rows=made.rows.iloc[order].reset_index(drop=True),
        day=made.day[order],
        y_score=made.y_score[order],
        y_true=made.y_true[order],
    )


def leaning(rows: pd.DataFrame, others: pd.DataFrame) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Return what answers of a known sum owe to each column: mostly to `visits` and `size`."""
    return {name: np.abs(_addend(rows, name) - _addend(others, name)) for name in rows.columns}


def _addend(rows: pd.DataFrame, name: str) -> np.ndarray[Any, np.dtype[Any]]:
    if rows[name].dtype.kind == "f":
        return rows[name].fillna(0.0).to_numpy()
    return 0.5 * (rows[name] == "web").to_numpy(dtype="float64")


def empty(made: Window) -> Window:
    """Return the window of a champion that has seen everything."""
    return made.newest(timedelta(0))


def _days_ago(days: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    return np.datetime64(LAST_DAY, "D") - days.astype("timedelta64[D]")


def _features(generator: np.random.Generator, n_rows: int, shift: float) -> pd.DataFrame:
    size = generator.normal(shift, 1, n_rows)
    size[generator.random(n_rows) < 0.05] = np.nan
    kind = generator.choice(np.array(["web", "app", "store", None], dtype=object), n_rows, p=[0.5, 0.3, 0.15, 0.05])
    visits = generator.poisson(2, n_rows).astype("float64")
    return pd.DataFrame({"size": size, "visits": visits, "kind": pd.Series(kind, dtype=object)})


def _scores(
    generator: np.random.Generator, n_rows: int, skill: float, shift: float
) -> tuple[np.ndarray[Any, np.dtype[Any]], np.ndarray[Any, np.dtype[Any]]]:
    y_true = (generator.random(n_rows) < 0.4).astype("int8")
    return y_true, 1 / (1 + np.exp(-(skill * (y_true - 0.4) + shift + generator.normal(size=n_rows))))


def _evaluation(held: Scored, names: Sequence[str]) -> Evaluation:
    values = tuple(MEASURE(name, held) for name in names) if held.y_true.size else ()
    return Evaluation(model_id="champion", name="champion", role="champion", holdout=values)


class MonitorContract:
    """The contract; `moved` is a window that must alarm, `spoiled` are windows without evidence."""

    def test_quiet_windows_pass(self, monitor: Monitor) -> None:
        """Rows like those the champion was made from pass."""
        found = monitor.look(window())
        assert found.state == "pass"
        assert found.reason is None

    def test_what_moved_alarms(self, monitor: Monitor, moved: Window) -> None:
        """It can alarm, and says by how much."""
        found = monitor.look(moved)
        assert found.state == "alarm"
        assert found.reason
        assert found.observed is not None
        assert found.limit is not None

    def test_no_evidence_never_passes(self, monitor: Monitor, spoiled: Sequence[Window]) -> None:
        """Without evidence it is inconclusive, and says why by a code."""
        for item in (empty(window()), window(n_rows=20), *spoiled):
            found = monitor.look(item)
            assert found.state == "inconclusive"
            assert found.reason
            assert found.observed is None

    def test_results_are_complete(self, monitor: Monitor, moved: Window, spoiled: Sequence[Window]) -> None:
        """Each result is JSON-pure, names its monitor, counts its rows, and is a whole sentence."""
        for item in (window(), moved, empty(moved), *spoiled):
            found = monitor.look(item)
            assert MonitorResult.load(found.dump()) == found
            assert found.monitor == monitor.kind
            assert found.name
            assert found.sentence.endswith(".")
            assert found.sentence[0].isupper() or found.sentence[0].isdigit()
            assert 0 <= found.n_rows <= len(item.rows)

    def test_same_window_same_result(self, monitor: Monitor, moved: Window) -> None:
        """A monitor has no memory and draws nothing by chance."""
        assert monitor.look(moved) == monitor.look(moved)

    def test_the_order_of_rows_plays_no_part(self, monitor: Monitor, moved: Window) -> None:
        """Other orders of the same rows give the same result, to the last digit."""
        for item in (window(), moved):
            assert monitor.look(shuffled(item)) == monitor.look(item)

    def test_older_rows_play_no_part(self, monitor: Monitor, moved: Window) -> None:
        """It looks at the days of its own window alone."""
        assert monitor.look(moved) == monitor.look(moved.newest(monitor.window))
