from __future__ import annotations

import json
import logging

import httpx
import pytest
from given.airflows import connect_to

from mlsys.orchestration.tasks.run_notes import LONGEST, joined, write_note


def test_a_note_begins_with_whose_it_is() -> None:
    assert joined(None, "Promoted 1.0.0") == "mlsys: Promoted 1.0.0"


def test_what_a_person_wrote_stays_above_and_ours_is_replaced() -> None:
    first = joined("after the outage\n\nask Ann", "Failed in split")
    assert first == "after the outage\n\nask Ann\n\nmlsys: Failed in split"
    assert joined(first, "Promoted 1.0.0") == "after the outage\n\nask Ann\n\nmlsys: Promoted 1.0.0"


@pytest.mark.parametrize("before", [None, "a" * 900])
def test_a_note_is_never_longer_than_airflow_takes(before: str | None) -> None:
    note = joined(before, "x" * 2000)
    assert len(note) == LONGEST
    assert note.endswith("…")


def airflow(monkeypatch: pytest.MonkeyPatch, note: str | None) -> list[str]:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            sent.append(json.loads(request.content)["note"])
        return httpx.Response(200, json={"note": note})

    connect_to(monkeypatch, answer)
    return sent


def test_the_same_note_again_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = airflow(monkeypatch, "mlsys: done")
    write_note("d", "r", "done")
    write_note("d", "r", "done twice")
    assert sent == ["mlsys: done twice"]


def test_an_airflow_without_the_connection_costs_a_warning_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_MLSYS_AIRFLOW", raising=False)
    with caplog.at_level(logging.WARNING, "mlsys"):
        write_note("d", "r", "done")
    assert "note_not_written" in caplog.text
