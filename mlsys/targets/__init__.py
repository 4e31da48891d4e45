"""The table of learning tasks, by the names that `target.task` knows."""

from mlsys.components import Table
from mlsys.targets.base import Target
from mlsys.targets.binary import BinaryTarget
from mlsys.targets.multiclass import MulticlassTarget
from mlsys.targets.policy import PolicyTarget
from mlsys.targets.regression import RegressionTarget

TARGETS = Table(
    "learning task",
    "mlsys.targets",
    Target,
    [BinaryTarget, MulticlassTarget, RegressionTarget, PolicyTarget],
    hints={
        "classification": "binary", "classifier": "binary", "multinomial": "multiclass", "classes": "multiclass",
        "regressor": "regression", "number": "regression", "bandit": "policy", "reinforcement": "policy",
    },
    key="task",
    default="binary",
)  # fmt: skip
