"""The table of gates."""

from mlsys.components import Table
from mlsys.gates.base import Gate
from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.gates.calibration import WellCalibrated
from mlsys.gates.churn import Churn
from mlsys.gates.data_quality import DataQuality
from mlsys.gates.drift import Drift
from mlsys.gates.fairness import Fairness
from mlsys.gates.freshness import Freshness
from mlsys.gates.honest_data import HonestData
from mlsys.gates.latency import Latency
from mlsys.gates.live_better import LiveBetter
from mlsys.gates.min_rows import MinRows
from mlsys.gates.minimum import Minimum
from mlsys.gates.overlap import Overlap
from mlsys.gates.servability import Servability
from mlsys.gates.size import Size
from mlsys.gates.slices import Slices

GATES = Table(
    "gate",
    "mlsys.gates",
    Gate,
    [
        Minimum, BetterThanChampion, LiveBetter, Slices, Fairness, WellCalibrated, Churn,
        MinRows, Overlap, DataQuality, HonestData, Freshness, Drift, Servability, Latency, Size,
    ],
    hints={
        "threshold": "minimum", "maximum": "minimum", "floor": "minimum", "improvement": "better_than_champion",
        "champion": "better_than_champion", "superior": "better_than_champion", "rows": "min_rows",
        "sample_size": "min_rows", "support": "overlap", "checks": "data_quality", "staleness": "freshness",
        "max_age": "freshness", "segments": "slices", "subgroups": "slices", "parity": "fairness",
        "ece": "calibration", "brier": "calibration", "flips": "churn", "psi": "drift", "speed": "latency",
        "leakage": "honest_data", "flaws": "honest_data", "shadow": "live_better",
    },
)  # fmt: skip
