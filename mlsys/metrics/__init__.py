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
from mlsys.metrics.policy_values import POLICY_METRICS
from mlsys.metrics.regression_errors import R2, Bias, Mae, Mape, MedianAe, Mse, Rmse, Smape

METRICS = Table(
    "metric",
    "mlsys.metrics",
    Metric,
    [
        RocAuc, PrAuc, LogLoss,
        Accuracy, BalancedAccuracy, Precision, Recall, F1, Mcc, FalseNegativeRate, FalsePositiveRate,
        Rmse, Mse, Mae, MedianAe, Mape, Smape, R2, Bias,
        *POLICY_METRICS,
    ],
    hints={
        "auc": "roc_auc", "auroc": "roc_auc", "average_precision": "pr_auc", "sensitivity": "recall",
        "mean_squared_error": "mse", "mean_absolute_error": "mae", "r_squared": "r2",
    },
)  # fmt: skip
