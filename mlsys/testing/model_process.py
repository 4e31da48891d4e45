"""What a process of its own says about a model: `python -m mlsys.testing.model_process FOLDER`.

The folder holds a model for each problem, as the first process made them: `model.pickle` and `<problem>.pickle`. Told
are whether the loaded model predicts as it did, the digest of a refit, and what children give that are forked after a
fit with two threads.
"""

from __future__ import annotations

import json
import pickle
import sys
from functools import partial
from pathlib import Path
from typing import Any

from mlsys.children import side_by_side
from mlsys.models.base import Model
from mlsys.store import Store
from mlsys.testing.model_problems import PROBLEMS, LearningProblem
from mlsys.training import model_file

N_CHILDREN = 4


def suits(model: Model) -> dict[str, LearningProblem]:
    """Return the problems that a model can solve, by name."""
    able = {name: problem for name, problem in PROBLEMS.items() if model.obstacle(problem.estimator) is None}
    return {name: problem for name, problem in able.items() if problem.two_classes or not model.two_classes}


def digest(pipeline: Any, folder: Path) -> str:
    """Return the SHA-256 of a fitted pipeline's model file."""
    return model_file.save(pipeline, Store(folder))[0]


def main(folder: Path) -> dict[str, dict[str, Any]]:
    """Return by problem: `same` predictions, `digest`, and what `children` gave: their digest, or how they ended."""
    model: Model = pickle.loads((folder / "model.pickle").read_bytes())  # noqa: S301 - from our own test
    told: dict[str, dict[str, Any]] = {}
    for name, problem in suits(model).items():
        loaded, probe, expected = pickle.loads((folder / f"{name}.pickle").read_bytes())  # noqa: S301 - the same
        told[name] = {"same": bool((problem.predicted(loaded, probe) == expected).all())}
        told[name]["digest"] = digest(problem.fit(model).pipeline, folder / "store")
    for name, problem in suits(model).items():
        problem.fit(model, threads=2)
        work = {str(n): partial(_in_child, problem, model, folder / "store") for n in range(N_CHILDREN)}
        ends = list(side_by_side(work, workers=2, timeout=120))
        told[name]["children"] = sorted({end.cause or (end.data or b"").decode() for end in ends})
    return told


def _in_child(problem: LearningProblem, model: Model, store: Path) -> bytes:
    return digest(problem.fit(model).pipeline, store).encode()


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout)
