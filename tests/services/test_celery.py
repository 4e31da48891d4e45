"""A retraining over two Celery workers, one of which is killed, and a Postgres that restarts: one right decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from given import lost_worker
from given.disturbance import INDEX, disturb

if TYPE_CHECKING:
    from mlsys.orchestration.api.client import AirflowApi

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1200)]


def test_a_killed_worker_and_a_restarted_database_change_no_decision(services, api: AirflowApi) -> None:
    tasks = disturb(
        api,
        kill=services.kill_worker_of,
        restart_database=services.restart_postgres,
        supervise=services.supervise,
    )
    (training,) = [t for t in tasks if t["task_id"] == "train" and t["map_index"] == INDEX]
    assert training["try_number"] >= 2  # on a busy machine the restart may last longer than the test's heartbeat limit
    assert services.found("found") == services.found("expected")
    assert api.health()["scheduler"] == "healthy"
    # Tasks reach Airflow's own REST API as the service user, though no worker holds a password of it.
    assert "Promoted 1.0.0" in api.run(lost_worker.DAG, training["dag_run_id"])["note"]
    # The log of the lost try is read from the shared folder, though its worker is gone.
    lost = api.task_log(lost_worker.DAG, training["dag_run_id"], "train", try_number=1, map_index=INDEX)
    assert any("DAG bundles loaded" in line for line in lost)
