import subprocess
import sys

from mlsys.models import MODELS
from mlsys.models.hist_gradient_boosting import HistGradientBoosting
from mlsys.models.logistic import Logistic
from mlsys.models.prior import Prior
from mlsys.models.random_forest import RandomForest
from mlsys.models.xgboost_model import XGBoost
from mlsys.testing.models import ModelContract


class TestLogistic(ModelContract):
    model = Logistic()


class TestRandomForest(ModelContract):
    model = RandomForest(n_estimators=30)


class TestHistGradientBoosting(ModelContract):
    model = HistGradientBoosting(max_iter=30)


class TestXGBoost(ModelContract):
    model = XGBoost(n_estimators=30)


class TestPrior(ModelContract):
    model = Prior()


def test_every_model_of_the_table_is_tested() -> None:
    assert set(MODELS) <= {type(case.model) for case in ModelContract.__subclasses__()}


def test_reading_specs_imports_no_numeric_library() -> None:
    heavy = (
        "{'numpy', 'pandas', 'pyarrow', 'sklearn', 'xgboost', 'scipy', 'mlflow', 'great_expectations', 'sqlalchemy'}"
    )
    code = f"import sys, mlsys.spec; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
