"""The DAG `rollback` of the whole installation."""

from mlsys.orchestration.installation_dags import rollback_dag

# Airflow looks for the words "airflow" and "dag" before it reads a file.
dag = rollback_dag()
