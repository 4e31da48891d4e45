"""The table of learning tasks, by the names that `target.task` knows."""

from mlsys.components import Table
from mlsys.targets.base import Target
from mlsys.targets.binary import BinaryTarget
from mlsys.targets.multiclass import MulticlassTarget
from mlsys.targets.regression import RegressionTarget

TARGETS = Table(
    "learning task",
    "mlsys.targets",
    Target,
    [BinaryTarget, MulticlassTarget, RegressionTarget],
    hints={
        "classification": "binary", "classifier": "binary", "multinomial": "multiclass", "classes": "multiclass",
        "regressor": "regression", "number": "regression",
    },
    key="task",
    default="binary",
)  # fmt: skip
