"""The Models page inside Airflow's UI."""
