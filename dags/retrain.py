"""One DAG per spec in include/pipelines: `retrain_<pipeline>`."""

from mlsys.orchestration.dags.builders import spec_files
from mlsys.orchestration.dags.retraining import retrain_dag

# Airflow looks for the words "airflow" and "dag" before it reads a file.
for path in spec_files():
    dag = retrain_dag(path)
    globals()[dag.dag_id] = dag
