import numpy as np
import pytest

from mlsys.models.elastic_net import ElasticNet
from mlsys.testing.model_problems import fit, numbers, task_of


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-6, 100.0, 1e9])
def test_the_target_s_unit_changes_nothing(unit: float) -> None:
    frame, y = numbers()
    task = task_of(estimator="regressor")
    one, two = (fit(ElasticNet(alpha=0.05), frame, each, task).pipeline for each in (y, y * unit))
    assert two.predict(frame) == pytest.approx(one.predict(frame) * unit, rel=1e-6)
    assert two[-1].coef_ == pytest.approx(one[-1].coef_ * unit, rel=1e-6)


def test_the_lasso_leaves_columns_out() -> None:
    frame, y = numbers()
    model = fit(ElasticNet(alpha=0.1, l1_ratio=1.0), frame, y, task_of(estimator="regressor")).pipeline[-1]
    assert 0 < np.count_nonzero(model.coef_) < len(model.coef_) / 2
