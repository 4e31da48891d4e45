"""The drift page and the export: what was compared is shown and handed on, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from mlsys.errors import UsageError
from mlsys.monitoring.drift_page import render
from mlsys.monitoring.export import export
from mlsys.monitors.attribution_drift import AttributionDrift
from mlsys.monitors.base import Monitor, Window
from mlsys.monitors.feature_drift import FeatureDrift
from mlsys.monitors.ks_drift import KsDrift
from mlsys.monitors.score_drift import ScoreDrift
from mlsys.records.monitoring import MonitorReport
from mlsys.targets import TARGETS
from mlsys.testing.monitors import LAST_DAY, window


def page(made: Window, *monitors: Monitor) -> str:
    results = tuple(each.look(made) for each in monitors)
    report = MonitorReport(
        pipeline="shop",
        day=LAST_DAY,
        champion="abc-logistic",
        version="1.0.0",
        champion_cutoff=datetime(2026, 3, 1, tzinfo=UTC),
        state="alarm" if any(result.state == "alarm" for result in results) else "pass",
        sentence="Pass: feature drift over 7d.",
        results=results,
    )
    return render(report, results, made)


def test_what_moved_stands_first_with_its_measure_and_its_limit() -> None:
    made = window()
    name = made.reference.columns[made.reference.dtypes == "float64"][0]
    moved = replace(made, rows=made.rows.assign(**{name: made.rows[name] + 3}))
    html = page(moved, FeatureDrift(), KsDrift(), ScoreDrift())
    features = html[html.index('<ul class="features">') :]
    first = features[features.index("f-alarm") :]
    assert f"<h3>{name}</h3>" in first[:200]
    assert "Kolmogorov-Smirnov distance, 7d" in first
    assert "stability index, 7d" in first
    assert "<h1>Moved</h1>" in html
    assert page(moved, FeatureDrift(), KsDrift(), ScoreDrift()) == html


def test_a_feature_on_which_the_champion_leans_less_did_not_move_itself() -> None:
    made = window()
    leaned = replace(made, rows=made.rows.assign(visits=made.rows["visits"] * 6))
    html = page(leaned, KsDrift(), AttributionDrift())
    assert "size 38% then" in html
    assert "1 feature of 3 moved away" in html


def test_where_nothing_moved_it_says_so_and_what_nobody_watches() -> None:
    html = page(window(), KsDrift())
    assert "<h1>As before</h1>" in html
    assert "0 features of" in html
    assert "not watched" in html  # categories have no order, and the answers no monitor here


def test_each_value_is_told_in_words_too() -> None:
    made = window()
    few = replace(
        made,
        reference=pd.DataFrame({"brand": pd.Series(["<b>", None, "x", "x"], dtype=object)}),
        rows=pd.DataFrame({"brand": pd.Series(["x", "new", None, None], dtype=object)}),
    )
    html = page(few)
    assert (
        "x: 66.7\u00a0% then, 50.0\u00a0% now; &lt;b&gt;: 33.3\u00a0% then, 0.0\u00a0% now; others: 0.0\u00a0% then"
        in html
    )
    assert "<b>:" not in html


@pytest.mark.parametrize("then", [[np.nan] * 4, [5.0] * 4, [0.0, 1e30, -1e30, 2.0], [1.0, 2.0, 3.0, 3.0]])
def test_numbers_of_any_kind_are_drawn(then: list[float]) -> None:
    made = window()
    odd = replace(made, reference=pd.DataFrame({"a": then}), rows=pd.DataFrame({"a": [np.nan, 1.0, 2.0]}))
    html = page(odd)
    assert html.count('<svg class="twins"') == 2
    assert "nan" not in html.lower()


def test_the_export_holds_both_sides_with_the_answers_beside_the_rows_of_now(tmp_path) -> None:  # type: ignore[no-untyped-def]
    made = window()
    then, now = export(made, tmp_path / "a" / "b")
    again = export(made, tmp_path / "a" / "b")
    assert (then, now) == again
    assert pq.read_table(then).column_names == list(made.reference.columns)
    current = pq.read_table(now).to_pandas()
    assert list(current["y_score"]) == list(made.y_score)
    assert current["_day"].max() == LAST_DAY
    assert len(current) == len(made.rows)


def test_a_folder_that_is_a_file_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--export: The folder can't be made"):
        export(window(), tmp_path / "file" / "below")


def test_of_several_classes_each_one_has_its_probabilities(tmp_path) -> None:  # type: ignore[no-untyped-def]
    made = window()
    target = TARGETS.parse({"column": "y", "task": "multiclass"}).about(["white", "red", "rose"])
    random = np.random.default_rng(4)
    then, now = (random.dirichlet([a, 2, 2], n) for a, n in ((2, len(made.holdout_scores)), (9, len(made.rows))))
    several = replace(made, target=target, holdout_scores=then, y_score=now, past=None)
    html = page(several, ScoreDrift())
    for name in ("red", "rose", "white"):
        assert f"the champion&#39;s probability of {name}, on its holdout and now" in html
    assert "Moved" in html
    _, path = export(several, tmp_path)
    assert pq.read_table(path)["y_score rose"].to_numpy() == pytest.approx(now[:, 1])
