from __future__ import annotations

import numpy as np
import pyarrow as pa

from mlsys.metrics.logged import Logged, pack
from mlsys.models import MODELS
from mlsys.targets import TARGETS
from mlsys.targets.binary import BinaryTarget
from mlsys.targets.multiclass import MulticlassTarget
from mlsys.targets.policy import PolicyTarget
from mlsys.targets.regression import RegressionTarget
from mlsys.testing.features import some_frame
from mlsys.testing.targets import N_ROWS, TargetContract

AGE = some_frame(N_ROWS, seed=2)["age"].fillna(50).to_numpy()
NUMBERS = pa.chunked_array([pa.array([10.0, None, float("inf"), 3.5, 0.0])])


def _logged() -> Logged:
    """Two actions, of which age says the right one."""
    random = np.random.default_rng(3)
    right, action = (AGE > 60).astype(int), random.integers(0, 2, N_ROWS)
    success = (random.random(N_ROWS) < np.where(action == right, 0.9, 0.05)).astype(int)
    ones = np.ones(N_ROWS, dtype=np.int64)
    return Logged(np.arange(N_ROWS), right, ones, 2 * ones, action, success)


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


class TestPolicy(TargetContract):
    target = PolicyTarget(
        column="bought", positive="yes", action="did", actions=("call", "wait"), customer="who", step="nth",
        logged_by=("where",),
    )  # fmt: skip
    column = pa.chunked_array([
        pa.array(
            [
                {"bought": bought, "did": did, "who": who, "nth": 1, "where": "here"}
                for bought, did, who in (
                    ("yes", "call", "a"), ("no", "wait", "b"), (None, "call", "c"), ("no", "sing", "d"),
                    ("no", "call", None), (None, None, None), ("no", "wait", "e"),
                )
            ]
        )
    ])  # fmt: skip
    model = MODELS.parse({"kind": "q_learning", "episodes": 2000, "bins": 3})
    y = pack(_logged())


def test_every_task_of_the_table_is_tested():
    cases = (TestBinary, TestMulticlass, TestRegression, TestPolicy)
    tested = {case.target.task for case in cases}
    assert tested == set(TARGETS.names())
    assert TARGETS.default in tested
    assert np.unique(TestBinary.y).size == 2
