"""Per spec in include/pipelines: `announced_<pipeline>`, and `drops_<pipeline>` where the spec wants to be scanned."""

from mlsys.orchestration.dags.builders import spec_files
from mlsys.orchestration.dags.drops import drops_dags

# Airflow looks for the words "airflow" and "dag" before it reads a file.
for path in spec_files():
    for dag in drops_dags(path):
        globals()[dag.dag_id] = dag
