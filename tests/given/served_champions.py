"""Champions of every kind, as a server holds them: fitted on a few rows with columns of every type."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlsys.features.base import FeatureColumns, Features
from mlsys.features.tabular import TabularFeatures
from mlsys.features.text import TextColumn
from mlsys.metrics.logged import Logged, pack
from mlsys.models.base import Model
from mlsys.registries.files import GOLDEN
from mlsys.schema import ColumnSpec
from mlsys.serving import Champion
from mlsys.serving.fast_rows import given_rows
from mlsys.serving.plain_path import plain_answers
from mlsys.targets.base import Target
from mlsys.targets.binary import BinaryTarget
from mlsys.testing.model_problems import task_of
from mlsys.training.rare_class import fit

COLUMNS = {
    "n_dots": ColumnSpec(type="integer"),
    "size": ColumnSpec(type="number"),
    "secure": ColumnSpec(type="boolean"),
    "never": ColumnSpec(type="number"),
    "tld": ColumnSpec(type="category"),
    "brand": ColumnSpec(type="text"),
    "url": ColumnSpec(type="text"),
}
NUMERIC = ("n_dots", "size", "secure", "never")
CATEGORICAL = ("tld", "brand", "url")
PLAIN = TabularFeatures(rare_share=0.02)
SPARSE = TabularFeatures(rare_share=0.02, clip=10, text={"url": TextColumn(ngram=(2, 3), max_features=150)})
REDUCED = TabularFeatures(rare_share=0.02, text={"url": TextColumn(ngram=(2, 4), max_features=150, reduce=8)})
WORDS = TabularFeatures(rare_share=0.02, text={"url": TextColumn(analyzer="word", ngram=(1, 2), max_features=60)})
FEWER = TabularFeatures(text={"url": TextColumn(analyzer="word", ngram=(1, 1), max_features=60, reduce=8)})


def sites(n_rows: int = 500, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return prepared rows, with holes, and how strongly each one looks like a bad site."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "n_dots": random.integers(0, 9, n_rows).astype(float),
            "size": random.lognormal(3, 1, n_rows),
            "secure": random.integers(0, 2, n_rows).astype(float),
            "never": np.nan,
            "tld": pd.Series(random.choice(["com", "org", "xyz", "é", "rare"], n_rows, p=[0.4, 0.3, 0.2, 0.09, 0.01])),
            "brand": pd.Series(random.choice(["mail", "bank", "Shop 24"], n_rows)),
        }
    )
    words = random.choice(["login", "l0gin", "news", "verify", "Übung"], (n_rows, 2))
    frame["url"] = [f"https://{one}.{frame['tld'][i]}/{two} {i}" for i, (one, two) in enumerate(words)]
    strength = frame["n_dots"] / 4 + (frame["tld"] == "xyz") * 2 - frame["secure"] + (words == "l0gin").any(axis=1) * 3
    for name in ("n_dots", "size", "tld", "url"):
        frame[name] = frame[name].astype(object if name in CATEGORICAL else float)
        frame.loc[random.random(n_rows) < 0.1, name] = None
    texts = {name: frame[name].astype(object).where(frame[name].notna(), None) for name in CATEGORICAL}
    return frame.assign(**texts), (strength + random.normal(0, 0.5, n_rows)).to_numpy()


def labels_of(strength: np.ndarray, target: Target) -> np.ndarray:
    """Return the labels that a learning task would have of so bad sites."""
    if target.task == "regression":
        return np.exp(strength / 2)
    edges = np.quantile(strength, [0.6] if target.task == "binary" else [0.3, 0.7])
    codes: np.ndarray = np.searchsorted(edges, strength).astype(np.int8)
    return codes


def champion_of(
    model: Model,
    recipe: Features = PLAIN,
    *,
    folder: Path,
    target: Target | None = None,
    columns: dict[str, ColumnSpec] = COLUMNS,
) -> Champion:
    """Return a champion fitted on `sites`, whose folder has golden rows."""
    task = target or BinaryTarget(column="label", positive="1")
    frame, strength = sites()
    frame = frame[list(columns)]
    kinds = FeatureColumns(
        tuple(name for name in NUMERIC if name in columns), tuple(name for name in CATEGORICAL if name in columns)
    )
    y = labels_of(strength, task)
    circumstances = task_of(len(frame), estimator=task.estimator)
    pipeline = fit(model, model.transformer(recipe, kinds), frame, y, circumstances, target=task).pipeline
    pipeline = pickle.loads(pickle.dumps(pipeline))
    champion = Champion(
        pipeline="sites", version="1.0.0", candidate_id="c", cutoff=datetime(2026, 5, 1, tzinfo=UTC), task=task.task,
        target="label", positive="1" if task.two_classes else None, threshold=0.5 if task.two_classes else None,
        classes=task.knows(pipeline), features=columns, joins=(), model=pipeline, folder=folder,
    )  # fmt: skip
    keep_golden(champion, frame.iloc[:64])
    return champion


def policy_of(model: Model, *, folder: Path) -> Champion:
    """Return a champion that chooses one of three actions, of which the number of dots says which is right."""
    columns = {name: column for name, column in COLUMNS.items() if name in ("n_dots", "size", "tld", "brand")}
    frame, strength = sites()
    frame = frame[list(columns)]
    n_rows, random = len(frame), np.random.default_rng(3)
    action = random.integers(0, 3, n_rows)
    right = np.searchsorted(np.quantile(strength, [0.3, 0.7]), strength)
    success = (random.random(n_rows) < np.where(action == right, 0.6, 0.2)).astype(int)
    logged = Logged(np.arange(n_rows), right, np.ones(n_rows, int), np.full(n_rows, 3), action, success)
    kinds = FeatureColumns(("n_dots", "size"), ("tld", "brand"))
    task = task_of(n_rows, estimator="policy")
    pipeline = model.fit(model.transformer(PLAIN, kinds), frame, pack(logged), task).pipeline
    champion = Champion(
        pipeline="next", version="1.0.0", candidate_id="c", cutoff=datetime(2026, 5, 1, tzinfo=UTC), task="policy",
        target="won", positive=None, threshold=None, classes=(), features=columns, joins=(),
        model=pickle.loads(pickle.dumps(pipeline)), folder=folder, actions=("block", "ask", "let pass"),
    )  # fmt: skip
    keep_golden(champion, frame.iloc[:64])
    return champion


def keep_golden(champion: Champion, frame: pd.DataFrame) -> None:
    """Write golden rows into a champion's folder."""
    rows = given_rows(champion.features, frame)
    kept: dict[str, Any] = {
        "columns": {name: column.type for name, column in champion.features.items()},
        "rows": {name: [row[name] for row in rows] for name in champion.features},
        "answers": plain_answers(champion, rows).tolist(),
    }
    (champion.folder / GOLDEN).write_text(json.dumps(kept), encoding="utf-8")
