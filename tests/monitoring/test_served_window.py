"""Drift monitors that look at what was answered live: the shop's champion, asked about rows of its own source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from given.answers import champion_of, keep_scores, labelled_rows, other_candidate
from given.shop import day, edit_spec

from mlsys.errors import SpecError
from mlsys.live import kept_rows
from mlsys.monitoring.monitoring import monitor
from mlsys.monitoring.reference import reference_of
from mlsys.records.monitoring import MonitorReport
from mlsys.schema import KEY
from mlsys.spec import load_spec
from mlsys.workspace import Workspace

LAST = day(12)  # of the shop's source; its champion knows the days up to 10
SERVED = {"kind": "feature_drift", "window": "5d", "rows": "served"}
SCORES = {"kind": "score_drift", "window": "5d", "rows": "served"}


def ask(work: Workspace, rows: pa.Table, *, scores: Any = None, candidate: str | None = None, **how: Any) -> None:
    """Let rows have been asked about in the five days up to the last."""
    calm = np.resize(reference_of(work, champion_of(work)).holdout_scores, rows.num_rows)
    how = {
        "silent": False,
        "name": "a",
        "at": datetime.combine(LAST - timedelta(days=4), datetime.min.time(), UTC),
        **how,
    }
    keep_scores(work, rows, candidate or champion_of(work).candidate_id, calm if scores is None else scores, **how)


def strangers(rows: pa.Table, first: int = 1) -> pa.Table:
    """Return rows with keys that nobody has seen."""
    keys = pa.array(np.arange(first, first + rows.num_rows, dtype=np.uint64))
    return rows.set_column(rows.column_names.index(KEY), KEY, keys)


def changed(rows: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(column), column, values)


def looked(work: Workspace, *monitors: object, **more: Any) -> MonitorReport:
    edit_spec(work.home / "pipelines", monitors={"watch": list(monitors)}, **more)
    return monitor(work, "shop", day=LAST)


def test_what_is_asked_moves_while_the_source_stays(work: Workspace) -> None:
    rows = strangers(labelled_rows(work))
    ask(work, changed(rows, "basket_value", pc.multiply(rows["basket_value"], 3.0)))
    served, source, scores = looked(work, SERVED, {"kind": "feature_drift", "window": "5d"}, SCORES).results
    assert (served.name, served.state) == ("feature drift of served rows over 5d", "alarm")
    assert served.parts[0].name == "basket_value"
    assert (source.name, source.state) == ("feature drift over 5d", "inconclusive")  # two days of 80 rows
    assert (scores.name, scores.state) == ("score drift of served rows over 5d", "pass")
    assert served.n_rows == scores.n_rows == rows.num_rows


def test_what_is_asked_as_ever_is_quiet_and_other_answers_are_not(work: Workspace) -> None:
    rows = strangers(labelled_rows(work))
    ask(work, rows, scores=np.linspace(0.9, 1.0, rows.num_rows))
    features, scores = looked(work, SERVED, SCORES).results
    assert features.state == "pass"
    assert (scores.state, scores.reason) == ("alarm", "drifted")


def test_rows_of_others_and_those_it_was_made_from_do_not_count_and_a_key_counts_once(work: Workspace) -> None:
    rows = labelled_rows(work)
    known = int(np.isin(rows[KEY].to_numpy(), reference_of(work, champion_of(work)).keys).sum())
    assert 0 < known < rows.num_rows
    ask(work, rows)
    ask(work, strangers(rows, 10_000), name="b", candidate=other_candidate(work))
    ask(work, strangers(rows, 20_000), name="c", silent=True)
    ask(work, rows, name="d")
    keyless = changed(rows, KEY, pa.nulls(rows.num_rows, pa.uint64()))
    ask(work, keyless, name="e")
    (found,) = looked(work, SERVED).results
    assert found.n_rows == rows.num_rows - known + rows.num_rows


def test_columns_that_are_not_kept_are_not_looked_at(work: Workspace) -> None:
    rows = strangers(labelled_rows(work))
    ask(work, changed(rows, "basket_value", pc.multiply(rows["basket_value"], 3.0)))
    (found,) = looked(work, SERVED, serving={"log": {"leave_out": "basket_value"}}).results
    assert found.state == "pass"
    assert "basket_value" not in {part.name for part in found.parts}


def test_where_nothing_was_asked_nothing_is_said(work: Workspace) -> None:
    results = looked(work, SERVED, SCORES).results
    assert [(found.state, found.reason, found.n_rows) for found in results] == [("inconclusive", "too_few_rows", 0)] * 2


def test_answers_that_are_not_kept_cant_be_looked_at(work: Workspace) -> None:
    log = {"log": {"enabled": False}}
    edit_spec(work.home / "pipelines", monitors={"watch": [SERVED]}, serving=log)
    with pytest.raises(SpecError, match=r"monitors\.watch\.0\.rows"):
        load_spec(work.settings.spec_path("shop"))
    assert not kept_rows.days_kept(work.home, "shop")
