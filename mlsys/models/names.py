"""What a candidate may be called."""

from __future__ import annotations

from typing import Annotated

from mlsys.components import Within

# Part of runs, files and addresses in MLflow, the registry and Airflow.
CandidateName = Annotated[
    str,
    Within(
        60,
        "A candidate's name is at most 60 letters, digits, _, - and ., a letter or digit first",
        r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    ),
]
