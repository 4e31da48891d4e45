"""The DAG files as Airflow reads them: each time in a process that has imported Airflow and nothing of ours.

Airflow takes two seconds to import, so that one process imports it and a fork of it does each reading.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_IMPORTS = """
import json, os, sys, time
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

def read(folder, into):
    before = set(sys.modules)
    begun = time.perf_counter()
    bag = DagBag(folder, bundle_name="dags-folder")
    seconds = time.perf_counter() - begun
    new = sorted({name.split(".")[0] for name in set(sys.modules) - before})
    dags = {dag_id: DagSerialization.to_dict(dag)["dag"] for dag_id, dag in bag.dags.items()}
    with open(into, "w") as file:
        json.dump({"errors": bag.import_errors, "new": new, "seconds": seconds, "dags": dags}, file, default=str)
"""
_ONCE = _IMPORTS + "\nread(sys.argv[1], sys.argv[2])\n"
_SERVED = (
    _IMPORTS
    + """
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        try:
            os.environ.clear()
            os.environ.update(asked["environment"])
            read(asked["folder"], asked["into"])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    print("RESULT", flush=True)
"""
)


def read_dags(pipelines: Path, home: Path, *, folder: Path = ROOT / "dags", **variables: str) -> dict[str, Any]:
    """Return `errors` and serialized `dags` of a folder, what was imported anew, and the seconds."""
    return _answer(_server(), folder, _environment(pipelines, home, **variables), home / "read.json")


def read_dags_afresh(pipelines: Path, home: Path, **variables: str) -> dict[str, Any]:
    """Return the same from a process that shares nothing with any other."""
    environment, into = _environment(pipelines, home, **variables), home / "afresh.json"
    command = [sys.executable, "-c", _ONCE, str(ROOT / "dags"), str(into)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert into.exists(), done.stderr[-2000:]
    found: dict[str, Any] = json.loads(into.read_text(encoding="utf-8"))
    return found


def _environment(pipelines: Path, home: Path, **variables: str) -> dict[str, str]:
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "MLSYS_PIPELINES": str(pipelines),
        **variables,
    }


@cache
def _server() -> subprocess.Popen[str]:
    home = Path(tempfile.mkdtemp(prefix="mlsys-tests-dags-"))
    environment = _environment(home, home)
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    atexit.register(server.terminate)
    return server


def _answer(server: subprocess.Popen[str], folder: Path, environment: dict[str, str], into: Path) -> dict[str, Any]:
    assert server.stdin is not None
    assert server.stdout is not None
    into.unlink(missing_ok=True)
    server.stdin.write(json.dumps({"folder": str(folder), "environment": environment, "into": str(into)}) + "\n")
    server.stdin.flush()
    for line in server.stdout:
        if line == "RESULT\n":
            break
    assert into.exists(), "the reading ended without a result; its traceback stands on standard error"
    found: dict[str, Any] = json.loads(into.read_text(encoding="utf-8"))
    return found
