"""The table of monitors."""

from mlsys.components import Table
from mlsys.monitors.attribution_drift import AttributionDrift
from mlsys.monitors.base import Monitor
from mlsys.monitors.estimated_metric import EstimatedMetric
from mlsys.monitors.feature_drift import FeatureDrift
from mlsys.monitors.harmful_shift import HarmfulShift
from mlsys.monitors.hints import HINTS
from mlsys.monitors.ks_drift import KsDrift
from mlsys.monitors.live_metric import LiveMetric
from mlsys.monitors.score_drift import ScoreDrift
from mlsys.monitors.target_drift import TargetDrift

MONITORS = Table(
    "monitor",
    "mlsys.monitors",
    Monitor,
    [FeatureDrift, ScoreDrift, TargetDrift, AttributionDrift, LiveMetric, EstimatedMetric, HarmfulShift],
    hints=HINTS,
    former=[KsDrift],
)
