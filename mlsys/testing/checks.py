"""What every check keeps; subclass `CheckContract` and give it the fixture `check`.

A check of scope `partition` also gets the fixture `bad_frame`: rows of `SCHEMA` of which the first alone breaks it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from mlsys.checks.base import Check, PartitionSummary, Summaries
from mlsys.components import Table
from mlsys.schema import DAY, ColumnSpec, Schema

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Schema = {
    "id": ColumnSpec(type="integer"),
    "size": ColumnSpec(type="number"),
    "name": ColumnSpec(type="text"),
    "kind": ColumnSpec(type="category"),
    "paid": ColumnSpec(type="boolean"),
    "sent": ColumnSpec(type="timestamp"),
    "seen": ColumnSpec(type="timestamp"),
}


def good_frame(n: int = 6) -> pd.DataFrame:
    """Return `n` rows of `SCHEMA` as validation sees them: ids count, every text is `abc`, `seen` follows `sent`."""
    import numpy as np
    import pandas as pd

    sent = pd.Series(pd.date_range("2026-03-01", periods=n, freq="h", tz="UTC")).astype("datetime64[us, UTC]")
    return pd.DataFrame(
        {
            "id": pd.array(np.arange(n), dtype="Int64"),
            "size": np.linspace(0, 1, n),
            "name": pd.Series(["abc"] * n, dtype="str"),
            "kind": pd.Series(["x"] * n, dtype="str"),
            "paid": pd.array([True] * n, dtype="boolean"),
            "sent": sent,
            "seen": sent + pd.Timedelta(minutes=5),
            DAY: np.zeros(n, dtype=np.int64),
        }
    )


def summaries(n_rows: int = 100, *, newest_event: datetime | None = None, n_duplicate_keys: int = 0) -> Summaries:
    """Return summaries of one day with `n_rows` rows, cutoff 2026-03-02."""
    partition = PartitionSummary(date(2026, 3, 1), n_rows, n_rows, n_duplicate_keys, newest_event)
    return Summaries((partition,), datetime(2026, 3, 2, tzinfo=UTC), n_duplicate_keys)


class CheckContract:
    """A check says what it demands, survives YAML and JSON, and finds what it is for."""

    def test_it_says_what_it_demands(self, check: Check) -> None:
        """The title is one line for people."""
        assert check.title
        assert "\n" not in check.title

    def test_it_survives_json(self, check: Check, table: Table[Check]) -> None:
        """A stored spec gives the same check back."""
        dumped: dict[str, Any] = check.model_dump(mode="json")
        as_yaml = {key: tuple(value) if isinstance(value, list) else value for key, value in dumped.items()}
        assert table.parse(as_yaml) == check

    def test_it_looks_at_known_columns(self, check: Check) -> None:
        """It fits the schema, and names the column that it misses in another one."""
        assert check.misfit(SCHEMA) is None
        for name in check.looks_at:
            problem = check.misfit({key: value for key, value in SCHEMA.items() if key != name})
            assert problem is not None
            assert name in problem

    def test_good_rows_pass(self, check: Check) -> None:
        """Nothing is found where nothing is wrong."""
        if check.scope == "snapshot":
            found = check.judge(summaries(newest_event=datetime(2026, 3, 1, 23, tzinfo=UTC)))
            assert found.state == "pass"
            return
        from mlsys.validation.gx_suite import run_suite

        (outcome,) = run_suite(good_frame(), [check], SCHEMA, name="contract").outcomes
        assert outcome.message == ""
        assert outcome.state == "pass"

    def test_bad_rows_are_found_by_position(self, check: Check, bad_frame: pd.DataFrame | None) -> None:
        """Exactly the first row is named."""
        if bad_frame is None or not check.rowwise:
            return
        from mlsys.validation.gx_suite import run_suite

        (outcome,) = run_suite(bad_frame, [check], SCHEMA, name="contract").outcomes
        assert (outcome.state, outcome.message) == ("fail", "")
        assert outcome.positions is not None
        assert outcome.positions.tolist() == [0]
