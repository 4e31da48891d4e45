"""`score_<pipeline>` for each spec in include/pipelines that doesn't do without scores."""

from mlsys.orchestration.dags.upkeep import score_dags

# Airflow looks for the words "airflow" and "dag" before it reads a file.
for dag in score_dags():
    globals()[dag.dag_id] = dag
