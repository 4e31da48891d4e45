"""`announced`, and `drops` where a spec in include/pipelines wants to be scanned."""

from mlsys.orchestration.dags.drops import drops_dags

# Airflow looks for the words "airflow" and "dag" before it reads a file.
for dag in drops_dags():
    globals()[dag.dag_id] = dag
