"""The walk-forward report of the shop, whose customers change on day 12: what it says, and what it may not look at."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from given.shop import CHANGE, day, edit_spec, enter, enter_copy, make_shop

from mlsys import pipeline
from mlsys.backfill import gates, scores, walkforward
from mlsys.backfill.backfill import backfill
from mlsys.backfill.days import Simulation, collect, spans
from mlsys.backfill.gates import judge_in_turn
from mlsys.backfill.records import WalkForward
from mlsys.backfill.scores import JudgedDay, ScoreBook, judged_days
from mlsys.backfill.strategies import Strategy, strategies_of
from mlsys.backfill.walkforward import walk_forward
from mlsys.errors import IntegrityError, UsageError
from mlsys.evaluation import evaluation
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow

FIRST, LAST = 8, 22
SPLIT = {"kind": "time", "validation_days": 2, "holdout_days": 3, "train_window_days": 4}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with simulated runs of days 8 to 22."""
    home = tmp_path_factory.mktemp("simulated") / "home"
    make_shop(home, home / "pipelines", days=LAST + 1)
    edit_spec(home / "pipelines", registries=["files"], split=SPLIT)
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        with open_workspace() as work:
            done = backfill(work, "shop", first=day(FIRST), last=day(LAST), parallel=2)
    assert done.counts == {"done": LAST - FIRST + 1}
    return home


