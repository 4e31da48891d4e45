"""The table of splits."""

from mlsys.splits.base import Splitter
from mlsys.components import Table

SPLITS = Table("split", "mlsys.splits", Splitter, [])
