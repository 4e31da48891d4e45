"""Airflow: DAGs and their tasks, the executor, the embedded stack, and the Models page inside its UI."""
