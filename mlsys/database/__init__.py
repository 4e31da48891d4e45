"""Databases of ours: what a URL means, and the embedded Postgres."""