@pytest.fixture
def home(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the simulated home, set in the environment."""
    return enter_copy(simulated, tmp_path / "home", monkeypatch)


@pytest.fixture
def work(home: Path) -> Iterator[Workspace]:
    with open_workspace() as opened:
        yield opened


@pytest.fixture
def simulation(work: Workspace) -> Simulation:
    return simulated_shop(work)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is computed from now on: `score` for each model and day, `judge` for each evaluation by the gates."""
    seen: list[str] = []

    def counting(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **keywords: object) -> object:
            seen.append(name)
            return real(*args, **keywords)

        return counted

    monkeypatch.setattr(scores, "_asked", counting("score", scores._asked))
    monkeypatch.setattr(gates.evaluation, "evaluate", counting("judge", evaluation.evaluate))
    return seen


def simulated_shop(work: Workspace, **bounds: object) -> Simulation:
    found = collect(work, "shop", **bounds)
    assert found is not None
    return found


def reports(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((home / "reports" / "shop").glob("walk-forward.*"))}


def book_of(work: Workspace, simulation: Simulation) -> tuple[tuple[Strategy, ...], ScoreBook]:
    verdicts = judge_in_turn(work, simulation)
    strategies = strategies_of(simulation, walkforward.promoted(simulation.days, verdicts))
    return strategies, ScoreBook(work, simulation, judged_days(work, simulation))


# -- what it says ---------------------------------------------------------------------------------------------


def test_it_dates_the_change_and_says_what_retraining_earns(work: Workspace) -> None:
    report = walk_forward(work, "shop")
    assert report.change_day == day(CHANGE)
    assert report.gain is not None
    assert report.gain.lower is not None
    assert report.gain.lower > 0.05
    assert report.advice in ("weekly", "gated")
    assert WalkForward.load(report.dump()) == report


def test_the_virtual_champions_are_those_that_live_nights_make(
    work: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = CHANGE + 6  # the day whose run makes the second champion
    simulation = simulated_shop(work, first=day(FIRST), last=day(last))
    verdicts = judge_in_turn(work, simulation)
    live = tmp_path / "live"
    make_shop(live, live / "pipelines", days=last + 1)
    edit_spec(live / "pipelines", registries=[], split=SPLIT)
    enter(live, monkeypatch)
    with open_workspace() as nightly:
        decisions = []
        for index in range(FIRST, last + 1):
            version = pipeline.run(nightly, RunRequest("shop", day=day(index))).version
            assert version is not None
            decisions.append(version.decision)
        champions = [change.candidate_id for change in nightly.ledger.champion_changes("shop")]
    assert [d.gates for d in decisions] == [v.gates for v in verdicts]
    assert [(d.outcome, d.reason, d.sentence) for d in decisions] == [
        (v.outcome, v.reason, v.sentence) for v in verdicts
    ]
    assert champions == [m.best.candidate_id for m in walkforward.promoted(simulation.days, verdicts)]
    assert len(champions) > 1


def test_the_recalibrated_model_stands_beside_the_others(work: Workspace, home: Path) -> None:
    report = walk_forward(work, "shop")
    assert [s.name for s in report.strategies] == ["never", "recalibrated", "weekly", "nightly", "gated"]
    never, lines, *others = report.strategies
    assert lines.overall.value == never.overall.value  # the ranking within days
    assert lines.views[2].value != never.views[2].value  # the log loss
    assert min(s.regret for s in report.strategies if s.regret is not None) == 0
    assert never.regret == max(s.overall.value for s in others if s.overall.value) - (never.overall.value or 0)
    page = reports(home)["walk-forward.html"].decode()
    assert f"1<small>{lines.n_promotions - 1} lines</small>" in page
    assert "Recalibrated nightly has no line of its own" in page
    assert '<span class="value">0</span><small>the ranking stays</small>' in page


def test_every_strategy_is_judged_on_the_same_rows(work: Workspace, home: Path) -> None:
    walk_forward(work, "shop")
    details = json.loads(reports(home)["walk-forward.json"])
    assert {s[key]["n"] for s in details["strategies"] for key in ("overall", "pooled")} == {details["n_rows"]}
    assert details["compared"] == [str(day(index)) for index in range(FIRST + 1, LAST + 1)]
    days = [[d["value"]["n"] for d in s["daily"]] for s in details["strategies"]]
    assert all(counts == days[0] for counts in days)


def test_a_day_s_holdout_metrics_are_those_of_its_record(work: Workspace, home: Path) -> None:
    walk_forward(work, "shop")
    details = json.loads(reports(home)["walk-forward.json"])
    for model in details["models"]:
        (decision,) = work.ledger.decisions("shop", of={model["run_id"]})
        recorded = work.ledger.decision(decision.decision_key)
        assert recorded is not None
        listed = work.store.read_json(recorded[0].details)["evaluations"]
        assert model["candidate"] == recorded[0].best
        assert model["holdout"] == next(e["holdout"] for e in listed if e["model_id"] == recorded[0].best)


def test_the_looks_are_those_of_the_same_rows_and_stand_in_every_place(work: Workspace, home: Path) -> None:
    report = walk_forward(work, "shop")
    details = json.loads(reports(home)["walk-forward.json"])
    page = reports(home)["walk-forward.html"].decode()
    for strategy, summary in zip(details["strategies"], report.dump()["strategies"], strict=True):
        within, pooled, *_ = strategy["views"]
        assert within["value"] == pytest.approx(strategy["overall"]["value"])
        assert pooled["value"] == pytest.approx(strategy["pooled"]["value"])
        assert summary["views"] == strategy["views"]
        assert all(f'<span class="value">{view["value"]:.3f}</span>' in page for view in strategy["views"])
    assert report.disagreement == tuple(details["answer"]["disagreement"])


def test_the_page_loads_nothing_from_elsewhere_and_names_every_day(work: Workspace, home: Path) -> None:
    walk_forward(work, "shop")
    page = reports(home)["walk-forward.html"].decode()
    assert all(mark not in page for mark in ("http://", "https://", "<script", "@import", "url("))
    assert all(page.count(str(day(index))) > 0 for index in range(FIRST, LAST + 1))
    assert f"{day(CHANGE)}: change" in page


def test_a_part_of_the_days_can_be_asked_for(work: Workspace) -> None:
    report = walk_forward(work, "shop", first=day(9), last=day(11))
    assert (report.first, report.last, report.n_days) == (day(9), day(11), 3)
    assert report.change_day is None


def test_one_day_alone_compares_nothing_and_says_so(work: Workspace) -> None:
    report = walk_forward(work, "shop", first=day(9), last=day(9))
    assert (report.n_days, report.n_rows, report.gain.difference, report.advice) == (1, 0, None, None)
    assert "can't be said" in report.sentence


def test_without_simulated_days_there_is_no_report(work: Workspace) -> None:
    with pytest.raises(UsageError, match="No simulated day of shop") as caught:
        walk_forward(work, "shop", first=day(1), last=day(2))
    assert "mlsys backfill shop" in str(caught.value)


# -- what is missing ------------------------------------------------------------------------------------------


def test_a_day_that_was_not_simulated_is_named(work: Workspace) -> None:
    found = simulated_shop(work, first=day(FIRST - 2), last=day(LAST))
    assert dict(found.missing) == {day(FIRST - 2): "it was not simulated", day(FIRST - 1): "it was not simulated"}
    assert found.notes == (f"No model of {day(FIRST - 2)} to {day(FIRST - 1)}: it was not simulated.",)


def test_days_of_another_spec_are_named_and_left_out(work: Workspace, home: Path) -> None:
    edit_spec(home / "pipelines", training={"seed": 7})
    backfill(work, "shop", first=day(9), last=day(10))
    new = simulated_shop(work)
    assert [m.day for m in new.days] == [day(9), day(10)]
    assert "more than one spec" in new.notes[0]
    asked_for = simulated_shop(work, first=day(9), last=day(11))
    assert asked_for.missing[day(11)] == "it was simulated with another spec"


def test_the_spec_as_it_stands_now_chooses(work: Workspace, home: Path) -> None:
    before = (home / "pipelines" / "shop.yaml").read_text()
    edit_spec(home / "pipelines", training={"seed": 7})
    backfill(work, "shop", first=day(9), last=day(10))
    (home / "pipelines" / "shop.yaml").write_text(before)
    assert len(simulated_shop(work).days) == LAST - FIRST + 1


def test_a_day_whose_files_are_gone_is_named(work: Workspace, simulation: Simulation) -> None:
    work.store.path(simulation.days[3].model).unlink()
    found = simulated_shop(work)
    assert dict(found.missing) == {day(FIRST + 3): "its files were removed by housekeeping"}
    assert walk_forward(work, "shop").n_days == LAST - FIRST


def test_days_in_words() -> None:
    assert spans([day(5), day(1), day(2), day(3)]) == f"{day(1)} to {day(3)}, {day(5)}"


# -- what is remembered ---------------------------------------------------------------------------------------


def test_again_gives_the_same_bytes_and_computes_nothing(work: Workspace, home: Path, asked: list[str]) -> None:
    before, times = reports(home), [path.stat().st_mtime_ns for path in (home / "reports/shop").glob("walk-forward.*")]
    assert before
    walk_forward(work, "shop")
    assert asked == []
    assert reports(home) == before
    assert [path.stat().st_mtime_ns for path in (home / "reports/shop").glob("walk-forward.*")] == times


def test_without_the_cache_it_gives_the_same_bytes(work: Workspace, home: Path, asked: list[str]) -> None:
    before = reports(home)
    shutil.rmtree(home / "cache" / "walkforward")
    walk_forward(work, "shop")
    assert asked.count("judge") == LAST - FIRST + 1
    assert reports(home) == before


def test_one_more_day_asks_for_the_new_pairs_alone(work: Workspace, home: Path, asked: list[str]) -> None:
    shutil.rmtree(home / "cache" / "walkforward")
    walk_forward(work, "shop", last=day(LAST - 1))
    asked.clear()
    walk_forward(work, "shop")
    strategies, book = book_of(work, simulated_shop(work))
    newest = walkforward._pairs(simulated_shop(work), strategies, book)[day(LAST)]
    assert asked == ["judge", *["score"] * len(newest)]


def test_a_damaged_entry_is_computed_again(work: Workspace, home: Path, asked: list[str]) -> None:
    before = reports(home)
    entry = sorted(path for path in (home / "cache" / "walkforward" / "scores").rglob("*") if path.is_file())[0]
    entry.write_bytes(entry.read_bytes()[:-8] + bytes(8))
    walk_forward(work, "shop")
    assert asked == ["score"]
    assert reports(home) == before


def test_days_are_read_in_parts_of_bounded_size(
    work: Workspace, home: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = reports(home)
    shutil.rmtree(home / "cache" / "walkforward")
    monkeypatch.setattr(scores, "ROWS_AT_ONCE", 200)
    walk_forward(work, "shop")
    assert reports(home) == before


# -- what it may not look at ----------------------------------------------------------------------------------


def test_a_model_is_never_asked_about_a_day_it_may_have_seen(work: Workspace, simulation: Simulation) -> None:
    _, book = book_of(work, simulation)
    with pytest.raises(IntegrityError, match="may have seen rows"):
        book.fill({day(12): (simulation.days[4],)})  # the model of day 12


def test_no_pair_of_the_report_is_of_a_model_and_an_older_day(work: Workspace, simulation: Simulation) -> None:
    strategies, book = book_of(work, simulation)
    pairs = walkforward._pairs(simulation, strategies, book)
    assert len(pairs) == LAST - FIRST
    assert all(model.day < judged for judged, models in pairs.items() for model in models)


@pytest.fixture(scope="module")
def blemished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, JudgedDay]:
    """Day 9 of a shop, judged: as it is, and with a bad row, an unlabelled one and one of an earlier day's order."""
    found = {}
    for name, statements in (
        ("clean", ()),
        (
            "blemished",
            (
                f"UPDATE orders SET basket_value = -1 WHERE order_no = 9000 AND date(placed_at) = '{day(9)}'",
                "UPDATE orders SET returned = NULL WHERE order_no = 9001",
                "UPDATE orders SET order_no = 8000 WHERE order_no = 9002",
            ),
        ),
    ):
        home = tmp_path_factory.mktemp(name) / "home"
        make_shop(home, home / "pipelines", days=10)
        with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
            for statement in statements:
                connection.execute(statement)
        with pytest.MonkeyPatch.context() as patched:
            enter(home, patched)
            edit_spec(home / "pipelines", registries=[])
            with open_workspace() as work:
                backfill(work, "shop", first=day(8), last=day(9))
                found[name] = judged_days(work, simulated_shop(work))[day(9)]
    return found


def test_bad_unlabelled_and_repeated_rows_judge_nobody(blemished: dict[str, JudgedDay]) -> None:
    assert (blemished["clean"].y.size, blemished["clean"].n_rows) == (80, 80)
    assert (blemished["blemished"].y.size, blemished["blemished"].n_rows) == (77, 80)


def test_labels_that_came_after_the_range_are_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    make_shop(home, home / "pipelines", days=10)
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute("ALTER TABLE orders ADD COLUMN known_at TEXT")
        connection.execute("UPDATE orders SET known_at = datetime(placed_at, '+1 minute')")
        late = "UPDATE orders SET known_at = ? WHERE date(placed_at) = ? AND order_no % 2 = 0"
        connection.execute(late, (f"{day(10)} 12:00:00", str(day(9))))
    schema = {"order_no": "integer", "basket_value": "number", "n_items": "integer", "channel": "category"}
    schema |= {"gift": "boolean", "returned": "category", "known_at": "timestamp"}
    enter(home, monkeypatch)
    edit_spec(home / "pipelines", schema=schema, label={"arrival": "known_at"}, registries=[])
    with open_workspace() as work:
        backfill(work, "shop", first=day(8), last=day(9))
        judged = judged_days(work, simulated_shop(work))[day(9)]
    assert (judged.y.size, judged.n_rows) == (40, 80)
    assert np.isin(judged.y, (0, 1)).all()
