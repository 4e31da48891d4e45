"""The table of monitors."""

from mlsys.components import Table
from mlsys.monitors.attribution_drift import AttributionDrift
from mlsys.monitors.base import Monitor
from mlsys.monitors.estimated_metric import EstimatedMetric
from mlsys.monitors.feature_drift import FeatureDrift
from mlsys.monitors.harmful_shift import HarmfulShift
from mlsys.monitors.ks_drift import KsDrift
from mlsys.monitors.live_metric import LiveMetric
from mlsys.monitors.score_drift import ScoreDrift
from mlsys.monitors.target_drift import TargetDrift

MONITORS = Table(
    "monitor",
    "mlsys.monitors",
    Monitor,
    [FeatureDrift, ScoreDrift, TargetDrift, AttributionDrift, LiveMetric, EstimatedMetric, HarmfulShift],
    hints={
        "drift": "feature_drift",
        "psi": "feature_drift",
        "data_drift": "feature_drift",
        "ks": "feature_drift",
        "ks_drift": "feature_drift",
        "kolmogorov_smirnov": "feature_drift",
        "shap_drift": "attribution_drift",
        "importance_drift": "attribution_drift",
        "prediction_drift": "score_drift",
        "label_drift": "target_drift",
        "prior_shift": "target_drift",
        "performance": "live_metric",
        "metric": "live_metric",
        "estimate": "estimated_metric",
        "estimated_performance": "estimated_metric",
        "pape": "estimated_metric",
        "cbpe": "estimated_metric",
        "risk": "harmful_shift",
        "risk_monitoring": "harmful_shift",
        "error_rate": "live_metric",
    },
    former=[KsDrift],
)
