"""What each column holds: counted over all days, read of new days alone, and near the truth where it is estimated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from given.shop import SPEC

from mlsys import clock
from mlsys.snapshot import snapshot
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.testing.catalog import MemoryCatalog
from mlsys.validation import column_profiles as module
from mlsys.validation.column_profiles import KEPT, profiles

HEADER = "order_no,basket_value,channel,returned"


class Days:
    """Days of CSV files, and the profiles of all that have come."""

    def __init__(self, home: Path, store: Store) -> None:
        self.home, self.store, self.catalog = home, store, MemoryCatalog()
        source = {"kind": "files", "path": f"{home}/*", "day_pattern": r"(\d{4}-\d{2}-\d{2})"}
        schema = {"order_no": "text", "basket_value": "number", "channel": "category", "returned": "boolean"}
        mapping = {**yaml.safe_load(SPEC), "source": source, "schema": schema, "checks": {}}
        mapping["target"] = {"column": "returned", "positive": "true"}
        self.spec = Spec.model_validate(mapping | {"tags": (), "models": ("logistic",), "gates": ("min_rows",)})

    def day(self, number: int, *rows: str) -> dict[str, tuple[int, int, bool]]:
        (self.home / f"2026-05-{number:02}.csv").write_text("\n".join([HEADER, *rows]) + "\n")
        taken = snapshot.take(
            self.spec, clock.cutoff_of(clock.parse_day(f"2026-05-{number:02}")), catalog=self.catalog, store=self.store
        )
        assert taken is not None
        found = profiles(self.spec, taken.snapshot.manifest, store=self.store, home=self.home)
        return {each["name"]: (each["n_missing"], each["n_distinct"], each["exact"]) for each in found}


@pytest.fixture
def days(home: Path, store: Store) -> Days:
    return Days(home, store)


def test_missing_and_distinct_values_are_counted_over_all_days(days: Days) -> None:
    days.day(1, "a1,1.5,web,true", "a2,,web,false", "a3,1.5,,true")
    found = days.day(2, "b1,1.5,shop,true", "b2,,None,")
    assert found["order_no"] == (0, 5, True)
    assert found["basket_value"] == (2, 1, True)
    assert found["channel"] == (1, 3, True)  # `None` is a name
    assert found["returned"] == (1, 2, True)


def test_days_that_were_seen_are_not_read_again(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    days.day(1, "a1,1.5,web,true")
    read: list[object] = []
    original = module.read_rows

    def counting(*arguments: object, days: object, **more: object) -> pa.Table:
        read.append(days)
        return original(*arguments, days=days, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "read_rows", counting)
    again = days.day(2, "b1,2.5,shop,true")
    assert read == [{clock.parse_day("2026-05-02")}]
    for path in (days.home / "cache" / "columns").rglob("*"):
        if path.is_file():
            path.write_bytes(b"torn")
    assert days.day(2, "b1,2.5,shop,true") == again


@pytest.mark.slow
def test_an_estimate_is_near_the_truth() -> None:
    errors = []
    for seed in range(40):
        texts = pa.chunked_array([pa.array([f"{seed}-{number % 5000}" for number in range(10_000)])])
        found = module._joined("a", "text", [{"a": part} for part in module._looked(texts, [2500] * 4)], 10_000)
        assert not found.exact
        errors.append(found.n_distinct / 5000 - 1)
    assert abs(np.mean(errors)) < 3 * 0.09 / np.sqrt(40)
    assert 0.05 < np.std(errors) < 0.14  # 1 / sqrt(KEPT - 2) is 0.09


def test_what_is_kept_of_a_column_does_not_grow_with_it() -> None:
    many = pa.chunked_array([pa.array(range(50_000))])
    ((n_missing, kept),) = module._looked(many, [50_000])
    assert (n_missing, kept.size) == (0, KEPT)
