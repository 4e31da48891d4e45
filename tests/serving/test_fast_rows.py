"""JSON's values as a champion reads them: any rows at all, and the same answers or the same error as in its own way."""

from __future__ import annotations

from typing import Any

import pytest
from given.served_champions import COLUMNS, SPARSE, champion_of, sites
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.errors import DataError, MlsysError
from mlsys.models.xgboost_model import XGBoost
from mlsys.serving import Champion
from mlsys.serving.fast import converted
from mlsys.serving.fast_rows import RowReader, given_rows
from mlsys.serving.plain_path import frame_of, plain_answers

ROWS = given_rows(COLUMNS, sites(50, seed=1)[0])


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Champion:
    return champion_of(XGBoost(n_estimators=20), SPARSE, folder=tmp_path_factory.mktemp("release"))


_ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["3", " 7 ", "NA", "true"]),
)
_NUMBERS = st.one_of(st.none(), st.integers(-(2**70), 2**70), st.floats(), st.integers(-9, 9), _ANYTHING)
_TEXTS = st.one_of(st.none(), st.sampled_from(["com", " com", "rare", "é ", ""]), st.text(), _ANYTHING)
_ROW = st.fixed_dictionaries(
    {
        "n_dots": _NUMBERS,
        "size": _NUMBERS,
        "secure": st.one_of(st.booleans(), st.none(), _ANYTHING),
        "never": st.one_of(st.none(), st.floats()),
        "tld": _TEXTS,
        "brand": _TEXTS,
        "url": _TEXTS,
    }
)


def said(answers: Any, rows: list[dict[str, Any]]) -> Any:
    """Return what somebody answers, or what the error says."""
    try:
        return answers(rows).tolist()
    except MlsysError as error:
        return type(error), str(error)


@pytest.mark.slow
@settings(max_examples=40)
@given(rows=st.lists(_ROW, max_size=3))
def test_any_rows_get_the_same_answers_or_the_same_error(champion: Champion, rows: list[dict[str, Any]]) -> None:
    path = converted(champion)
    assert said(path.answers, rows) == said(lambda asked: plain_answers(champion, asked), rows)


@pytest.mark.slow
def test_a_value_that_is_none_of_its_type_is_named(champion: Champion) -> None:
    row = {**ROWS[0], "n_dots": "many"}
    with pytest.raises(DataError, match=r"column 'n_dots': 1 of 1 values are no integer.*many"):
        converted(champion).answers([row])


@pytest.mark.slow
def test_values_of_the_declared_types_need_no_frame(champion: Champion, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = RowReader(champion).of_frame(champion.prepare(frame_of(champion, ROWS)))
    monkeypatch.setattr(Champion, "prepare", None)
    read = RowReader(champion).read(ROWS)
    assert read.texts == expected.texts
    assert read.numbers.tobytes() == expected.numbers.tobytes()
