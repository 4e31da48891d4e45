from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.serialization.encoders import encode_deadline_alert
from given.receivers import receiving
from given.shop import edit_spec, enter, make_shop

from mlsys.orchestration.dags.deadlines import deadline, missed
from mlsys.spec import load_spec

RUN = {"dag_id": "retrain_shop", "dag_run_id": "scheduled__2026-05-02__x", "partition_key": "2026-05-02"}


@pytest.fixture
def pipelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_shop(tmp_path, tmp_path / "pipelines", days=0)
    enter(tmp_path, monkeypatch)
    return tmp_path / "pipelines"


def test_a_spec_that_names_none_has_none(pipelines: Path) -> None:
    assert deadline(load_spec(pipelines / "shop.yaml")) is None


def test_a_pipeline_that_runs_by_hand_alone_has_none(pipelines: Path) -> None:
    edit_spec(pipelines, schedule={"enabled": False, "deadline": "06:00"})
    assert deadline(load_spec(pipelines / "shop.yaml")) is None


def test_a_time_of_day_counts_from_the_start_of_the_nightly_run(pipelines: Path) -> None:
    edit_spec(pipelines, schedule={"hour": 2, "deadline": "06:30"})
    found = deadline(load_spec(pipelines / "shop.yaml"))
    assert found is not None
    assert found.interval == timedelta(hours=4, minutes=30)
    assert found.callback.path == "mlsys.orchestration.dags.deadlines.missed"
    assert "NightlyStart" in str(encode_deadline_alert(found))


@pytest.mark.slow
def test_a_missed_one_reaches_the_channels_once(pipelines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_spec(pipelines, notify={"email": ["ann@example.com"], "webhook": True})
    with receiving() as (mail, hook):
        monkeypatch.setenv("AIRFLOW_CONN_MLSYS_SMTP", mail.connection)
        monkeypatch.setenv("AIRFLOW_CONN_MLSYS_WEBHOOK", hook.connection)
        for _ in range(2):
            asyncio.run(missed("shop", "06:00", {"dag_run": RUN, "deadline": {}}))
    (got,) = hook.notices
    assert (got["event"], got["day"], got["dag_run"]) == ("deadline_missed", "2026-05-02", RUN["dag_run_id"])
    assert "06:00" in got["sentence"]
    assert len(mail.mails) == 1
