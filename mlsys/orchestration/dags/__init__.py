"""Builders of the DAGs that `dags/` declares."""
