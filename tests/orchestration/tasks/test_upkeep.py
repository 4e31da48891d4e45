"""Tasks beside the retraining, against a made-up Airflow: when a retraining is asked for, and a report is due."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from airflow.sdk.exceptions import AirflowSkipException
from given.airflows import connect_to
from given.shop import day

from mlsys.backfill.backfill import backfill
from mlsys.errors import UsageError
from mlsys.monitoring.versions import latest_versions
from mlsys.orchestration.tasks import upkeep
from mlsys.orchestration.tasks.questions import rollback_question
from mlsys.records.monitoring import MonitorReport
from mlsys.workspace import Workspace

WANTED = {
    "pipeline": "shop",
    "version": "1.0.0",
    "sentence": "shop: version 1.0.0 in place of 1.0.1",
    "reason": "it is worse",
    "asked_by": "ann",
}


class Airflow:
    """Has some open runs, and keeps what is posted."""

    def __init__(self, *runs: dict[str, Any]) -> None:
        self.runs = list(runs)
        self.posted: list[dict[str, Any]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.posted.append(json.loads(request.content))
            return httpx.Response(200, json={"dag_run_id": "r"})
        return httpx.Response(200, json={"dag_runs": self.runs, "total_entries": len(self.runs)})


def use(monkeypatch: pytest.MonkeyPatch, *runs: dict[str, Any], **context: Any) -> Airflow:
    found = Airflow(*runs)
    connect_to(monkeypatch, found.answer)
    dag_run = SimpleNamespace(dag_id="d", run_id="r", conf={}, triggering_user_name="ann")
    monkeypatch.setattr(upkeep, "get_current_context", lambda: {"dag_run": dag_run, **context})
    monkeypatch.setattr(upkeep, "write_note", lambda *_: None)
    return found


def run_of(run_id: str, state: str, run_type: str = "backfill") -> dict[str, str]:
    return {"dag_run_id": run_id, "state": state, "run_type": run_type}


def report(*, asks: bool) -> dict[str, Any]:
    return MonitorReport(pipeline="shop", day=day(5), state="alarm", sentence="It moved.", asks_retraining=asks).dump()


@pytest.mark.slow
def test_versions_are_measured_up_to_the_day_that_monitors_looked_at(work: Workspace, monkeypatch) -> None:
    use(monkeypatch, params={"day": None})
    seen = upkeep.monitor("shop")
    found = upkeep.measure_versions("shop", seen)
    kept = latest_versions(work.home, "shop")
    assert kept is not None
    assert (found["day"], found["sentence"]) == (seen["day"], kept.sentence)
    with pytest.raises(AirflowSkipException, match="Nothing serves"):
        upkeep.measure_versions("shop", {**seen, "champion": None, "sentence": "Nothing serves."})


def test_monitors_that_ask_start_a_run_named_after_their_day(monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = use(monkeypatch)
    assert upkeep.ask_retraining("shop", report(asks=True)) == {"run_id": f"monitor__{day(5)}"}
    assert [(body["dag_run_id"], body["conf"]["reason"]) for body in airflow.posted] == [
        (f"monitor__{day(5)}", f"Monitors, data up to {day(5)}: It moved.")
    ]


@pytest.mark.parametrize(
    ("asks", "runs", "why"),
    [
        (False, [], "ask for no retraining"),
        (True, [run_of("night", "running", "scheduled")], "night is under way"),
    ],
)
def test_otherwise_nothing_is_started(monkeypatch: pytest.MonkeyPatch, asks, runs, why) -> None:
    airflow = use(monkeypatch, *runs)
    with pytest.raises(AirflowSkipException, match=why):
        upkeep.ask_retraining("shop", report(asks=asks))
    assert airflow.posted == []


@pytest.mark.slow
def test_the_report_waits_for_other_days_but_not_for_those_that_asked_for_it(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing, params = {"first": None, "last": None}, {"pipeline": "shop", "after": "a"}
    use(monkeypatch, run_of("a", "running"), run_of("b", "running"), params=params)
    with pytest.raises(AirflowSkipException, match="More days are on their way"):
        upkeep.walk_forward(nothing)
    use(monkeypatch, run_of("a", "running"), params=params)
    with pytest.raises(AirflowSkipException, match="No simulated day"):
        upkeep.walk_forward(nothing)


@pytest.mark.slow
def test_the_task_hands_on_what_the_report_says(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    done = backfill(work, "shop", first=day(9), last=day(11), parallel=1)
    assert done.report is not None
    use(monkeypatch, params={"pipeline": "shop", "after": "a"})
    notes: list[str] = []
    monkeypatch.setattr(upkeep, "write_note", lambda _dag, _run, text: notes.append(text))
    found = upkeep.walk_forward({"first": str(day(9)), "last": str(day(11))})
    assert {name: value for name, value in found.items() if name != "address"} == done.report.dump()
    assert found["address"].endswith("/reports/shop/walk-forward.html")
    # Airflow cuts a note after 1,000 characters: the link stands before that.
    assert notes[0].index("walk-forward.html)") < 200


@pytest.mark.parametrize("params", [{"from": "2026-05-01", "to": None}, {"from": None, "to": "2026-05-01"}])
def test_a_range_has_two_ends(monkeypatch: pytest.MonkeyPatch, params: dict[str, Any]) -> None:
    use(monkeypatch, params={**params, "pipeline": "shop", "parallel": 1, "reprocess": "none"})
    with pytest.raises(UsageError, match="two ends"):
        upkeep.simulate()


@pytest.mark.slow
def test_specs_that_are_compared_leave_a_plan_and_its_note(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"pipeline": "shop", "from": str(day(10)), "to": str(day(11)), "parallel": 1, "reprocess": "none"}
    use(monkeypatch, params={**params, "compare": True, "changes": ["gates.0.at_least=0.55"]})
    notes: list[str] = []
    monkeypatch.setattr(upkeep, "write_note", lambda _dag, _run, text: notes.append(text))
    done = upkeep.simulate()
    assert upkeep.walk_forward(done)["path"] == "reports/shop/plan.html"
    assert "1 day, without an interval" in done["plan"]["sentence"]
    assert "instead of" in (work.home / "reports" / "shop" / "plan.html").read_text()
    assert notes[0].index("plan.html)") < 200
    use(monkeypatch, params={**params, "from": None, "to": None, "compare": True})
    with pytest.raises(UsageError, match="two ends"):
        upkeep.simulate()


@pytest.mark.usefixtures("home")
def test_an_unknown_parameter_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, params={"day": None})
    upkeep.get_current_context()["dag_run"].conf["dey"] = "2026-05-01"
    with pytest.raises(UsageError, match="Did you mean 'day'"):
        upkeep.score("shop")


def test_a_rollback_asks_where_the_spec_wants_a_person() -> None:
    assert rollback_question({**WANTED, "timeout_seconds": None}) is None
    asked = rollback_question({**WANTED, "timeout_seconds": 7200.0})
    assert asked is not None
    assert asked.subject == "Roll back shop to version 1.0.0?"
    assert "within 2 hours nothing changes" in asked.body
    assert "Asked for by ann, because: it is worse" in asked.body


@pytest.mark.slow
def test_a_rollback_by_two_people_names_both(shop: Any, work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from given.shop import newest_run

    from mlsys.orchestration.tasks import champion_asset
    from mlsys.promotion.by_hand import promote_by_hand

    promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="newer")
    use(monkeypatch)
    monkeypatch.setattr(champion_asset, "announce", lambda *_: True)
    answer = {"answer": "approved", "who": "bob", "reason": "I saw it too"}
    upkeep.roll_back(WANTED, answer)
    change = work.ledger.champion_changes("shop")[-1]
    assert (change.version, change.who, change.reason) == (
        "1.0.0",
        "ann, approved by bob",
        "it is worse (I saw it too)",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"), [("refused", "bob refused it: no"), ("timed_out", "Nobody answered in time")]
)
def test_a_refused_rollback_is_written_down_and_changes_nothing(
    work: Workspace, monkeypatch: pytest.MonkeyPatch, answer: str, said: str
) -> None:
    use(monkeypatch)
    reason = "no" if answer == "refused" else None
    before = work.ledger.champion_changes("shop")
    with pytest.raises(AirflowSkipException, match=said):
        upkeep.roll_back(WANTED, {"answer": answer, "who": "bob", "reason": reason})
    assert work.ledger.champion_changes("shop") == before
    request = work.ledger.requests("shop")[-1]
    assert (request.reason, request.asked_by) == (f"rollback_{answer}", "ann")
    assert said in request.sentence


@pytest.mark.slow
def test_a_hold_and_its_release_name_who_pressed_the_button(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"pipeline": "shop", "until": "2100-01-02T03:04:00Z", "release": False, "reason": "audit week"}
    use(monkeypatch, params=asked)
    upkeep.hold()
    held = work.ledger.hold("shop")
    assert held is not None
    assert (held.who, held.reason) == ("ann", "audit week")
    assert held.until == datetime(2100, 1, 2, 3, 4, tzinfo=UTC)
    use(monkeypatch, params={**asked, "until": None, "release": True})
    assert upkeep.hold()["held"] is False
    assert work.ledger.hold("shop") is None


@pytest.mark.parametrize("until", ["soon", "9999-12-31T23:59:59-14:00"])
def test_an_end_of_a_hold_that_is_no_time_is_told(until: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, params={"pipeline": "shop", "until": until, "release": False, "reason": "audit week"})
    with pytest.raises(UsageError, match=r"^until: "):
        upkeep.hold()
