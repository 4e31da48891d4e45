"""mlsys: retraining that can be trusted with a production model."""

__version__ = "0.1.0"
