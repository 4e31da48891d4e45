"""The embedded stack: its processes, environment, credentials and start."""
