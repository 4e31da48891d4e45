"""Walk-forwards of the shop, whose customers change on day 12, over ranges in which the change can and can't be learnt.

A model of day D is trained on days up to D - 5 (holdout 3 + validation 2), so that none before day 17 knows the change.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from given.shop import CHANGE, day, edit_spec, enter, make_shop

from mlsys.backfill.backfill import backfill
from mlsys.backfill.records import WalkForward, WalkForwardDetails
from mlsys.workspace import open_workspace

pytestmark = pytest.mark.long

FIRST = 8
FLOOR = 0.6
SPLIT = {"kind": "time", "validation_days": 2, "holdout_days": 3}
GATES = [
    {"kind": "minimum", "metric": "roc_auc", "at_least": FLOOR},
    {"kind": "min_rows", "rows": 100, "per_class": 10},
    {"kind": "better_than_champion"},
]


def walked(home: Path, patched: pytest.MonkeyPatch, *, last: int) -> tuple[WalkForward, WalkForwardDetails, str]:
    """Simulate the shop from day FIRST to `last`, and return summary, details and page."""
    make_shop(home, home / "pipelines", days=last + 1)
    edit_spec(home / "pipelines", registries=[], split=SPLIT, gates=GATES)
    enter(home, patched)
    with open_workspace() as work:
        report = backfill(work, "shop", first=day(FIRST), last=day(last), parallel=2).report
    assert report is not None
    details = WalkForwardDetails.model_validate(json.loads((home / report.json_path).read_bytes()))
    return report, details, (home / report.path).read_text(encoding="utf-8")


def test_a_range_that_ends_before_the_change_can_be_learnt_leads_with_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, details, page = walked(tmp_path / "home", monkeypatch, last=CHANGE + 4)
    assert report.change_day == day(CHANGE)
    assert (report.headline, report.repaired) == ("No pace repairs the fall", False)
    assert details.withheld == {"holdout": 3, "validation": 2}
    text = " ".join(page.split())
    assert text.index("No pace repairs the fall") < text.index("makes good half of it")
    assert "No model was trained on the newest 5 days (holdout 3 + validation 2) before its cutoff" in text
    assert f"the model of {day(CHANGE + 5)}, serves on no day of the range" in text


def test_days_on_which_the_floor_kept_the_worse_model_in_service_are_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, details, page = walked(tmp_path / "home", monkeypatch, last=CHANGE + 10)
    kept_out = [model for model in details.models if model.verdict.kept_out_by]
    assert kept_out
    assert report.n_kept_out == len(kept_out) == page.count('<span class="tag kept"')
    for model in kept_out:
        assert model.verdict.kept_out_by == (f"roc_auc at least {FLOOR}",)
        assert model.verdict.outcome == "reject"
        compared = model.verdict.comparison
        assert compared is not None
        assert compared.lower is not None
        assert compared.lower > 0
        own = next(value.value for value in model.holdout if value.name == "roc_auc")
        assert own is not None
        assert own - (compared.difference or 0) < own < FLOOR
    assert "rejected for a minimum that the champion in service misses too" in report.sentence
