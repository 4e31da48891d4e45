"""All DAGs at once, for an Airflow whose dags folder takes one file of mlsys; `dags/` here has a file for each kind."""

from __future__ import annotations

from collections.abc import Iterator

from airflow.sdk import DAG

from mlsys.orchestration.dags.builders import spec_files
from mlsys.orchestration.dags.drops import drops_dags
from mlsys.orchestration.dags.installation import hold_dag, housekeeping_dag, rollback_dag, simulate_dag
from mlsys.orchestration.dags.notices import notices_dags
from mlsys.orchestration.dags.retraining import retrain_dag
from mlsys.orchestration.dags.upkeep import monitor_dags, score_dags


def all_dags() -> Iterator[DAG]:
    """Yield the DAGs of every spec, and those that serve all pipelines."""
    yield from (retrain_dag(path) for path in spec_files())
    yield from score_dags()
    yield from monitor_dags()
    yield from drops_dags()
    yield from notices_dags()
    yield from (rollback_dag(), hold_dag(), simulate_dag(), housekeeping_dag())
