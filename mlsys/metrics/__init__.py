"""The table of metrics."""

from mlsys.components import Table
from mlsys.metrics.base import Metric
from mlsys.metrics.binary_counts import (
    F1,
    Accuracy,
    BalancedAccuracy,
    FalseNegativeRate,
    FalsePositiveRate,
    Mcc,
    Precision,
    Recall,
)
from mlsys.metrics.binary_scores import LogLoss, PrAuc, RocAuc

METRICS = Table(
    "metric",
    "mlsys.metrics",
    Metric,
    [
        RocAuc,
        PrAuc,
        LogLoss,
        Accuracy,
        BalancedAccuracy,
        Precision,
        Recall,
        F1,
        Mcc,
        FalseNegativeRate,
        FalsePositiveRate,
    ],
    hints={"auc": "roc_auc", "auroc": "roc_auc", "average_precision": "pr_auc", "sensitivity": "recall"},
)
