"""Addresses of what a message or a note points at."""

from __future__ import annotations

from urllib.parse import quote

from mlsys.orchestration.models_page import PREFIX


def airflow_run(dag_id: str, run_id: str) -> str:
    """Return the page of a run in Airflow's UI."""
    return f"{_base()}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def question(dag_id: str, run_id: str, task_id: str) -> str:
    """Return the page in Airflow's UI where a person answers."""
    return f"{airflow_run(dag_id, run_id)}/tasks/{quote(task_id, safe='')}/required_actions"


def report(path: str) -> str:
    """Return where Airflow's UI shows the report card or walk-forward report at `path` below MLSYS_HOME."""
    return f"{_base()}{PREFIX}/{quote(path)}"


def _base() -> str:
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback=None) or "http://localhost:8080").rstrip("/")
