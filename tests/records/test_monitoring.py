from __future__ import annotations

import json
from datetime import date

import pytest
from pydantic import ValidationError

from mlsys.records.monitoring import MonitorPart, MonitorReport, MonitorResult


def result(name: str) -> MonitorResult:
    return MonitorResult(
        monitor="feature_drift",
        name=name,
        state="alarm",
        observed=0.4,
        limit=0.1,
        unit="psi",
        sentence="A long finding. " * 20,
        reason="drifted",
        n_rows=1400,
        parts=tuple(MonitorPart(name=f"a_feature_with_a_long_name_{i}", observed=0.4, limit=0.1) for i in range(5)),
    )


def test_a_report_of_many_monitors_fits_between_tasks() -> None:
    results = tuple(result(f"monitor {i}") for i in range(12))
    report = MonitorReport(
        pipeline="shop", day=date(2026, 3, 31), champion="c", state="alarm", sentence=".", results=results
    )
    assert MonitorReport.load(json.loads(json.dumps(report.dump()))) == report


def test_an_index_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValidationError, match="finite"):
        MonitorPart(name="x", observed=float("nan"), limit=0.1)


def test_the_wish_names_what_alarmed_and_how_often() -> None:
    report = MonitorReport(
        pipeline="shop",
        day=date(2026, 3, 31),
        champion="c",
        state="alarm",
        sentence="Alarm: one.",
        results=(result("one"), result("two").model_copy(update={"state": "pass", "sentence": "Nothing."})),
        n_alarmed=2,
        n_windows=3,
    )
    assert report.wish.startswith("Monitors, data up to 2026-03-31: A long finding. ")
    assert report.wish.endswith("2 of the newest 3 windows alarmed.")
    assert "Nothing" not in report.wish
