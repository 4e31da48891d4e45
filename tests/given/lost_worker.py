"""A retraining that is long enough to lose a worker in its middle, and what must have come of it all the same.

    python -m given.lost_worker prepare      the shop, in the home and the specs' folder of the environment
    python -m given.lost_worker found        what stands in the home's ledger, as JSON
    python -m given.lost_worker expected     what an undisturbed run finds, in a home of its own, as JSON

Used where the services are processes of this machine, and where they are containers.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from given.shop import day, edit_spec, make_shop

from mlsys import pipeline
from mlsys.planning.plan import RunRequest
from mlsys.settings import load_settings
from mlsys.workspace import Workspace, open_workspace

PIPELINE, DAG = "shop", "retrain_shop"
DAYS = 12
LONG = "forest"
MODELS: list[dict[str, object]] = [
    {"kind": "logistic"},
    {"kind": "prior"},
    {"kind": "random_forest", "name": LONG, "n_estimators": 10_000, "max_depth": 3},
]


def prepare(home: Path, pipelines: Path) -> None:
    """Write the shop with a candidate that trains for many seconds."""
    make_shop(home, pipelines, days=DAYS)
    edit_spec(pipelines, models=MODELS)


def run_day() -> str:
    """Return the day to retrain, the last one of the shop."""
    return str(day(DAYS - 1))


def found(work: Workspace) -> dict[str, Any]:
    """Return decisions, champion changes and models of the ledger, whose chain is verified."""
    work.ledger.verify(PIPELINE)
    keys = {row.training_key for row in work.ledger.runs(PIPELINE) if row.training_key}
    return {
        "decisions": [decision.dump() for decision in work.ledger.decisions(PIPELINE)],
        "champions": [change.candidate_id for change in work.ledger.champion_changes(PIPELINE)],
        "models": {c.name: c.model for key in sorted(keys) for c in work.ledger.candidates(key)},
        "ended": [row.status for row in work.ledger.runs(PIPELINE) if row.status != "started"],
    }


def expected(folder: Path) -> dict[str, Any]:
    """Return the same of a run that nothing disturbed; this process's home is then one below `folder`."""
    home = folder / "undisturbed"
    prepare(home, home / "pipelines")
    os.environ.update(MLSYS_HOME=str(home), MLSYS_PIPELINES=str(home / "pipelines"), MLSYS_DATABASE="sqlite")
    os.environ.pop("MLSYS_MLFLOW_URI", None)
    with open_workspace() as work:
        pipeline.run(work, RunRequest(PIPELINE, day=run_day()))
        return found(work)


def main(what: str) -> None:
    """Do one of the three for the environment's home."""
    settings = load_settings()
    if what == "prepare":
        prepare(settings.root, settings.pipelines)
        return
    if what == "found":
        with open_workspace(settings) as work:
            result = found(work)
    else:
        with tempfile.TemporaryDirectory() as folder:
            result = expected(Path(folder))
    sys.stdout.write(json.dumps(result) + os.linesep)


if __name__ == "__main__":
    main(sys.argv[1])
