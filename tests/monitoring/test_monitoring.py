"""The shop's champion, watched: it knows the days 0 to 10, and on day 12 the truth turns round."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from given.shop import ROWS_PER_DAY, day, edit_spec, enter, make_shop

from mlsys import clock, pipeline
from mlsys.errors import IntegrityError, MlsysError
from mlsys.monitoring.monitoring import drift_page, latest, monitor, read_report
from mlsys.monitoring.reference import evaluation_of, reference_of
from mlsys.monitoring.scoring import score
from mlsys.monitoring.window import window_of
from mlsys.monitors.base import Window
from mlsys.monitors.feature_drift import FeatureDrift
from mlsys.planning.plan import RunRequest
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.records.monitoring import MonitorReport
from mlsys.snapshot import snapshot
from mlsys.spec import load_spec
from mlsys.workspace import Workspace, open_workspace

LIVE = {"kind": "live_metric", "window": "3d"}


def until(work: Workspace, index: int) -> None:
    """Let the source have all days up to this one."""
    make_shop(work.home, work.home / "pipelines", days=index + 1)


def watch(work: Workspace, *monitors: object, **block: object) -> None:
    edit_spec(work.home / "pipelines", monitors={"watch": list(monitors), **block})


def nights(work: Workspace, indices: Iterable[int]) -> list[MonitorReport]:
    return [monitor(work, "shop", day=day(index)) for index in indices]


def window(work: Workspace, index: int, *, length: int = 7) -> Window:
    scored = score(work, "shop", day=day(index))
    change = work.ledger.champion("shop")
    assert change is not None
    assert scored.snapshot is not None
    spec = load_spec(work.settings.spec_path("shop"))
    return window_of(work, spec, change, scored.snapshot, length=timedelta(days=length))


def test_a_change_that_leaves_no_doubt_asks_for_a_retraining_at_once(work: Workspace) -> None:
    until(work, 15)
    watch(work, LIVE)
    reports = nights(work, (11, 14, 15))
    assert [(report.state, report.asks_retraining) for report in reports] == [
        ("inconclusive", False),
        ("alarm", True),
        ("alarm", False),  # one was asked for the night before
    ]
    assert (reports[1].n_alarmed, reports[1].n_windows) == (2, 2)
    assert "a retraining is asked for" in reports[1].sentence


def test_quiet_windows_pass_and_ask_for_nothing(work: Workspace) -> None:
    # Day 11 is like those before; one day of the shop is enough when so few rows are asked for.
    few = {"window": "1d", "min_rows": 50}
    watch(
        work,
        {"kind": "feature_drift", **few},
        {"kind": "score_drift", **few},
        {"kind": "attribution_drift", **few},
        {"kind": "live_metric", "window": "1d", "min_labels": 50, "per_class": 10},
    )
    report = monitor(work, "shop", day=day(11))
    assert [result.state for result in report.results] == ["pass"] * 4
    assert report.state == "pass"
    assert not report.asks_retraining
    assert (report.n_rows, report.n_labelled) == (ROWS_PER_DAY, ROWS_PER_DAY)


def test_days_the_champion_knew_are_no_evidence(work: Workspace) -> None:
    report = monitor(work, "shop", day=day(10))
    assert report.n_rows == 0
    assert {result.state for result in report.results} == {"inconclusive"}
    assert report.state == "inconclusive"


def test_a_row_that_the_champion_was_made_from_is_not_counted_when_it_comes_again(work: Workspace) -> None:
    with closing(sqlite3.connect(work.home / "shop.db")) as connection, connection:
        connection.execute(
            "INSERT INTO orders SELECT order_no, ?, basket_value, n_items, channel, gift, returned FROM orders "
            "WHERE order_no BETWEEN 1000 AND 1009",  # day 1: on the training side
            [f"{day(11)} 23:00:00"],
        )
    found = window(work, 11)
    assert len(found.rows) == ROWS_PER_DAY


def test_labels_not_final_at_the_cutoff_are_not_known(work: Workspace) -> None:
    edit_spec(work.home / "pipelines", label={"delay": "1d"})
    found = window(work, 12)
    known = found.y_true >= 0
    assert set(found.day[known]) == {np.datetime64(day(11))}
    assert set(found.day[~known]) == {np.datetime64(day(12))}


def test_a_label_of_a_third_class_is_no_label(work: Workspace) -> None:
    with closing(sqlite3.connect(work.home / "shop.db")) as connection, connection:
        connection.execute("UPDATE orders SET returned = 'maybe' WHERE order_no BETWEEN 11000 AND 11004")
    assert (window(work, 11).y_true == -1).sum() == 5


def test_a_window_has_its_last_days_alone(work: Workspace) -> None:
    until(work, 14)
    assert set(window(work, 14, length=2).day) == {np.datetime64(day(13)), np.datetime64(day(14))}


@pytest.mark.parametrize("how", ["no scores", "late rows"])
def test_rows_that_were_not_scored_as_they_are_are_refused(work: Workspace, how: str) -> None:
    score(work, "shop", day=day(11))
    if how == "no scores":
        (work.home / "predictions" / "shop" / f"{day(11)}.json").unlink()
    else:
        with closing(sqlite3.connect(work.home / "shop.db")) as connection, connection:
            connection.execute(f"INSERT INTO orders VALUES (11999, '{day(11)} 12:00:00', 40, 3, 'web', 'false', 'no')")
    change, spec = work.ledger.champion("shop"), load_spec(work.settings.spec_path("shop"))
    taken = snapshot.take(spec, clock.cutoff_of(day(11)), catalog=work.ledger, store=work.store)
    assert change is not None
    assert taken is not None
    with pytest.raises(IntegrityError, match="has not scored the rows"):
        window_of(work, spec, change, taken.snapshot, length=timedelta(days=7))


def test_reports_are_kept_one_per_day_and_the_same_data_give_the_same_bytes(work: Workspace) -> None:
    nights(work, (11, 12))
    folder = work.home / "monitoring" / "shop"
    assert sorted(path.name for path in folder.glob("*.json")) == [f"{day(11)}.json", f"{day(12)}.json"]
    before = {path: path.read_bytes() for path in folder.glob("*.json")}
    nights(work, (11, 12))
    assert {path: path.read_bytes() for path in folder.glob("*.json")} == before


def test_the_latest_report_is_that_of_the_newest_day(work: Workspace) -> None:
    assert latest(work.home, "shop") is None
    newest, _ = nights(work, (12, 11))
    assert latest(work.home, "shop") == newest
    assert read_report(work.home, "shop", day(3)) is None


def test_a_glance_at_the_latest_report_loads_nothing_heavy(work: Workspace) -> None:
    monitor(work, "shop", day=day(11))
    code = (
        "import sys\nfrom pathlib import Path\nfrom mlsys.monitoring.monitoring import latest\n"
        f"assert latest(Path({str(work.home)!r}), 'shop').day.isoformat() == '{day(11)}'\n"
        "print([m for m in ('numpy','pandas','pyarrow','scipy','sklearn','sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_details_hold_every_part(work: Workspace) -> None:
    until(work, 14)
    watch(work, {"kind": "feature_drift", "window": "3d"})
    report = monitor(work, "shop", day=day(14))
    assert report.details is not None
    parts = work.store.read_json(report.details)[0]["parts"]
    assert {part["name"] for part in parts} == {"basket_value", "n_items", "channel", "gift"}


def test_a_monitor_that_fails_is_an_error_for_itself_alone(
    work: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no such bin")

    monkeypatch.setattr(FeatureDrift, "look", broken)
    until(work, 14)
    report = monitor(work, "shop", day=day(14))
    assert [result.state for result in report.results] == ["error", "pass", "alarm"]
    assert "ValueError: no such bin" in report.results[0].sentence
    assert "monitor_failed" in caplog.text


def test_an_error_is_no_pass(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MlsysError("nothing to read")

    monkeypatch.setattr(FeatureDrift, "look", broken)
    watch(work, "feature_drift")
    assert monitor(work, "shop", day=day(11)).state == "error"


def test_alarms_that_are_over_ask_for_nothing(work: Workspace) -> None:
    watch(work, LIVE)
    quiet = monitor(work, "shop", day=day(11))
    for index in (5, 8):
        past = quiet.model_copy(update={"day": day(index), "state": "alarm"})
        path = work.home / "monitoring" / "shop" / f"{day(index)}.json"
        path.write_text(json.dumps(past.dump()), encoding="utf-8")
    report = monitor(work, "shop", day=day(11))
    assert (report.n_alarmed, report.n_windows) == (2, 3)
    assert not report.asks_retraining


def test_windows_of_another_champion_do_not_count(work: Workspace) -> None:
    until(work, 15)
    watch(work, LIVE, ask_after=1, of=3)
    assert monitor(work, "shop", day=day(14)).asks_retraining
    promote_by_hand(
        work, "shop", work.ledger.decisions("shop")[-1].run_id, candidate="prior", reason="to have another one"
    )
    report = monitor(work, "shop", day=day(15))
    assert report.n_windows == 1


def test_an_acknowledged_alarm_is_shown_and_counts_for_nothing_until_it_ends(work: Workspace) -> None:
    until(work, 15)
    known = {"monitor": "live_metric", "reason": "the channels were swapped", "until": day(14)}
    watch(work, LIVE, ask_after=1, of=1, acknowledged=[known])
    covered, after = nights(work, (14, 15))
    assert (covered.state, covered.asks_retraining, covered.results[0].state) == ("pass", False, "alarm")
    assert covered.results[0].sentence.endswith(f"Acknowledged until {day(14)}: the channels were swapped.")
    assert (after.state, after.asks_retraining) == ("alarm", True)


def test_alarms_that_need_each_other_ask_once_they_share_no_day(work: Workspace) -> None:
    until(work, 20)
    moved = {"kind": "feature_drift", "limit": 0.0, "significance": 0.9, "window": "1d", "min_rows": 50}
    watch(work, moved, ask_after=3, of=3, cool_down="0d")
    reports = nights(work, (17, 18, 19, 20))
    assert [report.state for report in reports] == ["alarm"] * 4
    assert [(report.n_alarmed, report.n_windows) for report in reports] == [(1, 1), (2, 2), (3, 3), (3, 3)]
    assert [report.asks_retraining for report in reports] == [False, False, True, True]


def test_after_a_wish_there_is_none_until_the_cool_down_is_over(work: Workspace) -> None:
    until(work, 18)
    watch(work, LIVE, ask_after=1, of=1, cool_down="3d")
    reports = nights(work, (14, 15, 16, 17, 18))
    assert [report.asks_retraining for report in reports] == [True, False, False, True, False]
    assert f"for one was on {day(14)}; from {day(17)} on it may be again" in reports[1].sentence
    assert nights(work, (14,)) == reports[:1]


def test_without_a_champion_there_is_nothing_to_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shop(tmp_path, tmp_path / "pipelines", days=2)
    enter(tmp_path, monkeypatch)
    with open_workspace() as work:
        report = monitor(work, "shop")
    assert (report.state, report.reason) == ("inconclusive", "no_champion")
    assert latest(tmp_path, "shop") is None


@pytest.mark.parametrize("reason", ["no_data_for_day", "no_monitors"])
def test_nothing_to_look_at_is_said_and_not_kept(work: Workspace, reason: str) -> None:
    watch(work, *([] if reason == "no_monitors" else [LIVE]))
    report = monitor(work, "shop", day=day(30 if reason == "no_data_for_day" else 11))
    assert (report.state, report.reason) == ("inconclusive", reason)
    assert latest(work.home, "shop") is None


def test_the_reference_is_made_once(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    change = work.ledger.champion("shop")
    assert change is not None
    made = reference_of(work, change)
    monkeypatch.setattr("mlsys.monitoring.reference._make", None)
    read = reference_of(work, change)
    assert made.rows.equals(read.rows)
    assert np.array_equal(made.keys, read.keys)
    assert read.classes == ("no", "yes")


def test_the_reference_is_what_the_champion_was_made_from(work: Workspace) -> None:
    change = work.ledger.champion("shop")
    assert change is not None
    made = reference_of(work, change)
    # Days 0 to 10: six of training, two of validation, three of holdout.
    assert len(made.rows) == 6 * ROWS_PER_DAY
    assert made.keys.size == 11 * ROWS_PER_DAY
    assert made.holdout_scores.size == 3 * ROWS_PER_DAY
    judged = evaluation_of(work, change)
    assert judged is not None
    value = judged.on_holdout("roc_auc")
    assert value is not None
    assert value.n == made.holdout_scores.size


def test_a_large_history_is_sampled(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlsys.monitoring.reference.MAX_ROWS", 100)
    change = work.ledger.champion("shop")
    assert change is not None
    assert len(reference_of(work, change).rows) == 100


@pytest.mark.slow
def test_a_refitted_champion_is_held_against_what_was_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shop(tmp_path, tmp_path / "pipelines", days=11)
    edit_spec(tmp_path / "pipelines", registries=[], training={"refit": True})
    enter(tmp_path, monkeypatch)
    with open_workspace() as work:
        pipeline.run(work, RunRequest("shop", day=day(10)))
        change = work.ledger.champion("shop")
        assert change is not None
        assert change.candidate_id.endswith("-refit")
        judged = evaluation_of(work, change)
        assert judged is not None
        assert f"{judged.model_id}-refit" == change.candidate_id


@pytest.mark.slow
def test_of_a_source_without_time_only_rows_with_new_keys_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop(tmp_path, tmp_path / "pipelines", days=6)
    source = {"kind": "sql", "url": "sqlite:///${MLSYS_HOME}/shop.db", "table": "orders"}
    edit_spec(tmp_path / "pipelines", source=source, split="hash", registries=[])
    enter(tmp_path, monkeypatch)
    with open_workspace() as work:
        pipeline.run(work, RunRequest("shop"))
        change = work.ledger.champion("shop")
        assert change is not None
        n_seen = reference_of(work, change).keys.size
        make_shop(tmp_path, tmp_path / "pipelines", days=8)
        tomorrow = clock.now() + timedelta(days=1)
        monkeypatch.setattr(clock, "now", lambda: tomorrow)
        report = monitor(work, "shop")
    assert n_seen == 6 * ROWS_PER_DAY
    assert report.n_rows == 2 * ROWS_PER_DAY


def test_slices_are_judged_by_themselves_whether_or_not_the_champion_sees_their_column(work: Workspace) -> None:
    # On day 12 the channels' effects are swapped: web and app are harmed, store is not. Inside of a channel the order
    # of rows stays.
    until(work, 18)
    few = {"min_labels": 50, "per_slice": 20, "per_class": 5}
    watch(work, {"kind": "live_metric", "metric": "log_loss", "slices": ["channel", "gift", "order_no"], **few})
    report = monitor(work, "shop", day=day(18))
    (found,) = report.results
    assert report.details is not None
    slices = {each["name"]: each["state"] for each in work.store.read_json(report.details)[0]["slices"]}
    assert slices["channel is web"] == slices["channel is app"] == "alarm"
    assert slices["channel is store"] == "pass"
    assert {"gift is true", "gift is false"} <= set(slices)
    assert len(found.slices) == 5
    assert "By slice: live log_loss over 7d" in (work.home / drift_page("shop")).read_text(encoding="utf-8")


def test_columns_that_are_sliced_by_later_are_read_from_the_holdout_then(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = work.ledger.champion("shop")
    assert change is not None
    assert reference_of(work, change).sliced.columns.empty
    made = reference_of(work, change, slices=["returned", "no_such"])
    assert set(made.sliced["returned"]) == {"yes", "no"}
    assert np.array_equal(made.sliced["returned"] == "yes", made.held_true == 1)
    assert list(made.sliced.columns) == ["returned"]
    monkeypatch.setattr("mlsys.monitoring.reference._sliced", None)
    assert reference_of(work, change, slices=["returned", "no_such"]).sliced.equals(made.sliced)
