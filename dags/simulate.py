"""The DAG `simulate` of the whole installation."""

from mlsys.orchestration.dags.installation import simulate_dag

# Airflow looks for the words "airflow" and "dag" before it reads a file.
dag = simulate_dag()
