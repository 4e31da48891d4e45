"""The DAG `housekeeping` of the whole installation."""

from mlsys.orchestration.dags.installation import housekeeping_dag

# Airflow looks for the words "airflow" and "dag" before it reads a file.
dag = housekeeping_dag()
