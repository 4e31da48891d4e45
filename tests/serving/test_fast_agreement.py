"""When two ways to answer count as alike, and on which rows that is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from given.served_champions import COLUMNS, champion_of, sites

from mlsys.models.xgboost_model import XGBoost
from mlsys.serving import Champion
from mlsys.serving.fast import fast_path
from mlsys.serving.fast_agreement import agreement, made_rows
from mlsys.serving.fast_blocks import CategoryColumns
from mlsys.serving.fast_rows import given_rows
from mlsys.serving.plain_path import JsonRows, plain_answers

ROWS = given_rows(COLUMNS, sites(200, seed=1)[0])


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Champion:
    return champion_of(XGBoost(n_estimators=20), folder=tmp_path_factory.mktemp("release"))


@pytest.mark.slow
def test_a_way_that_answers_otherwise_is_not_taken(champion: Champion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CategoryColumns, "fill", lambda self, out, values: None)
    path, found = fast_path(champion)
    assert path is None
    assert "from the plain way on 2,064 rows, and labels" in found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("apart", "holds", "says"),
    [
        (0.0, True, "bit-equal to the plain way on 200 rows"),
        (1e-13, True, "within 1e-13 of the plain way on 200 rows"),
        (1e-9, False, "differs by up to 1e-09 from the plain way on 200 rows"),
    ],
)
def test_last_digits_may_differ_where_labels_do_not(champion: Champion, apart: float, holds: bool, says: str) -> None:
    def nearly(rows: JsonRows) -> np.ndarray:
        found = plain_answers(champion, rows)
        return np.where(found < 0.3, found + apart, found)

    found = agreement(champion, nearly, ROWS)
    assert (found.holds, found.words) == (holds, says)


@pytest.mark.slow
def test_another_label_is_never_alike(champion: Champion) -> None:
    answers = plain_answers(champion, ROWS)
    at = replace(champion, threshold=float(answers[0]))
    found = agreement(at, lambda rows: plain_answers(champion, rows) - 1e-15, ROWS)
    assert found.other_labels > 0
    assert not found.holds


@pytest.mark.slow
def test_rows_are_asked_one_by_one_as_well(champion: Champion) -> None:
    def wrong_alone(rows: JsonRows) -> np.ndarray:
        return plain_answers(champion, rows) + (len(rows) == 1)

    assert not agreement(champion, wrong_alone, ROWS).holds


def test_made_rows_are_the_same_every_time_and_go_beyond_the_given_ones() -> None:
    made = made_rows(ROWS, 500)
    assert made == made_rows(ROWS, 500)
    assert {row["tld"] for row in made} > {row["tld"] for row in ROWS}
    assert max(row["size"] or 0 for row in made) > 10 * max(row["size"] or 0 for row in ROWS)
    assert made_rows([], 5) == []
