"""A joined table through a whole pipeline: trained on, judged, scored with, watched, checked and kept."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from given.clicks import join_clicks, make_clicks
from given.shop import day, edit_spec, enter, enter_copy, make_shop

from mlsys import clock, load_champion, pipeline
from mlsys.errors import DataError, UsageError
from mlsys.evaluation.champion import model_of, obstacle_of
from mlsys.monitoring.monitoring import monitor
from mlsys.monitoring.scoring import predictions_of, read_predictions, score
from mlsys.planning.plan import RunRequest
from mlsys.planning.preview import outlook, problems_of
from mlsys.snapshot.joined import table_specs
from mlsys.snapshot.partitioning import layout_of
from mlsys.spec import load_spec
from mlsys.upkeep import reachable
from mlsys.upkeep.doctor import examine
from mlsys.workspace import Workspace, open_workspace

LAST = 10
JOINED = ["n_clicks", "weight", "page", "idle"]


@pytest.fixture(scope="module")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose shop, joined with its clicks, has a champion of day 10; two more days have come since."""
    home = tmp_path_factory.mktemp("clicks") / "home"
    make_shop(home, home / "pipelines", days=LAST + 1)
    edit_spec(home / "pipelines", registries=["files"])
    make_clicks(home)
    join_clicks(home)
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        with open_workspace() as work:
            finished = pipeline.run(work, RunRequest("shop", day=day(LAST)))
            assert finished.version is not None
    make_shop(home, home / "pipelines", days=LAST + 3)
    make_clicks(home)
    return home


@pytest.fixture
def work(retrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    enter_copy(retrained, tmp_path / "home", monkeypatch)
    with open_workspace() as opened:
        yield opened


@pytest.mark.slow
def test_no_model_has_seen_what_the_clicks_after_an_order_say(work):
    champion = work.ledger.champion("shop")
    assert champion is not None
    evaluations, _ = work.ledger.decision(champion.decision_key)
    # Such a click holds the outcome itself: whoever reads one has no more errors.
    assert 0.7 < evaluations.summary[champion.candidate_id].value < 0.97


@pytest.mark.slow
def test_the_card_says_what_was_joined(work):
    (card,) = (work.home / "reports" / "shop").glob("*.html")
    text = " ".join(re.sub(r"<[^>]+>", " ", card.read_text(encoding="utf-8")).split())
    assert "Joined: clicks" in text
    assert "as known before each row's time, 2d back, by order_no" in html.unescape(text)


@pytest.mark.slow
def test_rows_joined_by_the_champion_get_the_scores_of_the_installation(work):
    score(work, "shop", day=day(LAST + 1))
    index = predictions_of(work.home, "shop", day(LAST + 1))
    table = read_predictions(index.champions[index.latest], work, ["order_no", "y_score"])
    expected = dict(zip(table["order_no"].to_pylist(), table["y_score"].to_pylist(), strict=True))
    with closing(sqlite3.connect(work.home / "shop.db")) as connection:
        rows = pd.read_sql(f"SELECT * FROM orders WHERE date(placed_at) = '{day(LAST + 1)}'", connection)
        clicks = pd.read_sql("SELECT * FROM clicks", connection)
    champion = load_champion("shop")
    assert set(JOINED) < set(champion.features)
    joined = champion.joined(rows, {"clicks": clicks}, at=pd.to_datetime(rows["placed_at"], utc=True))
    assert champion.predict_proba(joined)[:, 1].tolist() == [expected[number] for number in rows["order_no"]]


@pytest.mark.slow
def test_what_is_missing_for_a_join_is_said(work):
    champion, rows = load_champion("shop"), pd.DataFrame({"order_no": [1]})
    at = pd.Series(pd.to_datetime(["2026-05-12T10:00:00Z"]))
    with pytest.raises(UsageError, match="joins rows of 'clicks', and `tables` has none by that name"):
        champion.joined(rows, {}, at=at)
    with pytest.raises(DataError, match="clicks have no column 'loaded_at', which the join reads"):
        champion.joined(rows, {"clicks": pd.DataFrame({"weight": [1.0]})}, at=at)
    with pytest.raises(DataError, match="rows have no column 'order_no'"):
        champion.joined(rows.rename(columns={"order_no": "order"}), {"clicks": rows}, at=at)


@pytest.mark.slow
def test_new_days_are_scored_and_watched_with_joined_columns(work):
    report = monitor(work, "shop", day=day(LAST + 2))
    assert (report.n_rows, report.state) == (160, report.state)
    assert report.state != "error"


@pytest.mark.slow
def test_check_reads_the_newest_clicks_and_keeps_nothing(work):
    spec = load_spec(work.settings.spec_path("shop"))
    (table,) = table_specs(spec)
    stored = work.ledger.partitions(table.pipeline, layout_of(table).fingerprint)
    assert problems_of(work, "shop", full=True) == []
    assert work.ledger.partitions(table.pipeline, layout_of(table).fingerprint) == stored


def test_preview_says_what_is_joined(work):
    sentences = outlook(work, "shop", day=None, overrides=()).sentences
    assert any(
        text.startswith(
            "Joins: clicks by order_no, 2 days back from each row's time, as n_clicks, weight, page, idle; "
        )
        for text in sentences
    )


@pytest.mark.slow
def test_doctor_looks_at_the_table_and_its_part_of_the_ledger(work):
    found = {each.subject: each for each in examine(work.settings)}
    assert found["source shop.clicks"].ok
    assert found["ledger shop.clicks"].ok
    assert "newest run shop.clicks" not in found


def test_a_table_is_no_pipeline(work):
    assert list(work.ledger.pipelines()) == ["shop"]


def test_housekeeping_keeps_the_rows_of_the_table(work):
    spec = load_spec(work.settings.spec_path("shop"))
    (table,) = table_specs(spec)
    segments = {row.segment for row in work.ledger.partitions(table.pipeline, layout_of(table).fingerprint)}
    roots = reachable.roots(work.ledger, since=clock.now() + timedelta(days=1))
    assert segments <= reachable.needed(roots, [], work.store)


def test_a_champion_that_was_joined_otherwise_can_not_be_compared(work):
    champion = model_of(work, work.ledger.champion("shop"))
    spec = load_spec(work.settings.spec_path("shop"))
    assert obstacle_of(spec, champion) is None
    join_clicks(work.home, window="1d")
    assert "'n_clicks' is joined in another way now" in str(
        obstacle_of(load_spec(work.settings.spec_path("shop")), champion)
    )
    edit_spec(work.home / "pipelines", joins=[])
    assert "no join adds its column 'n_clicks' any more" in str(
        obstacle_of(load_spec(work.settings.spec_path("shop")), champion)
    )
