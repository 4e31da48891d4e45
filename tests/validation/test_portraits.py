"""What is drawn of a partition: numbers that move where the rows do."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from mlsys.schema import ColumnSpec
from mlsys.snapshot.manifest import ManifestEntry
from mlsys.validation.portraits import MOST_VALUES, Portrait, drawn

COLUMNS = {
    "size": ColumnSpec(type="number"),
    "kind": ColumnSpec(type="category"),
    "sent": ColumnSpec(type="timestamp"),
    "label": ColumnSpec(type="category"),
}


def portrait(size: list[float | None], kind: list[str | None], label: list[str | None]) -> Portrait:
    sent = pa.array([datetime(2026, 5, 1, 6, tzinfo=UTC)] * len(size), pa.timestamp("us", "UTC"))
    values = {"size": pa.array(size, pa.float64()), "kind": pa.array(kind, pa.string()), "sent": sent}
    rows = pa.table({**values, "label": pa.array(label, pa.string())})
    entry = ManifestEntry(date(2026, 5, 1), "content", len(size), n_duplicate_keys=1, n_rejected=len(size))
    return drawn(rows, COLUMNS, entry, late={"label"})


def trait(found: Portrait, column: str, what: str) -> float:
    return next(each.value for each in found.traits if (each.column, each.what) == (column, what))


def test_rows_as_a_whole() -> None:
    found = portrait([1.0, 2.0], ["a", "b"], ["x", "y"])
    assert trait(found, "", "number of rows") == pytest.approx(np.log(5))  # those that can't be read came, too
    assert trait(found, "", "share of rows that can't be read") == 0.5
    assert trait(found, "", "share of rows whose key stands there twice") == 0.5


def test_numbers() -> None:
    found = portrait([-10.0, 0.0, 1.5, None], ["a"] * 4, ["x"] * 4)
    assert trait(found, "size", "share of missing values") == 0.25
    assert trait(found, "size", "share of zeros") == pytest.approx(1 / 3)
    assert trait(found, "size", "share of negative numbers") == pytest.approx(1 / 3)
    assert trait(found, "size", "share of whole numbers") == pytest.approx(2 / 3)
    assert trait(found, "size", "order of magnitude") == pytest.approx((1 + np.log10(1.5)) / 2)


def test_texts_and_times() -> None:
    found = portrait([1.0] * 4, ["é", "ab1", "ab1", None], ["x"] * 4)
    assert trait(found, "kind", "share of texts with other signs than ASCII") == pytest.approx(1 / 3)
    assert trait(found, "kind", "share of texts with digits") == pytest.approx(2 / 3)
    assert trait(found, "sent", "days since the partition's, mean from the 40% to the 60% quantile") == 0.25
    assert found.counts["kind"] == {"é": 1, "ab1": 2}


def test_of_labels_which_come_late_only_known_ones_count() -> None:
    found = portrait([1.0, 2.0], ["a", "b"], ["x", None])
    assert "share of missing values" not in [each.what for each in found.traits if each.column == "label"]
    assert found.counts["label"] == {"x": 1}


def test_many_values_are_not_counted_one_by_one() -> None:
    n = MOST_VALUES + 1
    assert "kind" not in portrait([1.0] * n, [f"a{i}" for i in range(n)], ["x"] * n).counts


def test_columns_without_a_value_have_hardly_a_trait() -> None:
    found = portrait([None, None], [None, None], [None, None])
    assert [each.what for each in found.traits if each.column in ("size", "kind")] == ["share of missing values"] * 2
