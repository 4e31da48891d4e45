"""One DAG per spec in include/pipelines: `retrain_<pipeline>`."""

from mlsys.orchestration.builders import spec_files
from mlsys.orchestration.retraining_dag import retrain_dag

# Airflow looks for the words "airflow" and "dag" before it reads a file.
for path in spec_files():
    dag = retrain_dag(path)
    globals()[dag.dag_id] = dag
