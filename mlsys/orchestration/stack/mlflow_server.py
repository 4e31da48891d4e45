"""The process of the MLflow page: makes MLflow's tables whole where there are none, then is `mlflow server`."""

from __future__ import annotations

import os
import runpy
import sys

from mlsys.registries.mlflow_database import prepare


def main(arguments: list[str]) -> None:
    """Prepare the database of `MLFLOW_BACKEND_STORE_URI` and serve it."""
    prepare(os.environ["MLFLOW_BACKEND_STORE_URI"])
    sys.argv = ["mlflow", "server", *arguments]
    runpy.run_module("mlflow", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
