"""The table of features."""

from mlsys.features.base import Features
from mlsys.components import Table

FEATURES = Table("feature", "mlsys.features", Features, [])
