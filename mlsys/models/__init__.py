"""The table of models."""

from mlsys.components import Table
from mlsys.models.base import Model
from mlsys.models.blend import Blend
from mlsys.models.catboost_model import CatBoost
from mlsys.models.elastic_net import ElasticNet
from mlsys.models.extra_trees import ExtraTrees
from mlsys.models.hints import HINTS
from mlsys.models.hist_gradient_boosting import HistGradientBoosting
from mlsys.models.lightgbm_model import LightGBM
from mlsys.models.linear import Linear
from mlsys.models.logistic import Logistic
from mlsys.models.mean import Mean
from mlsys.models.most_frequent import MostFrequent
from mlsys.models.prior import Prior
from mlsys.models.q_learning import QLearning
from mlsys.models.random_action import RandomAction
from mlsys.models.random_forest import RandomForest
from mlsys.models.recalibrate import Recalibrate
from mlsys.models.ridge import Ridge
from mlsys.models.xgboost_model import XGBoost

_LINES: list[type[Model]] = [Logistic, Linear, Ridge, ElasticNet]
_TREES: list[type[Model]] = [RandomForest, ExtraTrees, HistGradientBoosting, XGBoost, LightGBM, CatBoost]
_POLICIES: list[type[Model]] = [QLearning, RandomAction, MostFrequent]
_MADE_OF_OTHERS: list[type[Model]] = [Blend, Recalibrate]
_ALL: list[type[Model]] = [*_LINES, *_TREES, *_MADE_OF_OTHERS, *_POLICIES, Prior, Mean]
MODELS = Table("model", "mlsys.models", Model, _ALL, hints=HINTS)
