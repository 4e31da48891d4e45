"""A sample spec as it is stored with a run, and the versions that a run records."""

from __future__ import annotations

import hashlib
from typing import Any

PARAMS: dict[str, dict[str, Any]] = {
    "logistic": {"C": 1.0, "penalty": "l2", "max_iter": 1000},
    "random_forest": {"n_estimators": 200, "min_samples_leaf": 2, "max_features": "sqrt"},
    "hist_gradient_boosting": {"learning_rate": 0.1, "max_iter": 200, "max_leaf_nodes": 31, "l2_regularization": 0.0},
    "xgboost": {"n_estimators": 600, "learning_rate": 0.05, "max_depth": 6, "subsample": 0.9, "early_stopping": 30},
    "prior": {},
}


def spec_dump() -> dict[str, Any]:
    """Return a resolved spec as it is stored with a run."""
    from mlsys.spec import flatten

    spec: dict[str, Any] = {
        "pipeline": "phishing",
        "description": "Phishing websites, labelled by analysts",
        "owner": "trust-and-safety",
        "source": {
            "kind": "sql",
            "url": "sqlite:///${MLSYS_HOME}/samples/phishing.db",
            "table": "websites",
            "event_time": "observed_at",
            "timezone": "UTC",
        },
        "schema": {
            name: {"type": kind}
            for name, kind in {
                "website_id": "integer",
                "url_length": "integer",
                "n_subdomains": "integer",
                "brand": "category",
                "label": "category",
                "labelled_at": "timestamp",
            }.items()
        },
        "key": ["website_id"],
        "target": {"column": "label", "positive": "phishing", "task": "binary"},
        "label": {"arrival": "labelled_at", "delay": "0d"},
        "checks": {"tolerated_share": 0.02, "rules": [{"kind": "not_null", "column": "url_length"}]},
        "split": {"kind": "time", "validation_days": 5, "holdout_days": 7, "gap_days": 0, "train_window_days": None},
        "features": {"kind": "tabular"},
        "models": [{"kind": name, **params} for name, params in PARAMS.items()],
        "training": {"seed": 42, "threads": 1, "refit": False, "timeout": "1h"},
        "metrics": {"primary": "roc_auc", "threshold": 0.5, "replicates": 1000},
        "gates": [{"kind": "minimum", "metric": "roc_auc", "at_least": 0.8}, {"kind": "better_than_champion"}],
        "registries": [{"kind": "mlflow"}, {"kind": "files"}],
    }
    by_default = ("label.delay", "split.gap_days", "split.train_window_days", "training", "metrics.replicates")
    origins = {key: "default" if key.startswith(by_default) else "file" for key in flatten(spec)}
    origins["models.3.n_estimators"] = "run parameter"
    return {"spec": spec, "origins": origins, "overrides": ["models.3.n_estimators=600"]}


def environment() -> dict[str, Any]:
    """Return versions as a run records them."""
    return {
        "python": "3.11.13",
        "code": hashlib.sha256(b"code").hexdigest(),
        "packages": {"numpy": "2.3.5", "pandas": "3.0.1", "scikit-learn": "1.8.0", "xgboost": "3.2.0"},
        "platform": "Linux x86_64",
    }
