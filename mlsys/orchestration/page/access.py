"""Who may see and do what on the Models page: Airflow's own users and permissions, asked anew for every request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException

from mlsys.orchestration.page.rendering import May

RETRAIN, ROLLBACK, HOLD = "retrain_", "rollback", "hold"


class Reader:
    """Somebody who has logged in to Airflow."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._teams: dict[str, str | None] = {}

    def readable(self, pipelines: Iterable[str]) -> list[str]:
        """Return the pipelines whose DAG this user may read."""
        names = list(pipelines)
        dags = [dag for name in names if (dag := dag_of(name)) not in self._teams]
        self._teams |= dict.fromkeys(dags) | DagModel.get_dag_id_to_team_name_mapping(dags)  # one query for all
        return [name for name in names if self._is_allowed("GET", dag_of(name))]

    def require(self, pipeline: str) -> None:
        """Refuse who may not read the pipeline's DAG.

        Raises:
            HTTPException: 403.
        """
        if not self.readable([pipeline]):
            raise HTTPException(403, "Airflow does not allow you to see this pipeline")

    def may(self, pipeline: str) -> May:
        """Return what this user may do to a pipeline."""
        return May(
            retrain=self._is_allowed("POST", dag_of(pipeline), DagAccessEntity.RUN),
            answer=self._is_allowed("PUT", dag_of(pipeline), DagAccessEntity.HITL_DETAIL),
            roll_back=self._is_allowed("POST", ROLLBACK, DagAccessEntity.RUN),
            hold=self._is_allowed("POST", HOLD, DagAccessEntity.RUN),
        )

    def _is_allowed(
        self, method: Literal["GET", "POST", "PUT"], dag_id: str, entity: DagAccessEntity | None = None
    ) -> bool:
        if dag_id not in self._teams:
            self._teams[dag_id] = DagModel.get_team_name(dag_id)
        details = DagDetails(id=dag_id, team_name=self._teams[dag_id])
        allowed: bool = get_auth_manager().is_authorized_dag(
            method=method, access_entity=entity, details=details, user=self._user
        )
        return allowed


def dag_of(pipeline: str) -> str:
    """Return the id of the DAG that retrains a pipeline."""
    return f"{RETRAIN}{pipeline}"


def _reader(user: GetUserDep) -> Reader:
    return Reader(user)


ReaderDep = Annotated[Reader, Depends(_reader)]
