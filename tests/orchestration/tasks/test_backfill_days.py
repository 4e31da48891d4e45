"""Which days does a backfill of Airflow have, and who asks for them?"""

from __future__ import annotations

from datetime import date

import httpx
import pytest
from given.airflows import connect_to

from mlsys.orchestration.tasks.backfill_days import with_days_of_backfill
from mlsys.planning.plan import RunRequest
from mlsys.snapshot.ranges import DayRange

FOUND = [
    {"id": 3, "from_date": "2026-03-09T00:00:00Z", "to_date": "2026-03-09T00:00:00Z", "created_at": "c3"},
    {"id": 2, "from_date": "2026-03-04T00:00:00Z", "to_date": "2026-03-08T00:00:00Z", "created_at": "c2"},
    {"id": 1, "from_date": "2026-03-01T00:00:00Z", "to_date": "2026-03-31T00:00:00Z", "created_at": "c1"},
]
THIRD = RunRequest("shop", partition_key="2026-03-05", run_type="backfill")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the questions that a made-up Airflow was asked."""
    questions: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        questions.append(str(request.url.params))
        return httpx.Response(200, json={"backfills": FOUND, "total_entries": len(FOUND)})

    connect_to(monkeypatch, answer)
    return questions


def test_the_days_are_those_of_the_newest_backfill_with_the_runs_own_day(asked: list[str]) -> None:
    found = with_days_of_backfill(THIRD).together
    assert found == DayRange("retrain_shop 2 c2", date(2026, 3, 4), date(2026, 3, 8))
    assert "dag_id=retrain_shop" in asked[0]
    assert "order_by=-id" in asked[0]


def test_a_day_of_no_backfill_is_read_alone(asked: list[str]) -> None:
    other = RunRequest("shop", partition_key="2026-04-01", run_type="backfill")
    assert with_days_of_backfill(other) == other
    assert asked


def test_other_runs_ask_nothing(asked: list[str]) -> None:
    for request in (RunRequest("shop", partition_key="2026-03-05"), RunRequest("shop", run_type="backfill")):
        assert with_days_of_backfill(request) is request
    assert asked == []


def test_without_a_connection_a_run_reads_its_own_days_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_MLSYS_AIRFLOW", raising=False)
    assert with_days_of_backfill(THIRD) is THIRD
    assert "days_of_backfill_not_known" in caplog.text
