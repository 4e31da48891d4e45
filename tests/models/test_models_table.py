import pytest
from pydantic import ValidationError

from mlsys.models import MODELS
from mlsys.models.base import Model
from mlsys.models.hints import HINTS


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("rf", "random_forest"),
        ("lr", "logistic"),
        ("xgb", "xgboost"),
        ("hgb", "hist_gradient_boosting"),
        ("lgbm", "lightgbm"),
        ("gbm", "lightgbm"),
        ("cat", "catboost"),
        ("et", "extra_trees"),
        ("ols", "linear"),
        ("lasso", "elastic_net"),
        ("average", "mean"),
        ("dummy", "prior"),
    ],
)
def test_short_names_are_hinted_and_never_accepted(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        MODELS.find(name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "logistic", "C": 0},
        {"kind": "logistic", "c": 1.0},
        {"kind": "random_forest", "n_estimators": 0},
        {"kind": "random_forest", "max_samples": 1.5},
        {"kind": "hist_gradient_boosting", "learning_rate": -0.1},
        {"kind": "xgboost", "subsample": 0.0},
        {"kind": "xgboost", "learning_rate": "1e-3"},
        {"kind": "xgboost", "max_depth": 6.5},
        {"kind": "lightgbm", "num_leaves": 1},
        {"kind": "catboost", "depth": 17},
        {"kind": "extra_trees", "max_features": 1.5},
        {"kind": "elastic_net", "l1_ratio": 2},
        {"kind": "ridge", "alpha": -1},
    ],
)
def test_unknown_and_impossible_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MODELS.parse(wrong)


def test_every_hint_names_a_model() -> None:
    assert set(HINTS.values()) <= set(MODELS.names())
    assert not set(HINTS) & set(MODELS.names())


@pytest.mark.parametrize(
    "kind",
    [kind for kind in MODELS if len(kind.estimators) == 1 and "policy" not in kind.estimators and not kind.of_champion],
)
def test_what_can_be_one_thing_alone_names_its_counterpart(kind: type[Model]) -> None:
    counterpart = MODELS.find(kind.counterpart)
    (other,) = {"classifier", "regressor"} - set(kind.estimators)
    assert other in counterpart.estimators
    assert counterpart.baseline is kind.baseline
    says = kind.model_validate({}).obstacle(other)  # type: ignore[arg-type]
    name, (own,) = kind.model_fields["kind"].default, kind.estimators
    assert says == f"`{name}` is a {own}, and this target needs a {other}: try `{kind.counterpart}`"


def test_weights_of_classes_are_an_obstacle_for_numbers_alone() -> None:
    for kind in MODELS:
        if "class_weight" in kind.model_fields:
            model = kind.model_validate({"class_weight": "balanced"})
            assert model.obstacle("classifier") is None
            assert model.obstacle("regressor")
            assert "regressor" not in kind.estimators or kind.model_validate({}).obstacle("regressor") is None


def test_whole_numbers_are_accepted_for_fractions() -> None:
    assert MODELS.parse({"kind": "logistic", "C": 2}).C == 2.0  # type: ignore[attr-defined]
