"""Estimated metrics beside the real ones, in windows of the samples' rows where inputs alone drift.

Windows are drawn from a pool of fresh rows with chances that depend on the inputs alone, so what the inputs say of the
label stays as it is: by one to three features, or by how sure the champion is. What is real, its labels say.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from mlsys.cli.sample_makers import load_maker
from mlsys.metrics.scores import Scored
from mlsys.monitors.base import Window
from mlsys.monitors.density_ratio import encoded
from mlsys.monitors.estimated_metric import EstimatedMetric
from mlsys.monitors.holdout import Holdout
from mlsys.settings import Settings
from mlsys.spec import resolve
from mlsys.testing.monitors import LAST_DAY, MEASURE, WEIGHTED, window

RESULTS = Path(__file__).with_name("results-estimates.md")
SIZES = {"phishing": (3150, 1225, 1225), "network_security": (3150, 1225, 1225), "leads": (7200, 2400, 2800)}
STRENGTHS = (0.0, 0.3, 0.6, 1.0, 1.5)
POOL, DAY = 30_000, 20


@dataclass(frozen=True)
class Scene:
    """A champion's holdout, and the pool that windows are drawn from."""

    held: Holdout
    rows: pd.DataFrame
    table: np.ndarray
    y_score: np.ndarray
    y_true: np.ndarray
    n_window: int


def scene(name: str) -> Scene:
    """Fit a champion on fresh rows of a sample."""
    settings = Settings()
    spec, maker = resolve(settings.spec_path(name)).spec, load_maker(settings, name)
    n_training, n_holdout, n_window = SIZES[name]
    parts = [maker.fresh(n, day=DAY, seed=100 + i) for i, n in enumerate((n_training, n_holdout, POOL))]
    names = [each for each in spec.feature_columns() if each in parts[0] and each not in spec.features.texts]
    frames = [_frame(part[names]) for part in parts]
    y = [(part[spec.target.column].astype(str) == spec.target.positive).to_numpy("int8") for part in parts]
    tables, categories = [], np.empty(0, dtype=bool)
    for frame in frames:
        first, second, categories = encoded(frames[0], frame, ())
        tables.append(second if tables else first)
    model = HistGradientBoostingClassifier(
        learning_rate=0.06, max_iter=120, max_leaf_nodes=8, categorical_features=categories, random_state=0
    ).fit(tables[0], y[0])
    scores = [model.predict_proba(table)[:, 1] for table in tables]
    held = Holdout(frames[1], scores[1], y[1], WEIGHTED)
    return Scene(held, frames[2], tables[2], scores[2], y[2], n_window)


def _frame(rows: pd.DataFrame) -> pd.DataFrame:
    found = {}
    for name in rows:
        numbers = pd.to_numeric(rows[name], errors="coerce").astype("float64")
        found[name] = numbers if numbers.notna().mean() > 0.3 else rows[name].astype(object)
    return pd.DataFrame(found)


def windows(made: Scene, n_windows: int, seed: int) -> Iterator[tuple[str, float, Window]]:
    """Yield windows with how they were drawn."""
    random, blank = np.random.default_rng(seed), window(n_rows=1400)
    sure = np.abs(np.log(np.clip(made.y_score, 1e-4, 1 - 1e-4) / np.clip(1 - made.y_score, 1e-4, 1)))
    ranks = pd.DataFrame(made.table).rank(pct=True).fillna(0.5).to_numpy()
    for i in range(n_windows):
        how, strength = ("features", "unsure rows")[i % 2], STRENGTHS[i // 2 % len(STRENGTHS)]
        tilt = np.zeros(len(ranks))
        for j in random.choice(ranks.shape[1], random.integers(1, 4), replace=False):
            tilt += strength * random.choice([-1, 1]) * (ranks[:, j] - 0.5) * 3.46
        if how == "unsure rows":
            tilt = tilt / 2 - 0.7 * strength * sure
        chosen = np.argsort(-(random.gumbel(size=tilt.size) + tilt))[: made.n_window]
        yield (
            how,
            strength,
            replace(
                blank,
                holdout=made.held,
                reference=made.held.rows,
                rows=made.rows.iloc[chosen].reset_index(drop=True),
                day=np.full(chosen.size, np.datetime64(LAST_DAY, "D")),
                y_score=made.y_score[chosen],
                y_true=made.y_true[chosen],
            ),
        )


def looked(name: str, n_windows: int, seed: int) -> list[dict[str, Any]]:
    """Return what was estimated of each window, and what is real."""
    made, found = scene(name), []
    held = MEASURE("roc_auc", Scored(made.held.y_true, made.held.y_score, 0.5)).value
    for how, strength, each in windows(made, n_windows, seed):
        result = EstimatedMetric().look(each)
        estimate = result.observed
        if estimate is None:  # the number is in the sentence alone: nothing rests on it
            words = result.sentence.split(" is likely to be ")
            estimate = float(words[1].split(",")[0]) if len(words) > 1 else float("nan")
        real = MEASURE("roc_auc", Scored(each.y_true, each.y_score, 0.5)).value
        found.append(
            {"sample": name, "how": how, "strength": strength, "state": result.state, "held": held}
            | {"off": abs(estimate - (real or np.nan)), "moved": abs((held or np.nan) - (real or np.nan))}
        )
    return found


def table(found: pd.DataFrame) -> str:
    """Return the results as Markdown."""
    lines = ["# Estimated metrics beside the real ones", "", __doc__ or ""]
    lines += [
        "| sample | drawn by | windows | estimate within 0.02 | holdout within 0.02 | said so, where off by more |"
    ]
    lines += ["|" + "---|" * 6]
    for (sample, how), part in found.groupby(["sample", "how"]):
        off = ~(part.off <= 0.02)
        told = (part.state[off] == "inconclusive").sum()
        cells = [
            sample,
            how,
            len(part),
            f"{(~off).mean():.0%}",
            f"{(part.moved <= 0.02).mean():.0%}",
            f"{told} of {off.sum()}",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    states = found.groupby(["how", "state"]).size()
    lines += [
        "",
        "| drawn by | state | windows | mean drop of the real value below the holdout's |",
        "|---|---|---|---|",
    ]
    for (how, state), n in states.items():
        moved = found.moved[(found.how == how) & (found.state == state)].mean()
        lines.append(f"| {how} | {state} | {n} | {moved:.3f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all samples and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=100, help="of each sample")
    parser.add_argument("--samples", nargs="*", default=list(SIZES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    with threadpool_limits(limits=1):
        rows = [row for name in arguments.samples for row in looked(name, arguments.windows, arguments.seed)]
    text = table(pd.DataFrame(rows))
    arguments.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
