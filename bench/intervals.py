"""What intervals cost: eleven metrics of two models on 100,000 rows, and their paired differences.

    make bench-intervals
    make bench-intervals ARGS="--rows 20000"

By how much each row moves a metric (what a run does), beside 2,000 resamples of the rows under which both models are
measured (what a run did). CPU seconds of this process, one thread, each side `-n` times in turn. Writes
bench/results-intervals.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from run import HERE, heading
from threadpoolctl import threadpool_limits

from mlsys.evaluation.bootstrap import paired_interval, replicate
from mlsys.evaluation.comparison import ComparisonRules, Contender, assess, scored
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored

NAMES = (
    "roc_auc", "pr_auc", "log_loss", "accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc", "fnr", "fpr"
)  # fmt: skip
ABOUT = (
    "# Intervals",
    "",
    "Written by `make bench-intervals`: {rows:,} rows, two models, {n} metrics of each with its interval, and {n}",
    "paired differences. Medians of CPU seconds on one thread; resamples are {replicates:,}.",
)


def models(n_rows: int) -> dict[str, Scored]:
    """Return two models on the same rows, 30 % of them positive; half of the noise is common to both."""
    random = np.random.default_rng(0)
    y = (random.random(n_rows) < 0.3).astype(np.int8)
    common = random.normal(size=n_rows)
    logits = [skill * (2 * y - 1) + common + random.normal(size=n_rows) for skill in (1.02, 1.0)]
    return {name: Scored(y, 1 / (1 + np.exp(-of))) for name, of in zip(("new", "old"), logits, strict=True)}


def by_influence(n_rows: int) -> None:
    """Judge the two models as a run does."""
    new, old = models(n_rows).values()
    assess(
        [scored(Contender("new", "new", "candidate"), validation=new, holdout=new)],
        scored(Contender("old", "old", "champion"), validation=old, holdout=old),
        metrics=[METRICS.parse(name) for name in NAMES],
        rules=ComparisonRules("roc_auc", 1000, 0, limits={"roc_auc": [0.0]}),
    )


def by_resamples(n_rows: int, n_replicates: int) -> None:
    """Measure both models under resamples of the rows."""
    metrics = [METRICS.parse(name) for name in NAMES]
    drawn = replicate(models(n_rows), metrics, n_replicates=n_replicates, seed=0)
    for metric in metrics:
        paired_interval(drawn["new"][metric.kind], drawn["old"][metric.kind], direction=metric.direction, level=0.95)


def seconds(work: Callable[[], None]) -> float:
    """Return the CPU seconds of a piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> int:
    """Measure both ways in turn and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", type=int, default=3, help="how often each side is measured")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--replicates", type=int, default=2000)
    asked = parser.parse_args()
    about = heading(*(line.format(rows=asked.rows, n=len(NAMES), replicates=asked.replicates) for line in ABOUT))
    with threadpool_limits(limits=1):
        found = [
            (seconds(lambda: by_influence(asked.rows)), seconds(lambda: by_resamples(asked.rows, asked.replicates)))
            for _ in range(asked.n)
        ]
    new, old = (statistics.median(side) for side in zip(*found, strict=True))
    table = ["| | CPU | ratio |", "|---|---|---|", f"| by how much each row moves a metric | {new:.2f} s | 1 |"]
    table.append(f"| by resamples of the rows | {old:.2f} s | {old / new:.0f} |")
    text = "\n".join([*about, *table]) + "\n"
    (HERE / "results-intervals.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
