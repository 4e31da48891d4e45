"""FLAML on the rows that `quality.py` has put aside for it; run in an environment of its own.

    python quality_flaml.py JOBS...      each a folder with `job.json` and `job.csv`; adds `flaml.json`

Its clock is the CPU time of this process, so that a machine shared with others takes nothing from its budget.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

METRICS = {"roc_auc": "roc_auc", "pr_auc": "ap", "rmse": "rmse"}


def typed(table: Any) -> Any:
    """Return texts as pandas' categories, which FLAML gives to each library in its own way."""
    texts = [name for name in table.columns if not _is_number(table[name])]
    return table.astype(dict.fromkeys(texts, "category"))


def _is_number(column: Any) -> bool:
    return column.dtype.kind in "biuf"


def fitted(job: dict[str, Any], table: Any) -> dict[str, Any]:
    """Return what FLAML predicts for the holdout rows, and the CPU seconds that it took."""
    automl = import_module("flaml").AutoML  # its import is no part of the time
    X = typed(table.drop(columns=["__y", "__side"]))
    training = table["__side"].isin(["training", "validation"]).to_numpy()
    y = table["__y"].to_numpy()
    classes = job["metric"] != "rmse"
    begun = time.process_time()
    model = automl()
    model.fit(
        X[training],
        y[training].astype(int) if classes else y[training],
        task="classification" if classes else "regression",
        metric=METRICS[job["metric"]],
        time_budget=job["seconds"],
        n_jobs=1,
        seed=job["seed"],
        verbose=0,
    )
    seconds = time.process_time() - begun
    answers = model.predict_proba(X[~training])[:, 1] if classes else model.predict(X[~training])
    return {"answers": [float(a) for a in answers], "seconds": seconds, "best": str(model.best_estimator)}


def main() -> None:
    """Answer every job that has no answer yet."""
    import pandas as pd

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    since, begun = time.process_time, time.time()
    time.time = lambda: begun + since()
    for name in sys.argv[1:]:
        folder = Path(name)
        table = pd.read_csv(folder / "job.csv", keep_default_na=False, na_values=[""])
        found = fitted(json.loads((folder / "job.json").read_text()), table)
        (folder / "flaml.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
