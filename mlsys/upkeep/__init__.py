"""Housekeeping: what nothing reaches any more, and what `mlsys doctor` looks at."""
