"""The DAG `rollback` of the whole installation."""

from mlsys.orchestration.dags.installation import rollback_dag

# Airflow looks for the words "airflow" and "dag" before it reads a file.
dag = rollback_dag()
