"""The table of models."""

from mlsys.components import Table
from mlsys.models.base import Model
from mlsys.models.hist_gradient_boosting import HistGradientBoosting
from mlsys.models.logistic import Logistic
from mlsys.models.prior import Prior
from mlsys.models.random_forest import RandomForest
from mlsys.models.xgboost_model import XGBoost

MODELS = Table(
    "model",
    "mlsys.models",
    Model,
    [Logistic, RandomForest, HistGradientBoosting, XGBoost, Prior],
    hints={
        "rf": "random_forest",
        "lr": "logistic",
        "logistic_regression": "logistic",
        "xgb": "xgboost",
        "hgb": "hist_gradient_boosting",
        "gradient_boosting": "hist_gradient_boosting",
        "dummy": "prior",
        "baseline": "prior",
    },
)
