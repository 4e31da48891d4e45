"""All DAGs of mlsys in one file, for an Airflow that is there already: docs/existing-airflow.md."""

from mlsys.orchestration.dags.everything import all_dags

# Airflow looks for the words "airflow" and "dag" before it reads a file.
for dag in all_dags():
    globals()[dag.dag_id] = dag
