"""`features.text` in a spec: what it names must be there, be text, be a feature, and be of use to every candidate."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsys.errors import SpecError
from mlsys.spec import resolve

PHISHING = Path(__file__).parents[2] / "include" / "pipelines" / "phishing.yaml"


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["features.text={url: {}}"], "no column 'url' in `schema`. Did you mean 'urls'?"),
        (["features.text={url_length: {}}"], "features.text.url_length: the column is declared as integer"),
        (["drop=[takedown_ticket, urls]"], "features.text.urls: it is no feature, but a key, the target"),
        (["features.text.urls.reduce=null"], "models.3: `hist_gradient_boosting` takes no sparse matrix"),
        (["features.text.urls.ngram=[3]"], "features.text.urls.ngram"),
        (["features.text.urls.nfeatures=3"], "features.text.urls.nfeatures: no such key here"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(overrides: list[str], says: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolve(PHISHING, overrides)
    assert says in str(caught.value)


def test_a_candidate_that_needs_a_dense_matrix_may_be_left_out_instead() -> None:
    spec = resolve(PHISHING, ["features.text.urls.reduce=null", "models=[logistic, xgboost, random_forest]"]).spec
    assert spec.features.texts == ("urls",)
    assert spec.features.sparse_only
