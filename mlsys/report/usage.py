"""The lines of code that load a pipeline's champion: one text for the report card and for pages."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mlsys.targets import TARGETS

_PYTHON = """\
import mlsys

champion = mlsys.load_champion("{pipeline}")
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
    pipeline: str, *, registries: Collection[str], task: str = "binary", home: Path | None = None
) -> dict[str, str]:
    """Return the ways to load a champion in Python, by their titles, the simplest first; each is a text of lines.

    Args:
        pipeline: name of the spec.
        registries: kinds of the spec's registries; what leads through another one is left out.
        task: the learning task, which says how the champion is asked.
        home: MLSYS_HOME, for the way that needs no mlsys; without it that is left out.
    """
    ways = {}
    if "files" in registries:
        ways["With mlsys"] = _PYTHON.format(pipeline=pipeline) + TARGETS.find(task).asked
    if "mlflow" in registries:
        ways["Through MLflow"] = _MLFLOW.format(pipeline=pipeline)
    if "files" in registries and home is not None:
        path = home / "registry" / pipeline / "best_model.joblib"
        ways["From the file alone"] = _FILE.format(path=str(path))
    return ways
