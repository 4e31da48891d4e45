from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.flaws.digests import Digests, variety

VALUES = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.0, 2.5, float("nan")]))


def digests(table: pa.Table) -> Digests:
    return Digests(table, np.zeros(table.num_rows, dtype=np.int8))


@settings(max_examples=25)
@given(st.lists(st.tuples(VALUES, st.sampled_from(["a", "b", None]), st.booleans()), min_size=2, max_size=12))
def test_rows_have_one_digest_where_all_values_are_alike(rows: list[tuple[float | None, str | None, bool]]) -> None:
    numbers, texts, flags = map(list, zip(*rows, strict=True))
    table = pa.table({"x": pa.array(numbers, pa.float64()), "c": pa.array(texts, pa.string()), "f": flags})
    values = [tuple(None if value != value else value for value in row) for row in rows]  # NaN is no value
    exact = digests(table).exact
    for first in range(len(rows)):
        for second in range(len(rows)):
            assert (exact[first] == exact[second]) == (values[first] == values[second])


def test_a_digest_can_be_had_without_a_column() -> None:
    table = pa.table({"x": [1, 2], "y": [5, 5], "c": ["a", "a"]})
    found = digests(table)
    without = found.exact - found.by_column["x"]
    assert found.exact[0] != found.exact[1]
    assert without[0] == without[1]


def test_values_in_other_columns_are_others() -> None:
    found = digests(pa.table({"x": [1.0, 2.0], "y": [2.0, 1.0]}))
    assert found.exact[0] != found.exact[1]


def test_numbers_that_hardly_differ_are_roughly_alike() -> None:
    numbers = np.random.default_rng(1).normal(size=2000)
    both = digests(pa.table({"x": np.concatenate([numbers, numbers + 1e-6])}))
    assert (both.exact[:2000] != both.exact[2000:]).all()
    assert (both.rough[:2000] == both.rough[2000:]).mean() > 0.99


def test_variety_is_what_two_rows_tell_apart() -> None:
    assert variety(np.arange(1000, dtype=np.uint64)) == 64
    assert variety(np.zeros(1000, dtype=np.uint64)) == 0
    assert abs(variety(np.random.default_rng(2).integers(0, 16, 20_000).astype(np.uint64)) - 4) < 0.05
