"""One DAG per spec in include/pipelines: `retrain_<pipeline>`."""

from mlsys.orchestration.builders import retrain_dag, spec_files

# Airflow looks for the words "airflow" and "dag" before it reads a file.
for path in spec_files():
    dag = retrain_dag(path)
    globals()[dag.dag_id] = dag
