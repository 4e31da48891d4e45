"""Flaws of data: twenty honest sets without an alarm, and each flaw planted into them; writes bench/results-flaws.md.

    make bench-flaws

The honest sets are the samples of mlsys, real sets that come with scikit-learn, and worlds that are made here: two
classes, several, and numbers; rare classes, few and many columns, gaps, coarse columns, strong ones. Into each of them
each flaw is planted, five times with other draws.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from mlsys.flaws.rows import Inspected
from mlsys.testing.flaws import frame
from mlsys.testing.planted import Honest

HERE = Path(__file__).resolve().parent
SAMPLES = ("phishing", "housing", "leads", "network_security", "next_best_action")
DRAWS = 5


def made(seed: int = 1) -> Iterator[tuple[str, Honest]]:
    """Yield worlds whose truth is known: nothing is wrong with them."""
    random = np.random.default_rng(seed)
    for name, n_rows, share in (("mixed columns", 4000, 0.5), ("few rows", 700, 0.4), ("one in fifty", 8000, 0.02)):
        columns, signal = frame(n_rows, seed=seed)
        noisy = signal + random.normal(0, 1, n_rows)
        y = (noisy > np.quantile(noisy, 1 - share)).astype(np.int64)
        yield f"two classes, {name}", Honest(columns, y, ("no", "yes"), scores=1 / (1 + np.exp(-signal)))
    columns, signal = frame(4000, seed=seed + 1)
    gone = random.random(4000) < np.where(signal > 0, 0.35, 0.15)
    columns.loc[gone, "age"] = np.nan
    noisy = signal + random.normal(0, 1, 4000)
    y = (noisy > 0).astype(np.int64)
    yield "two classes, gaps that say something", Honest(columns, y, ("no", "yes"), scores=1 / (1 + np.exp(-signal)))
    strong = y * 2.7 + random.normal(0, 1, 4000)  # ROC-AUC .97, as a good marker in medicine
    yield "two classes, one strong column", Honest(columns.assign(marker=strong), y, ("no", "yes"), scores=strong / 20)
    coarse = pd.DataFrame({f"answer_{place}": random.integers(-1, 2, 5000).astype(float) for place in range(8)})
    y = (coarse.sum(axis=1).to_numpy() + random.normal(0, 2, 5000) > 0).astype(np.int64)
    yield "two classes, eight coarse answers", Honest(coarse, y, ("no", "yes"))
    wide = pd.DataFrame(random.normal(size=(3000, 60)), columns=[f"gene_{place}" for place in range(60)])
    y = (wide.iloc[:, :5].sum(axis=1).to_numpy() + random.normal(0, 1, 3000) > 0).astype(np.int64)
    yield "two classes, sixty columns", Honest(wide, y, ("no", "yes"))
    drift = pd.DataFrame(
        {"price": np.linspace(10, 30, 4000) + random.normal(0, 1, 4000), "n": random.poisson(4, 4000) * 1.0}
    )
    y = (drift.n.to_numpy() + random.normal(0, 2, 4000) > 4).astype(np.int64)
    yield "two classes, a column that rises with the days", Honest(drift, y, ("no", "yes"))
    columns, signal = frame(4000, seed=seed + 2)
    y = np.digitize(signal + random.normal(0, 1, 4000), np.quantile(signal, [0.2, 0.5, 0.9])).astype(np.int64)
    yield "four classes in an order", Honest(columns, y, ("a", "b", "c", "d"))
    centres = random.normal(0, 1.5, (6, 5))
    y = random.choice(6, 4000, p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05])
    points = pd.DataFrame(centres[y] + random.normal(size=(4000, 5)), columns=list("pqrst"))
    yield "six classes around centres", Honest(points, y.astype(np.int64), tuple("uvwxyz"))
    columns, signal = frame(4000, seed=seed + 3)
    yield "numbers, mixed columns", Honest(columns, signal + random.normal(0, 1, 4000), scores=signal)
    yield "numbers, skewed", Honest(columns, np.exp(signal + random.normal(0, 1, 4000)), scores=np.exp(signal))
    hour = random.integers(0, 24, 5000).astype(float)
    month = random.integers(1, 13, 5000).astype(float)
    shape = np.sin(hour / 24 * 2 * np.pi) + np.cos(month / 12 * 2 * np.pi)
    seasons = pd.DataFrame({"hour": hour, "month": month, "load": random.gamma(2, 2, 5000)})
    season = Honest(
        seasons, shape + random.normal(0, 0.5, 5000), (), {"hour": "integer", "month": "integer"}, scores=shape
    )
    yield "numbers, hours and months", season
    last = np.cumsum(random.normal(0, 1, 3000)) * 0.05 + random.normal(0, 1, 3000)
    yield (
        "numbers, not by days",
        Honest(
            pd.DataFrame({"x": last, "z": last**2 + random.normal(0, 1, 3000)}),
            last * 2 + random.normal(0, 1, 3000),
            timed=False,
        ),
    )


def real() -> Iterator[tuple[str, Honest]]:
    """Yield the real sets of scikit-learn, shuffled, as tables without times."""
    from sklearn import datasets

    for name in ("breast_cancer", "wine", "digits", "diabetes"):
        data = getattr(datasets, f"load_{name}")(as_frame=True)
        order = np.random.default_rng(0).permutation(len(data.target))
        columns = data.data.iloc[order].reset_index(drop=True).astype(float)
        columns = columns.rename(columns=str)
        y = data.target.to_numpy()[order]
        if name == "diabetes":
            yield name, Honest(columns, y.astype(float), timed=False)
        else:
            classes = tuple(str(each) for each in data.target_names)
            yield name, Honest(columns, y.astype(np.int64), classes, timed=False)


def sampled(home: Path) -> Iterator[tuple[str, Inspected]]:
    """Yield the rows of mlsys's samples as a run looks at them."""
    os.environ["MLSYS_HOME"] = str(home)
    from mlsys import pipeline
    from mlsys.cli.sample_makers import make_sample
    from mlsys.evaluation.comparison import Assessment
    from mlsys.inspection.rows import inspected
    from mlsys.planning.plan import RunRequest
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        for name in SAMPLES:
            make_sample(name)
            start = pipeline.take_snapshot(work, RunRequest(name, mode="dry"))
            assert start.plan is not None
            assert start.snapshot is not None
            checks = pipeline.validate(work, start.plan, start.snapshot)
            prepared = pipeline.split(work, start.plan, start.snapshot, checks)
            nothing = Assessment((), (), None, {}, "")
            yield name, inspected(work.spec_of(start.plan), prepared, nothing, reference=None, store=work.store)
