"""The DAG `hold` of the whole installation."""

from mlsys.orchestration.dags.installation import hold_dag

# Airflow looks for the words "airflow" and "dag" before it reads a file.
dag = hold_dag()
