import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from mlsys.features.base import FeatureColumns
from mlsys.features.tabular import TabularFeatures

NUMBER = FeatureColumns(("n",), ())
CATEGORY = FeatureColumns((), ("c",))


def numbers(*values: float | None) -> pd.DataFrame:
    return pd.DataFrame({"n": np.array(values, dtype=float)})


def categories(*values: str | float | None) -> pd.DataFrame:
    return pd.DataFrame({"c": pd.Series(values, dtype=object)})


def test_numbers_are_centred_on_the_median_and_divided_by_the_quartiles() -> None:
    X = TabularFeatures().build(NUMBER).fit_transform(numbers(0, 1, 2, 3, 1000))
    assert X[:, 0].tolist() == [-1, -0.5, 0, 0.5, 499]


def test_a_missing_number_becomes_the_median_and_gets_a_mark() -> None:
    X = TabularFeatures().build(NUMBER).fit_transform(numbers(0, 1, None, 2))
    assert X[2].tolist() == [0, 1]
    assert X[0, 1] == 0


def test_a_column_without_holes_in_training_gets_no_mark() -> None:
    fitted = TabularFeatures().build(NUMBER).fit(numbers(0, 1, 2))
    assert fitted.transform(numbers(None)).shape == (1, 1)


def test_clip_limits_outliers() -> None:
    X = TabularFeatures(clip=5.0).build(NUMBER).fit_transform(numbers(0, 1, 2, 3, 1000))
    assert X.max() == 5


def test_a_missing_category_is_one_of_its_own() -> None:
    fitted = TabularFeatures().build(CATEGORY).fit(categories("a", "b", None, "a"))
    assert fitted.transform(categories(None))[0].tolist() == [0, 0, 1]


def test_a_missing_category_may_be_the_most_frequent() -> None:
    fitted = TabularFeatures(missing_category="most_frequent").build(CATEGORY).fit(categories("a", "b", None, "a"))
    assert fitted.transform(categories(None))[0].tolist() == [1, 0]


def test_the_most_frequent_takes_the_place_of_nan_too() -> None:
    fitted = TabularFeatures(missing_category="most_frequent").build(CATEGORY).fit(categories("a", "b", np.nan, "a"))
    assert fitted.transform(pd.DataFrame({"c": [np.nan, np.nan]})).tolist() == [[1, 0]] * 2


def test_rare_categories_share_a_column_with_unseen_ones() -> None:
    fitted = TabularFeatures(rare_share=0.2).build(CATEGORY).fit(categories(*"aaaaabbbbbcd"))
    assert fitted.transform(categories("c", "d", "unseen")).tolist() == [[0, 0, 1]] * 3


def test_an_unseen_category_without_rare_ones_is_none_of_the_known() -> None:
    fitted = TabularFeatures().build(CATEGORY).fit(categories("a", "b"))
    assert fitted.transform(categories("unseen")).tolist() == [[0, 0]]


def test_a_column_never_becomes_more_than_max_categories() -> None:
    many = categories(*[f"{i % 60}" for i in range(600)])
    assert TabularFeatures(max_categories=10).build(CATEGORY).fit_transform(many).shape[1] == 10


def test_an_identifier_is_grouped_away() -> None:
    ids = categories(*[f"id {i}" for i in range(1000)])
    assert TabularFeatures().build(CATEGORY).fit_transform(ids).tolist() == [[1.0]] * 1000


@pytest.mark.slow
def test_a_hundred_thousand_values_are_grouped_away_but_for_the_frequent_ones() -> None:
    column = categories(*[f"c{i}" for i in range(100_000)], *["often"] * 50_000)
    fitted = TabularFeatures().build(CATEGORY).fit(column)
    assert fitted.transform(categories("often", "c7", "unseen")).tolist() == [[1, 0], [0, 1], [0, 1]]


def test_a_column_all_missing_in_training_stays_as_a_column() -> None:
    fitted = TabularFeatures().build(NUMBER).fit(numbers(None, None))
    assert fitted.transform(numbers(None, 7)).shape == (2, 2)


def test_output_columns_have_names() -> None:
    both = FeatureColumns(("n",), ("c",))
    frame = numbers(1, 2, None).assign(c=pd.Series(["a", "b", "b"], dtype=object))
    names = TabularFeatures(clip=2.0).build(both).fit(frame).get_feature_names_out().tolist()
    assert names == ["numbers__n", "missing__missingindicator_n", "categories__c_0.0", "categories__c_1.0"]


@pytest.mark.parametrize("wrong", [{"max_categories": 1}, {"rare_share": 0.5}, {"clip": 0.0}, {"rare_share": "0.1"}])
def test_values_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TabularFeatures(**wrong)  # type: ignore[arg-type]
