"""What each version answered live, by its role: the shop's rows, as if clients had asked about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from given.answers import champion_of, keep_scores, labelled_rows, other_candidate, scores_that_know
from given.shop import ROWS_PER_DAY, day, edit_spec
from sklearn.metrics import roc_auc_score

from mlsys.monitoring.versions import measure_versions
from mlsys.monitoring.versions_page import versions_page
from mlsys.schema import EVENT_TIME, KEY
from mlsys.workspace import Workspace

AT = datetime.combine(day(12), datetime.min.time(), UTC)


def of_days(rows: pa.Table, first: int) -> pa.Table:
    since = pa.scalar(datetime.combine(day(first), datetime.min.time(), UTC), rows.schema.field(EVENT_TIME).type)
    return rows.filter(pc.greater_equal(rows[EVENT_TIME], since))


@pytest.fixture
def asked(work: Workspace) -> pa.Table:
    """The rows of days 11 and 12, asked about on day 12; the champion knows those up to 10."""
    return of_days(labelled_rows(work), 11)


def by_hand(rows: pa.Table, scores: np.ndarray) -> float:
    return float(roc_auc_score([value == "yes" for value in rows["returned"].to_pylist()], scores))


def test_each_role_has_its_own_values(work: Workspace, asked: pa.Table) -> None:
    own, other = champion_of(work).candidate_id, other_candidate(work)
    half = ROWS_PER_DAY
    scores = {
        name: scores_that_know(asked, right, seed) for seed, (name, right) in enumerate({"a": 2.0, "b": 1.0}.items())
    }
    keep_scores(work, asked, own, scores["a"], silent=False, at=AT, name="a", days=1)
    keep_scores(work, asked, other, scores["b"], silent=True, at=AT, name="b", days=1, arm=other)
    later = asked.slice(half)
    keep_scores(work, later, other, scores["b"][half:], silent=False, at=AT, name="c", days=1, arm=other)
    champion, challenger, shadow = measure_versions(work, "shop").arms
    assert [(each.arm, each.serves) for each in (champion, challenger, shadow)] == [
        ("champion", True),
        ("challenger", False),
        ("shadow", False),
    ]
    assert champion.n_rows == champion.n_labelled == 2 * half
    value = champion.value("roc_auc")
    assert value is not None
    assert value.value == pytest.approx(by_hand(asked, scores["a"]))
    assert value.lower is not None
    known = of_days(later, 12)  # the candidate was made from day 11
    found = challenger.value("roc_auc")
    assert found is not None
    assert challenger.n_labelled == known.num_rows == half
    assert found.value == pytest.approx(by_hand(known, scores["b"][half:]))
    assert shadow.n_labelled == half
    page = (work.home / versions_page("shop")).read_text(encoding="utf-8")
    assert "Live, by version and role" in page
    assert "1.0.0, champion" in page


def test_a_key_counts_once_with_its_newest_answer_and_none_counts_without_one(work: Workspace, asked: pa.Table) -> None:
    own, good = champion_of(work).candidate_id, scores_that_know(asked, 2.0)
    keep_scores(work, asked, own, 1 - good, silent=False, at=AT, name="a", days=1)
    keep_scores(work, asked, own, good, silent=False, at=AT + timedelta(hours=1), name="b", days=1)
    keyless = asked.set_column(asked.column_names.index(KEY), KEY, pa.nulls(asked.num_rows, pa.uint64()))
    keep_scores(work, keyless, own, good, silent=False, at=AT, name="c", days=1)
    (found,) = measure_versions(work, "shop").arms
    value = found.value("roc_auc")
    assert value is not None
    assert value.value == pytest.approx(by_hand(asked, good))
    assert (found.n_labelled, found.n_keyless) == (asked.num_rows, asked.num_rows)
    assert found.uncounted == f"{asked.num_rows} without a key"


def test_answers_whose_labels_are_not_due_say_so(work: Workspace, asked: pa.Table) -> None:
    edit_spec(work.home / "pipelines", label={"delay": "2d"})
    scores = scores_that_know(asked, 2.0)
    keep_scores(work, asked, champion_of(work).candidate_id, scores, silent=False, at=AT, name="a", days=1)
    (found,) = measure_versions(work, "shop").arms
    assert (found.n_rows, found.n_immature, found.values) == (0, asked.num_rows, ())
    assert found.reason == "no label of its answers is known yet"
    assert found.uncounted == f"{asked.num_rows} too young"


def test_without_answers_there_are_no_arms(work: Workspace) -> None:
    assert measure_versions(work, "shop").arms == ()
