"""A stored pipeline in MLflow's model format, so that `mlflow.pyfunc` and `mlflow.sklearn` load it.

The pickle's bytes are copied as they are: its SHA-256 stays the ledger's, nothing is unpickled, and neither
requirements are guessed nor installed packages searched (MLflow's own `save_model` takes seconds for that).
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlsys.registries.base import Release
from mlsys.registries.mlflow_content import MLFLOW_TYPES
from mlsys.registries.requirements import pinned_requirements

MODEL, _CONDA, _VENV = "model.pkl", "conda.yaml", "python_env.yaml"


def write_model(folder: Path, data: bytes, release: Release, logged_model: Any) -> None:
    """Write the pickled pipeline `data` and its description into `folder`; MLflow serves its `release.method`."""
    from mlflow import pyfunc
    from mlflow.models import Model

    described = Model(
        artifact_path=logged_model.artifact_location,
        run_id=logged_model.source_run_id,
        model_uuid=logged_model.model_id,
        model_id=logged_model.model_id,
        signature=signature(release),
        model_size_bytes=len(data),
        metadata={"classes": list(release.candidate.classes)} if release.candidate.classes else None,
    )
    pyfunc.add_to_model(
        described,
        loader_module="mlflow.sklearn",
        model_path=MODEL,
        conda_env=_CONDA,
        python_env=_VENV,
        predict_fn=release.method,
    )
    described.add_flavor(
        "sklearn",
        pickled_model=MODEL,
        sklearn_version=version("scikit-learn"),
        serialization_format="cloudpickle",
        code=None,
        skops_trusted_types=None,
    )
    (folder / MODEL).write_bytes(data)
    _write_environment(folder, pinned_requirements(data))
    described.save(str(folder / "MLmodel"))


def _write_environment(folder: Path, pinned: tuple[str, ...]) -> None:
    import yaml

    requirements = [f"mlflow=={version('mlflow')}", *pinned]
    python = platform.python_version()
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": requirements}],
    }
    venv = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    (folder / _CONDA).write_text(yaml.safe_dump(conda, sort_keys=False), encoding="utf-8")
    (folder / _VENV).write_text(yaml.safe_dump(venv, sort_keys=False), encoding="utf-8")
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")


def signature(release: Release) -> Any:
    """Return the model's signature: feature columns by their logical types in, probabilities or a number out."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    inputs = [ColSpec(MLFLOW_TYPES[logical], name, required=False) for name, logical in release.columns.items()]
    shape = (-1, len(release.candidate.classes) or 2) if release.method == "predict_proba" else (-1,)
    return ModelSignature(Schema(inputs), Schema([TensorSpec(np.dtype("float64"), shape)]))
