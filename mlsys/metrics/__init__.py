"""The table of metrics."""

from mlsys.metrics.base import Metric
from mlsys.components import Table

METRICS = Table("metric", "mlsys.metrics", Metric, [])
