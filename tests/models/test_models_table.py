import pytest
from pydantic import ValidationError

from mlsys.models import MODELS


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("rf", "random_forest"),
        ("lr", "logistic"),
        ("xgb", "xgboost"),
        ("hgb", "hist_gradient_boosting"),
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
    ],
)
def test_unknown_and_impossible_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MODELS.parse(wrong)


def test_whole_numbers_are_accepted_for_fractions() -> None:
    assert MODELS.parse({"kind": "logistic", "C": 2}).C == 2.0  # type: ignore[attr-defined]
