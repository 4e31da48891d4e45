"""The table of gates."""

from mlsys.components import Table
from mlsys.gates.base import Gate
from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.gates.data_quality import DataQuality
from mlsys.gates.freshness import Freshness
from mlsys.gates.honest_data import HonestData
from mlsys.gates.min_rows import MinRows
from mlsys.gates.minimum import Minimum
from mlsys.gates.overlap import Overlap

GATES = Table(
    "gate",
    "mlsys.gates",
    Gate,
    [Minimum, BetterThanChampion, MinRows, Overlap, DataQuality, Freshness, HonestData],
    hints={
        "threshold": "minimum",
        "maximum": "minimum",
        "floor": "minimum",
        "improvement": "better_than_champion",
        "champion": "better_than_champion",
        "superior": "better_than_champion",
        "rows": "min_rows",
        "sample_size": "min_rows",
        "support": "overlap",
        "checks": "data_quality",
        "staleness": "freshness",
        "max_age": "freshness",
        "leakage": "honest_data",
        "flaws": "honest_data",
    },
)
