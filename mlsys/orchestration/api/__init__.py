"""Airflow's REST API as a client, and what others may ask of this one."""
