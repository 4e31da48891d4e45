"""The table of feature recipes."""

from mlsys.components import Table
from mlsys.features.base import Features
from mlsys.features.tabular import TabularFeatures

FEATURES: Table[Features] = Table(
    "feature recipe", "mlsys.features", Features, [TabularFeatures], hints={"default": "tabular"}
)
