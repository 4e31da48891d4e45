import numpy as np
import pytest
from pydantic import ValidationError

from mlsys.features.tabular import TabularFeatures
from mlsys.models import MODELS
from mlsys.models.blend import MEMBERS, Blend
from mlsys.models.catboost_model import CatBoost
from mlsys.models.linear import Linear
from mlsys.models.logistic import Logistic
from mlsys.models.ridge import Ridge
from mlsys.models.xgboost_model import XGBoost
from mlsys.testing.features import COLUMNS, some_frame
from mlsys.testing.model_problems import class_without_rows, easy_problem, fit, numbers, task_of


@pytest.mark.slow
def test_probabilities_are_the_members_weighted_mean() -> None:
    members = (Logistic(), XGBoost(n_estimators=20))
    frame, _ = easy_problem()
    one, two = (fit(m, *easy_problem(), task_of(seed=7 + n)).pipeline for n, m in enumerate(members))
    found = fit(Blend(of=members, weights=(1.0, 3.0)), *easy_problem(), task_of(seed=7)).pipeline
    expected = (one.predict_proba(frame) + 3 * two.predict_proba(frame)) / 4
    assert found.predict_proba(frame) == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_numbers_are_averaged_and_members_keep_their_early_stopping() -> None:
    frame, y = numbers()
    task = task_of(estimator="regressor")
    fitted = fit(Blend(of=(Ridge(), XGBoost(n_estimators=300))), frame, y, task)
    (note,) = fitted.notes
    assert note.startswith("xgboost: Uses ")
    assert np.corrcoef(fitted.pipeline.predict(frame), y)[0, 1] > 0.8


def test_members_agree_on_the_classes_also_where_one_has_no_rows() -> None:
    frame, y = class_without_rows()
    found = fit(Blend(of=(Logistic(), XGBoost(n_estimators=5))), frame, y, task_of()).pipeline
    assert found.classes_.tolist() == [0, 1, 3]


def test_each_member_gets_the_features_that_it_takes() -> None:
    one, two = Blend(of=(Logistic(), CatBoost())).transformer(TabularFeatures(), COLUMNS)
    assert one.fit_transform(some_frame()).shape[1] > two.fit_transform(some_frame()).shape[1]


def test_what_a_member_can_t_be_the_blend_can_t_be() -> None:
    blend = Blend(of=(XGBoost(), Linear()))
    assert blend.obstacle("regressor") is None
    assert "`linear` is a regressor" in str(blend.obstacle("classifier"))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"of": ("logistic",)}, "A blend has 2 to 10 members, not 1"),
        ({"of": ("logistic", "logistic")}, "Two members are called 'logistic': give each a `name`"),
        ({"of": ("logistic", "prior")}, "No member of a blend named 'prior'"),
        ({"of": ("logistic", {"kind": "blend", "of": ("ridge", "linear")})}, "No member of a blend named 'blend'"),
        ({"of": ("logistic", {"kind": "xgboost", "depth": 3})}, "no such key here"),
        ({"of": ("logistic", "xgboost"), "weights": (1.0,)}, "for each of the 2 members"),
        ({"of": ("logistic", "xgboost"), "weights": (1.0, 0.0)}, "a number above 0"),
    ],
)
def test_blends_of_nothing_new_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        MODELS.parse({"kind": "blend", **wrong})


def test_every_model_but_sanity_lines_can_be_a_member() -> None:
    learners = {kind for kind in MODELS if not (kind.baseline or kind.of_champion or "policy" in kind.estimators)}
    assert set(MEMBERS) == learners - {Blend}


def test_its_members_survive_a_dump() -> None:
    blend = Blend(of=(Logistic(C=3.0), XGBoost(max_depth=2, name="small")))
    assert MODELS.parse({"kind": "blend", "of": blend.model_dump()["of"]}) == blend
