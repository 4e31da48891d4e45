"""The reference job as a plain script: seven steps, no orchestration, imports where they are needed.

    python bench/reference.py DATABASE MLFLOW_URI ARTIFACTS

Prints one JSON object: seconds of each step, and each model's metrics on the newest days.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any

NUMBERS = [f"x{i:02d}" for i in range(22)]
COMPLETE = NUMBERS[8:]
CATEGORIES = [f"c{i}" for i in range(5)]
SEED = 42

State = dict[str, Any]


def load(state: State) -> None:
    import pandas as pd

    with sqlite3.connect(f"file:{state['database']}?mode=ro", uri=True) as connection:
        state["frame"] = pd.read_sql("SELECT * FROM observations", connection)


def validate(state: State) -> None:
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("plain").add_dataframe_asset("observations")
    rules: list[Any] = [gxe.ExpectColumnValuesToNotBeNull(column=name) for name in COMPLETE[:13]]
    rules += [gxe.ExpectColumnValuesToBeBetween(column=name, min_value=-10, max_value=10) for name in NUMBERS]
    rules += [
        gxe.ExpectColumnValuesToBeInSet(column=name, value_set=[f"{name}_{k}" for k in range(4 + 4 * i)])
        for i, name in enumerate(CATEGORIES)
    ]
    definition = gx.ValidationDefinition(
        name="all",
        data=asset.add_batch_definition_whole_dataframe("all"),
        suite=context.suites.add(gx.ExpectationSuite(name="all", expectations=rules)),
    )
    result = context.validation_definitions.add(definition).run(batch_parameters={"dataframe": state["frame"]})
    if len(rules) != 40 or not result.success:
        raise SystemExit("The checks failed")


def split(state: State) -> None:
    import pandas as pd

    frame = state["frame"]
    age = (pd.Timestamp("2025-12-31") - pd.to_datetime(frame["day"])).dt.days
    state["sides"] = {
        "training": frame[age >= 146],
        "validation": frame[(age >= 73) & (age < 146)],
        "holdout": frame[age < 73],
    }
    state["y"] = {side: (rows["target"] == "yes").to_numpy("int8") for side, rows in state["sides"].items()}


def preprocess(state: State) -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, RobustScaler

    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), RobustScaler())
    features = ColumnTransformer(
        [
            ("numbers", numbers, NUMBERS),
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
        ]
    )
    sides = state["sides"]
    state["X"] = {"training": features.fit_transform(sides["training"])}
    state["X"] |= {side: features.transform(sides[side]) for side in ("validation", "holdout")}
    state["features"] = features


def train(state: State) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from xgboost import XGBClassifier

    state["models"] = {
        "logistic": LogisticRegression(max_iter=500),
        "random_forest": RandomForestClassifier(200, max_depth=10, max_samples=0.15, n_jobs=1, random_state=SEED),
        "xgboost": XGBClassifier(n_estimators=300, tree_method="hist", n_jobs=1, random_state=SEED),
    }
    for model in state["models"].values():
        model.fit(state["X"]["training"], state["y"]["training"])


def evaluate(state: State) -> None:
    state["metrics"] = {
        name: {
            side: scores(state["y"][side], model.predict_proba(state["X"][side])[:, 1])
            for side in ("validation", "holdout")
        }
        for name, model in state["models"].items()
    }
    found = state["metrics"]
    state["best"] = max(found, key=lambda name: found[name]["validation"]["roc_auc"])


def scores(y: Any, score: Any) -> dict[str, float]:
    from sklearn import metrics as m

    guess = score >= 0.5
    _, fp, fn, tp = m.confusion_matrix(y, guess).ravel()
    values = {
        "roc_auc": m.roc_auc_score(y, score),
        "pr_auc": m.average_precision_score(y, score),
        "log_loss": m.log_loss(y, score),
        "accuracy": m.accuracy_score(y, guess),
        "balanced_accuracy": m.balanced_accuracy_score(y, guess),
        "precision": m.precision_score(y, guess),
        "recall": m.recall_score(y, guess),
        "f1": m.f1_score(y, guess),
        "mcc": m.matthews_corrcoef(y, guess),
        "fnr": fn / (fn + tp),
        "fpr": fp / (fp + (y == 0).sum() - fp),
    }
    return {name: float(value) for name, value in values.items()}


def register(state: State) -> None:
    import mlflow
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.pipeline import Pipeline

    mlflow.set_tracking_uri(state["mlflow_uri"])
    experiment = mlflow.create_experiment("reference", artifact_location=state["artifacts"])
    example = state["sides"]["holdout"][NUMBERS + CATEGORIES].head()
    requirements = ["numpy", "pandas", "scikit-learn", "xgboost"]
    uris = {}
    with mlflow.start_run(experiment_id=experiment, run_name="reference"):
        for name, model in state["models"].items():
            with mlflow.start_run(experiment_id=experiment, nested=True, run_name=name):
                mlflow.log_params({key: str(value) for key, value in model.get_params().items()})
                mlflow.log_metrics(state["metrics"][name]["holdout"])
                pipeline = Pipeline([("features", state["features"]), ("model", model)])
                info = mlflow.sklearn.log_model(
                    pipeline,
                    name="model",
                    signature=infer_signature(example, pipeline.predict_proba(example)),
                    pip_requirements=requirements,
                    serialization_format="cloudpickle",
                )
                uris[name] = info.model_uri
        version = mlflow.register_model(uris[state["best"]], "reference")
        mlflow.MlflowClient().set_registered_model_alias("reference", "champion", version.version)


STEPS: tuple[Callable[[State], None], ...] = (load, validate, split, preprocess, train, evaluate, register)


def main(database: str, mlflow_uri: str, artifacts: str) -> None:
    state: State = {"database": database, "mlflow_uri": mlflow_uri, "artifacts": artifacts}
    seconds = {}
    for step in STEPS:
        started = time.perf_counter()
        step(state)
        seconds[step.__name__] = time.perf_counter() - started
    print(json.dumps({"steps": seconds, "best": state["best"], "metrics": state["metrics"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
