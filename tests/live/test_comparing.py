"""Two models by labels: how sure one may be although one looks daily, on worlds whose truth is known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from mlsys.live.comparing import LiveRows, compared, level_of, looks_of, too_few, verdict_of
from mlsys.live.sequential import share_of
from mlsys.metrics import METRICS
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.scores import Scored
from mlsys.records import Comparison

FIRST = np.datetime64("2026-03-01")


def _rows(n: int, days: int, *, loss: float, seed: int, paired: bool = True) -> LiveRows:
    """Return rows of which the champion's answers know `loss` less of the label than the candidate's."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype("int8")
    common, of = rng.normal(size=n), FIRST + np.arange(n) * days // n
    new, old = (
        1 * y + 0.9 * common + 0.4 * rng.normal(size=n),
        (1 - loss) * y + 0.9 * common + 0.4 * rng.normal(size=n),
    )
    if paired:
        return LiveRows(Scored(y, new), Scored(y, old), (of, of), paired=True)
    half = rng.random(n) < 0.2
    return LiveRows(Scored(y[half], new[half]), Scored(y[~half], old[~half]), (of[half], of[~half]), paired=False)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("loss", "verdict"), [(0.6, "better"), (-0.6, "worse"), (0.0, "open")])
def test_what_is_clear_is_seen(paired: bool, loss: float, verdict: str) -> None:
    found = compared(METRICS.parse("roc_auc"), _rows(6000, 6, loss=loss, seed=1, paired=paired), level=0.999)
    assert verdict_of(found) == verdict


def test_less_is_better_where_it_is() -> None:
    rng = np.random.default_rng(1)
    y, days = rng.normal(size=500), FIRST + np.arange(500) // 100
    near, far = Predicted(y, y + 0.1 * rng.normal(size=500)), Predicted(y, y + rng.normal(size=500))
    found = compared(METRICS.parse("rmse"), LiveRows(near, far, (days, days), paired=True), level=0.999)
    assert verdict_of(found) == "better"


def test_the_same_answers_differ_by_nothing() -> None:
    rows = _rows(500, 5, loss=0.1, seed=1)
    same = LiveRows(rows.champion, rows.champion, rows.days, paired=True)
    found = compared(METRICS.parse("roc_auc"), same, level=0.99)
    assert (found.difference, found.lower, found.upper, verdict_of(found)) == (0, 0, 0, "open")


def test_days_that_differ_widen_the_bounds() -> None:
    rows, rng = _rows(4000, 8, loss=0.0, seed=2), np.random.default_rng(1)
    shifts = rng.normal(0, 1.5, 8)[np.arange(4000) * 8 // 4000]
    moody = Scored(rows.candidate.y_true, rows.candidate.y_score + shifts * rows.candidate.y_true)
    calm = compared(METRICS.parse("roc_auc"), rows, level=0.99)
    found = compared(METRICS.parse("roc_auc"), LiveRows(moody, rows.champion, rows.days, paired=True), level=0.99)
    assert _width(found) > 2 * _width(calm)


def _width(found: Comparison) -> float:
    assert found.upper is not None
    assert found.lower is not None
    return found.upper - found.lower


def test_looks_are_the_days_that_had_rows_and_those_to_come() -> None:
    days = np.array(["2026-03-01"] * 2 + ["2026-03-03"] * 4, "datetime64[D]")
    assert looks_of(days, date(2026, 3, 1), date(2026, 3, 5)) == [2, 6, 9, 12]
    assert looks_of(days, date(2026, 3, 1), date(2026, 3, 2)) == [2, 6]


def test_few_rows_are_not_looked_at() -> None:
    assert "99" in str(too_few([{}], [99]))
    assert "'yes'" in str(too_few([{"no": 500, "yes": 29}], [529]))
    assert too_few([{"no": 500, "yes": 30}, {}], [530, 200]) is None


@pytest.mark.slow
def test_equal_models_are_told_apart_as_seldom_as_promised() -> None:
    # Six promotions a year, each looked at for eight days; bench/trust_live.py has more years, and more worlds.
    level = {place: level_of(range(1, 9), share_of(0.02, place)) for place in range(1, 7)}
    wrong = 0
    for year in range(25):
        for place in range(1, 7):
            rows = _rows(1600, 8, loss=0.0, seed=year * 10 + place)
            if any(_says_better(rows, 200 * day, level[place]) for day in range(1, 9)):
                wrong += 1
                break
    assert wrong <= 1  # of 25 years; more have a chance of 3 in 100 where 1 in 100 is true


def _says_better(rows: LiveRows, n: int, level: float) -> bool:
    seen = np.arange(n)
    days = (rows.days[0][seen], rows.days[1][seen])
    part = LiveRows(rows.candidate.where(seen), rows.champion.where(seen), days, paired=True)
    return verdict_of(compared(METRICS.parse("roc_auc"), part, level=level)) == "better"
