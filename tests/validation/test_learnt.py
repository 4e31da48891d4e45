"""The check that nobody writes, from files to the verdict: what it stops, what it only says, and what it reads."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from given.shop import SPEC

from mlsys import clock
from mlsys.records import CheckReport, CheckResult
from mlsys.snapshot import snapshot
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.testing.catalog import MemoryCatalog
from mlsys.validation import portraits as module
from mlsys.validation.learnt import KIND
from mlsys.validation.validation import validate

N_PAST = 16


class Shop:
    """Days of a shop's CSV files."""

    def __init__(self, home: Path, store: Store) -> None:
        self.home, self.store, self.catalog = home, store, MemoryCatalog()
        for day in range(1, N_PAST + 1):
            self.write(day)

    def write(self, day: int, *, unit: float = 1.0, n_rows: int = 120) -> None:
        """Write a day's file, with values in another unit, or with fewer rows."""
        random = np.random.default_rng(day)
        values, channels = random.normal(60, 15, n_rows) * unit, random.choice(["web", "shop", "app"], n_rows)
        lines = [f"{day}-{i},{values[i]:.2f},{channels[i]},{i % 3 == 0}" for i in range(n_rows)]
        path = self.home / f"2026-05-{day:02}.csv"
        path.write_text("\n".join(["order_no,basket_value,channel,returned", *lines]) + "\n")

    def checked(self, day: int, **learnt: Any) -> CheckReport:
        """Return the verdict on all days up to one."""
        source = {"kind": "files", "path": f"{self.home}/*.csv", "day_pattern": r"(\d{4}-\d{2}-\d{2})"}
        schema = {"order_no": "text", "basket_value": "number", "channel": "category", "returned": "boolean"}
        mapping = {**yaml.safe_load(SPEC), "source": source, "schema": schema, "checks": {"learnt": learnt}}
        mapping["target"] = {"column": "returned", "positive": "true"}
        spec = Spec.model_validate(mapping | {"tags": (), "models": ("logistic",), "gates": ("min_rows",)})
        cutoff = clock.cutoff_of(date(2026, 5, day))
        taken = snapshot.take(spec, cutoff, catalog=self.catalog, store=self.store)
        assert taken is not None
        return validate(spec, taken.snapshot, store=self.store, home=self.home)


@pytest.fixture
def shop(home: Path, store: Store) -> Shop:
    return Shop(home, store)


def said(report: CheckReport) -> CheckResult | None:
    return next((result for result in report.results if result.kind == KIND), None)


@pytest.mark.slow
def test_a_day_like_the_others_passes(shop: Shop) -> None:
    found = said(shop.checked(N_PAST))
    assert found is not None
    assert (found.state, found.sentence) == ("pass", "2026-05-16 looks like 15 days before it")


@pytest.mark.slow
def test_with_little_history_nothing_is_said(shop: Shop) -> None:
    assert said(shop.checked(N_PAST - 2)) is None


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"unit": 100.0}, {"unit": -1.0}, {"n_rows": 40}])
def test_a_corrupt_day_is_told_and_by_default_stops_nothing(shop: Shop, changes: dict[str, Any]) -> None:
    shop.write(N_PAST, **changes)
    report = shop.checked(N_PAST)
    found = said(report)
    assert found is not None
    assert (found.state, found.severity, report.state) == ("fail", "warning", "pass")
    assert "2026-05-16 is unlike 15 days before it: " in found.sentence


@pytest.mark.slow
def test_a_critical_one_stops_the_run_and_is_set_aside_in_later_ones(shop: Shop) -> None:
    shop.write(N_PAST, unit=100.0)
    shop.write(N_PAST + 1)
    assert shop.checked(N_PAST, severity="critical").state == "fail"
    later = shop.checked(N_PAST + 1, severity="critical")
    assert (later.state, later.n_quarantined, later.bad.n_bad) == ("pass", 120, 0)


@pytest.mark.slow
def test_a_second_corrupt_day_is_odd_until_the_first_is_trusted(shop: Shop) -> None:
    shop.write(N_PAST, unit=100.0)
    shop.write(N_PAST + 1, unit=100.0)
    assert shop.checked(N_PAST + 1, severity="critical").state == "fail"
    trusted = shop.checked(N_PAST + 1, severity="critical", trusted_days=(date(2026, 5, N_PAST),))
    assert (trusted.state, trusted.n_quarantined) == ("pass", 0)


@pytest.mark.slow
def test_it_can_be_told_to_look_away(shop: Shop) -> None:
    shop.write(N_PAST, unit=100.0)
    assert said(shop.checked(N_PAST, severity="ignored")) is None
    found = said(shop.checked(N_PAST, ignore=("basket_value",)))
    assert found is not None
    assert found.state == "pass"


@pytest.mark.slow
def test_days_that_were_seen_are_not_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    rows = module.read_rows
    monkeypatch.setattr(module, "read_rows", lambda *args, days: read.append(len(days)) or rows(*args, days=days))
    first = shop.checked(N_PAST)
    assert shop.checked(N_PAST) == first
    shop.write(N_PAST + 1)
    shop.checked(N_PAST + 1)
    assert read == [N_PAST, 1]


@pytest.mark.slow
def test_what_was_remembered_and_what_is_found_anew_are_the_same(shop: Shop) -> None:
    shop.write(N_PAST, unit=0.01)
    first = shop.checked(N_PAST)
    for path in (shop.home / "cache").rglob("*.json"):
        path.unlink()
    assert shop.checked(N_PAST) == first
