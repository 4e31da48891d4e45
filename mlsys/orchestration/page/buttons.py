"""Buttons on the tasks of a retraining: its report card, its model in MLflow, the Data Docs of its rows.

The api-server asks for them, with a task instance's key; what they lead to stands in the XComs of the run. A run that
has not come so far, and a task of any other DAG, has no button.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from airflow.configuration import conf
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.providers.standard.decorators.short_circuit import _ShortCircuitDecoratedOperator
from airflow.sdk import BaseOperatorLink

from mlsys.orchestration.page.addresses import PREFIX, ROUTE, Places

_DAGS = "retrain_"


class _RunLink(BaseOperatorLink):  # type: ignore[misc]
    """A button that leads from a task of a retraining to something its run has made."""

    operators: ClassVar[list[Any]] = [_PythonDecoratedOperator, _ShortCircuitDecoratedOperator]
    made_by: ClassVar[str]

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the address, or nothing when there is none."""
        if not ti_key.dag_id.startswith(_DAGS):
            return ""
        made = _handed_on(ti_key.dag_id, ti_key.run_id, self.made_by)
        return self.address(ti_key.dag_id.removeprefix(_DAGS), made) or "" if made else ""

    @abstractmethod
    def address(self, pipeline: str, made: dict[str, Any]) -> str | None:
        """Return the address of what the task `made_by` handed on."""


class ReportCardLink(_RunLink):
    """The report card, inside Airflow's frame."""

    name = "Report card"
    made_by = "report"

    def address(self, pipeline: str, made: dict[str, Any]) -> str | None:
        """Return the address of the card that the run wrote."""
        return _framed(f"reports/{quote(pipeline)}/{quote(made['run_id'])}.html")


class MlflowLink(_RunLink):
    """The version of the model in MLflow."""

    name = "MLflow"
    made_by = "promote"

    def address(self, pipeline: str, made: dict[str, Any]) -> str | None:
        """Return the address of the version that the run registered."""
        from mlsys.orchestration.stack.environment import mlflow_page
        from mlsys.settings import load_settings

        version = made.get("mlflow_version")
        return Places("", "", mlflow_page(load_settings())).model(pipeline, version) if version else None


class DataDocsLink(_RunLink):
    """Great Expectations' page about the run's rows, inside Airflow's frame."""

    name = "Data Docs"
    made_by = "validate"

    def address(self, pipeline: str, made: dict[str, Any]) -> str | None:  # noqa: ARG002 - the path holds it
        """Return the address of the page that the run wrote."""
        return _framed(quote(made["data_docs"])) if made.get("data_docs") else None


def _framed(path: str) -> str:
    """Return where Airflow shows a page of ours with its own navigation beside it."""
    base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
    return f"{base}/plugin/{ROUTE}{base}{PREFIX}/{path}"


def _handed_on(dag_id: str, run_id: str, task_id: str) -> dict[str, Any] | None:
    """Return what a task of a run handed on; read from the database, because the SDK's own way works in tasks alone."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        query = XComModel.get_many(dag_ids=dag_id, task_ids=task_id, run_id=run_id, key="return_value", limit=1)
        row = session.scalar(query)
        value = XComModel.deserialize_value(row) if row else None
    return value if isinstance(value, dict) else None
