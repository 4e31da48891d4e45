"""One DAG per spec in include/pipelines: `simulate_<pipeline>`."""

from mlsys.orchestration.dags.builders import spec_files
from mlsys.orchestration.dags.upkeep import simulate_dag

# Airflow looks for the words "airflow" and "dag" before it reads a file.
for path in spec_files():
    dag = simulate_dag(path)
    globals()[dag.dag_id] = dag
