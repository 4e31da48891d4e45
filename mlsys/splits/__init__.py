"""The table of splits."""

from mlsys.components import Table
from mlsys.splits.base import Splitter
from mlsys.splits.group_split import GroupSplit
from mlsys.splits.hash_split import HashSplit
from mlsys.splits.recent_hash_split import RecentHashSplit
from mlsys.splits.time_split import TimeSplit

SPLITS = Table(
    "split",
    "mlsys.splits",
    Splitter,
    [TimeSplit, HashSplit, GroupSplit, RecentHashSplit],
    hints={"random": "hash", "kfold": "hash", "shuffle": "hash", "temporal": "time", "date": "time"},
)
