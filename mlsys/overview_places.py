"""Where the things that the Models page links to are, for a browser."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


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
