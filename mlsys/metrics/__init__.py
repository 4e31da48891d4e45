"""The table of metrics."""

from mlsys.components import Table
from mlsys.metrics.base import Metric
from mlsys.metrics.binary_costs import Cost
from mlsys.metrics.binary_counts import F1, FalseNegativeRate, FalsePositiveRate, Precision, Recall
from mlsys.metrics.binary_scores import PrAuc, RocAuc
from mlsys.metrics.class_averages import F1Macro, F1Weighted, PrecisionMacro, RecallMacro, RocAucOvr, RocAucOvrWeighted
from mlsys.metrics.class_decisions import Accuracy, BalancedAccuracy, LogLoss, Mcc
from mlsys.metrics.policy_values import POLICY_METRICS
from mlsys.metrics.regression_errors import R2, Bias, Mae, Mape, MedianAe, Mse, Rmse, Smape
from mlsys.metrics.top_of_list import LiftAtK, PrecisionAtK, RecallAtK

METRICS = Table(
    "metric",
    "mlsys.metrics",
    Metric,
    [
        RocAuc, PrAuc, LogLoss, RocAucOvr, RocAucOvrWeighted,
        Accuracy, BalancedAccuracy, Precision, Recall, F1, Mcc, FalseNegativeRate, FalsePositiveRate,
        F1Macro, F1Weighted, PrecisionMacro, RecallMacro,
        PrecisionAtK, RecallAtK, LiftAtK, Cost,
        Rmse, Mse, Mae, MedianAe, Mape, Smape, R2, Bias,
        *POLICY_METRICS,
    ],
    hints={
        "auc": "roc_auc", "auroc": "roc_auc", "average_precision": "pr_auc", "sensitivity": "recall",
        "mean_squared_error": "mse", "mean_absolute_error": "mae", "r_squared": "r2",
        "lift": "lift_at_k", "p_at_k": "precision_at_k",
    },
)  # fmt: skip
