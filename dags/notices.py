"""`notices`, where a spec in include/pipelines sends notices anywhere."""

from mlsys.orchestration.dags.notices import notices_dags

# Airflow looks for the words "airflow" and "dag" before it reads a file.
for dag in notices_dags():
    globals()[dag.dag_id] = dag
