"""The lines of code that load a pipeline's champion: one text for the report card and for pages."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

_PYTHON = """\
import mlsys

champion = mlsys.load_champion("{pipeline}")
"""
_CLASSES = """\
champion.predict_proba(rows)[:, 1]  # of a DataFrame: the probability of the positive class
champion.predict(rows)  # 1 where it reaches the threshold, else 0
"""
_NUMBERS = """\
champion.predict(rows)  # of a DataFrame: numbers in the target's unit
"""
_ACTIONS = """\
champion.predict(rows)  # of a DataFrame: the name of the next action
champion.values(rows)  # what each action is worth in the table, the best one first
"""
_MLFLOW = """\
import mlflow

model = mlflow.sklearn.load_model("models:/{pipeline}@champion")
"""
_FILE = """\
import joblib

model = joblib.load({path!r})
"""


def loading_code(
    pipeline: str, *, registries: Collection[str], classes: bool = True, actions: bool = False, home: Path | None = None
) -> dict[str, str]:
    """Return the ways to load a champion in Python, by their titles, the simplest first; each is a text of lines.

    Args:
        pipeline: name of the spec.
        registries: kinds of the spec's registries; what leads through another one is left out.
        classes: whether it predicts classes, with their probabilities, or numbers.
        actions: whether it chooses actions; then `classes` plays no part.
        home: MLSYS_HOME, for the way that needs no mlsys; without it that is left out.
    """
    ways, asking = {}, _ACTIONS if actions else _CLASSES if classes else _NUMBERS
    if "files" in registries:
        ways["With mlsys"] = _PYTHON.format(pipeline=pipeline) + asking
    if "mlflow" in registries:
        ways["Through MLflow"] = _MLFLOW.format(pipeline=pipeline)
    if "files" in registries and home is not None:
        path = home / "registry" / pipeline / "best_model.joblib"
        ways["From the file alone"] = _FILE.format(path=str(path))
    return ways
