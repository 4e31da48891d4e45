"""Candidates and champion on the same holdout rows: metrics, paired intervals, curves."""
