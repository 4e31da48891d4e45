import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer

from mlsys.models import MODELS
from mlsys.testing.model_problems import easy_problem, task_of

TEXTS = ColumnTransformer([("texts", TfidfVectorizer(analyzer="char"), "owner")], sparse_threshold=1.0)


def test_sparse_features_are_refused_with_what_takes_them() -> None:
    with pytest.raises(ValueError, match="takes no sparse features: try `lightgbm` or `xgboost`"):
        MODELS.parse("hist_gradient_boosting").fit(TEXTS, *easy_problem(), task_of())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["logistic", "random_forest", "extra_trees", "xgboost", "lightgbm", "catboost"])
def test_the_others_take_them(kind: str) -> None:
    frame, y = easy_problem()
    found = MODELS.parse(kind).fit(TEXTS, frame, y, task_of()).pipeline.predict_proba(frame)
    assert found.shape == (len(y), 2)
