import subprocess
import sys
from pathlib import Path

import pytest

from mlsys.models import MODELS
from mlsys.models.blend import Blend
from mlsys.models.catboost_model import CatBoost
from mlsys.models.elastic_net import ElasticNet
from mlsys.models.extra_trees import ExtraTrees
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
from mlsys.testing.models import ModelContract

IN_ANOTHER_PROCESS = "test_another_process_loads_it_fits_the_same_bytes_and_forks_well_after_threads"


def long(case: type[ModelContract]) -> type[ModelContract]:
    """Leave its fits in another process, of a second each, to `make test-long`: others of its library have them."""
    inherited = getattr(ModelContract, IN_ANOTHER_PROCESS)

    @pytest.mark.long
    def test(self: ModelContract, tmp_path: Path) -> None:
        inherited(self, tmp_path)

    setattr(case, IN_ANOTHER_PROCESS, test)
    return case


class TestLogistic(ModelContract):
    model = Logistic()


@pytest.mark.slow
@long
class TestLinear(ModelContract):
    model = Linear()


@long
class TestRidge(ModelContract):
    model = Ridge()


@pytest.mark.slow
@long
class TestElasticNet(ModelContract):
    model = ElasticNet()


@pytest.mark.slow
@long
class TestRandomForest(ModelContract):
    model = RandomForest(n_estimators=30)


@pytest.mark.slow
@long
class TestExtraTrees(ModelContract):
    model = ExtraTrees(n_estimators=30)


@long
class TestHistGradientBoosting(ModelContract):
    model = HistGradientBoosting(max_iter=30)


@pytest.mark.slow
class TestXGBoost(ModelContract):
    model = XGBoost(n_estimators=30)


@long
class TestLightGBM(ModelContract):
    model = LightGBM(n_estimators=30)


@pytest.mark.slow
class TestCatBoost(ModelContract):
    model = CatBoost(n_estimators=30)


@pytest.mark.slow
@long
class TestBlendOfClassifiers(ModelContract):
    model = Blend(of=(Logistic(), XGBoost(n_estimators=20), CatBoost(n_estimators=10)), weights=(1.0, 2.0, 1.0))


@pytest.mark.slow
@long
class TestBlendOfRegressors(ModelContract):
    model = Blend(of=(Ridge(), LightGBM(n_estimators=20)))


@pytest.mark.slow
@long
class TestRecalibrate(ModelContract):
    model = Recalibrate()


@long
class TestPrior(ModelContract):
    model = Prior()


@long
class TestMean(ModelContract):
    model = Mean()


@long
class TestQLearning(ModelContract):
    model = QLearning(episodes=2000, bins=3, codes=(), rates=("brand",), without=("owner",))


@long
class TestRandomAction(ModelContract):
    model = RandomAction()


@long
class TestMostFrequent(ModelContract):
    model = MostFrequent()


def test_every_model_of_the_table_is_tested() -> None:
    assert set(MODELS) <= {type(case.model) for case in ModelContract.__subclasses__()}


@pytest.mark.slow
def test_reading_specs_imports_no_numeric_library() -> None:
    heavy = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "xgboost", "lightgbm", "catboost"}
    heavy |= {"mlflow", "great_expectations", "sqlalchemy"}
    code = f"import sys, mlsys.models, mlsys.spec; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
