"""Addresses: of the Models page and what it links to, and of what a message or a note points at."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

PREFIX = "/mlsys"
ROUTE = "mlsys"  # Airflow shows the page at /plugin/mlsys, and what it links to below that


@dataclass(frozen=True)
class Places:
    """Where things are for the reader's browser.

    Attributes:
        airflow: path of Airflow's own pages and REST API, empty or `/prefix`; `page` that of the Models page.
        mlflow: address of MLflow's pages, or None when a browser can't reach them.
    """

    airflow: str
    page: str
    mlflow: str | None = None

    def pipeline(self, name: str) -> str:
        """Return the page of a pipeline."""
        return f"{self.page}/pipelines/{quote(name, safe='')}"

    def dag(self, name: str) -> str:
        """Return Airflow's page of a pipeline's DAG."""
        return f"{self.airflow}/dags/retrain_{quote(name, safe='')}"

    def run(self, request_id: str) -> str | None:
        """Return Airflow's page of the run that a request came from, or None for one from elsewhere."""
        dag, _, run = request_id.partition("/")
        return f"{self.airflow}/dags/{quote(dag, safe='')}/runs/{quote(run, safe='')}" if run else None

    def report(self, pipeline: str, name: str) -> str:
        """Return the page of a run's report card."""
        return f"{self.page}/reports/{quote(pipeline, safe='')}/{quote(name, safe='')}.html"

    def data_docs(self, pipeline: str) -> str:
        """Return the page of a pipeline's Data Docs."""
        return f"{self.page}/data_docs/{quote(pipeline, safe='')}/index.html"

    def model(self, pipeline: str, version: str | None = None) -> str | None:
        """Return MLflow's page of a pipeline's model, or of one version of it."""
        if self.mlflow is None:
            return None
        page = f"{self.mlflow.rstrip('/')}/#/models/{quote(pipeline, safe='')}"
        return page if version is None else f"{page}/versions/{quote(version, safe='')}"


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
