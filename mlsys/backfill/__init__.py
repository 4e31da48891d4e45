"""Walk-forward: what a schedule of retraining would have done over past days, and what to make of it."""
