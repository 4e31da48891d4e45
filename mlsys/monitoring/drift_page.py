"""The drift page: each feature as the champion was trained on it and as it is now, and what monitors made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from mlsys.monitoring.drawing import bins_of, draw
from mlsys.monitors.texts import MISSING, UNSEEN, ThenAndNow, compared
from mlsys.records.monitoring import MonitorReport, MonitorResult
from mlsys.report import page

if TYPE_CHECKING:
    import pandas as pd

    from mlsys.monitors.base import Window

_UNITS = {
    "psi": "stability index",
    "ks": "Kolmogorov-Smirnov distance",
    "chi2": "Cramer's V",
    "wasserstein": "Wasserstein distance",
    "share": "distance",
    "": "observed",
}


@dataclass(frozen=True)
class Test:
    """What one monitor measured of a feature."""

    name: str
    observed: float
    limit: float

    @property
    def moved(self) -> bool:
        """Whether that is an alarm."""
        return self.observed > self.limit


@dataclass(frozen=True)
class Feature:
    """One row of the page.

    Attributes:
        missing: shares of rows without a value, then and now.
        middle: medians, or the most frequent values.
        tests: of each monitor that looks at it; none where nothing watches it.
    """

    name: str
    missing: tuple[float, float]
    middle: tuple[object, object]
    numeric: bool
    tests: tuple[Test, ...]
    drawing: Markup

    @property
    def state(self) -> str:
        """`alarm`, `pass`, or `not watched`."""
        if not self.tests:
            return "not watched"
        return "alarm" if any(test.moved for test in self.tests) else "pass"

    @property
    def rank(self) -> float:
        """How far beyond its limit, the farthest first."""
        return -max((test.observed / test.limit for test in self.tests if test.limit), default=0.0)


def render(report: MonitorReport, results: Sequence[MonitorResult], window: Window) -> str:
    """Return the page's HTML; the same window gives the same bytes.

    Args:
        report: the verdict.
        results: of every monitor, with all parts.
        window: what they looked at; its current rows are those of its widest monitor.
    """
    features = compared(window.reference, window.rows, window.texts)
    rows = sorted((_feature(each, results) for each in features), key=lambda each: (each.rank, each.name))
    answers = _answers(window, results)
    return (
        page.templates()
        .get_template("drift.html.j2")
        .render(
            report=report,
            results=results,
            features=[*answers, *rows],
            n_moved=sum(row.state == "alarm" for row in rows),
            n_features=len(rows),
            n_reference=len(window.reference),
            n_rows=len(window.rows),
            style=page.style("report/style.css", "drift/style.css"),
        )
    )


def _feature(each: ThenAndNow, results: Sequence[MonitorResult]) -> Feature:
    """Return the row of a feature; what answers owe to it does not say whether it moved, and stands in a sentence."""
    of_features = [result for result in results if result.monitor != "score_drift" and result.unit != "leaning"]
    return _drawn(each, _tests(each.name, of_features))


def _tests(name: str, results: Sequence[MonitorResult]) -> tuple[Test, ...]:
    named = {name: "", f"{name}: {MISSING}": " of missing ones", f"{name}: {UNSEEN}": " of new ones"}
    found = [(result, part) for result in results for part in result.parts if part.name in named]
    return tuple(Test(f"{_UNITS[r.unit]}{named[p.name]}, {_over(r)}", p.observed, p.limit) for r, p in found)


def _answers(window: Window, results: Sequence[MonitorResult]) -> list[Feature]:
    """Return the row of the champion's answers, on its holdout and now, where there are some; of classes one each."""
    import pandas as pd

    if not window.holdout_scores.size:
        return []
    found = [r for r in results if r.monitor == "score_drift" and r.observed is not None and r.limit is not None]
    tests = tuple(Test(f"{_UNITS[r.unit]}, {_over(r)}", r.observed or 0.0, r.limit or 0.0) for r in found)
    if window.target.names:
        return [
            _drawn(
                ThenAndNow(f"the champion's probability of {name}, on its holdout and now", *columns),
                _tests(name, found),
            )
            for name, *columns in zip(window.target.names, *_by_class(window), strict=True)
        ]
    scores = (pd.Series(values, dtype="float64") for values in (window.holdout_scores, window.y_score))
    return [_drawn(ThenAndNow("the champion's answers, on its holdout and now", *scores), tests)]


def _by_class(window: Window) -> tuple[list[pd.Series], list[pd.Series]]:
    import pandas as pd

    then, now = ([pd.Series(column) for column in table.T] for table in (window.holdout_scores, window.y_score))
    return then, now


def _drawn(each: ThenAndNow, tests: tuple[Test, ...]) -> Feature:
    return Feature(
        name=each.name,
        missing=(_missing(each.then), _missing(each.now)),
        middle=(_middle(each.then), _middle(each.now)),
        numeric=each.then.dtype.kind == "f",
        tests=tests,
        drawing=draw(bins_of(each.then, each.now), f"{each.name}, then and now"),
    )


def _over(result: MonitorResult) -> str:
    return result.name.rpartition(" over ")[2]


def _missing(column: pd.Series) -> float:
    return float(column.isna().mean()) if len(column) else 0.0


def _middle(column: pd.Series) -> object:
    known = column.dropna()
    if known.empty:
        return None
    if known.dtype.kind == "f":
        return float(known.median())
    counts = known.value_counts()
    return min(str(name) for name in counts[counts == counts.max()].index)[:60]
