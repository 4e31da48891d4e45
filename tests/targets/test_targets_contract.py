from __future__ import annotations

import numpy as np
import pyarrow as pa

from mlsys.models import MODELS
from mlsys.targets import TARGETS
from mlsys.targets.binary import BinaryTarget
from mlsys.targets.multiclass import MulticlassTarget
from mlsys.targets.regression import RegressionTarget
from mlsys.testing.features import some_frame
from mlsys.testing.targets import N_ROWS, TargetContract

AGE = some_frame(N_ROWS, seed=2)["age"].fillna(50).to_numpy()
NUMBERS = pa.chunked_array([pa.array([10.0, None, float("inf"), 3.5, 0.0])])


class TestBinary(TargetContract):
    target = BinaryTarget(column="label", positive="yes")
    column = pa.chunked_array([["yes", "no", None, "yes"]])
    model = MODELS.parse("logistic")
    y = (AGE > 60).astype("int8")


class TestMulticlass(TargetContract):
    target = MulticlassTarget(column="label")
    column = pa.chunked_array([["b", "c", None, "a", "b"]])
    model = MODELS.parse("logistic")
    y = np.digitize(AGE, [35, 65]).astype("int16")


class TestRegression(TargetContract):
    target = RegressionTarget(column="price")
    column = NUMBERS
    model = MODELS.parse("ridge")
    y = AGE * 3.0


class TestLogarithm(TestRegression):
    target = RegressionTarget(column="price", transform="log")


class TestYeoJohnson(TestRegression):
    target = RegressionTarget(column="price", transform="yeo_johnson")


def test_every_task_of_the_table_is_tested():
    tested = {TestBinary.target.task, TestMulticlass.target.task, TestRegression.target.task}
    assert tested == set(TARGETS.names())
    assert TARGETS.default in tested
    assert np.unique(TestBinary.y).size == 2
