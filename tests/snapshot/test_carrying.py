"""A change of the spec forgets no stored day: it is carried over, or the loss is said before and must be accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from given.tables_samples import FIRST_DAY, change, visits, visits_spec, write

from mlsys import clock
from mlsys.errors import DataError
from mlsys.snapshot import snapshot
from mlsys.snapshot.rows import read_rows
from mlsys.snapshot.snapshot import Taken
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.testing.catalog import MemoryCatalog

SCHEMA = {"visit_id": "integer", "seconds": "number", "page": "category", "bought": "category"}
N_DAYS, N_KEPT = 8, 5  # the source keeps the newest days alone


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "visits.db", [row for day in range(N_DAYS) for row in visits(day)])
    return tmp_path / "visits.db"


@pytest.fixture
def spec(path: Path) -> Callable[..., Spec]:
    def _spec(source: dict[str, Any] | None = None, **changes: Any) -> Spec:
        table = {"kind": "sql", "url": f"sqlite:///{path}", "table": "visits", "event_time": "seen_at"}
        return visits_spec(
            {**table, **(source or {})}, **{"schema": SCHEMA, "label": {"arrival": "known_at"}, **changes}
        )

    return _spec


@pytest.fixture
def catalog() -> MemoryCatalog:
    return MemoryCatalog()


@pytest.fixture
def take(catalog: MemoryCatalog, store: Store) -> Callable[..., Taken]:
    def _take(spec: Spec, day: int = N_DAYS - 1, **options: Any) -> Taken:
        cutoff = clock.cutoff_of(FIRST_DAY + timedelta(days=day))
        taken = snapshot.take(spec, cutoff, catalog=catalog, store=store, **options)
        assert taken is not None
        return taken

    return _take


def forget(path: Path, days: int = N_DAYS - N_KEPT) -> None:
    """Let the source drop its oldest days, and half of the next one."""
    change(path, f"DELETE FROM visits WHERE visit_id < {days * 1000}")
    change(path, f"DELETE FROM visits WHERE visit_id BETWEEN {days * 1000 + 10} AND {days * 1000 + 19}")


@pytest.fixture
def shrunk(path: Path, spec: Callable[..., Spec], take: Callable[..., Taken]) -> None:
    """All days are stored, the source has dropped some since, and has a new column."""
    take(spec())
    forget(path)
    add_column(path)


def rows(taken: Taken, store: Store, *columns: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = read_rows(taken.snapshot.manifest, store, columns).sort_by("visit_id").to_pydict()
    return found


def add_column(path: Path) -> None:
    change(path, "ALTER TABLE visits ADD COLUMN country TEXT DEFAULT 'de'")


def test_a_column_that_is_new_is_missing_in_days_that_the_source_has_dropped(path, spec, take, store):
    before = take(spec())
    forget(path)
    add_column(path)
    after = take(spec(schema={**SCHEMA, "country": "category"}))
    assert (after.snapshot.n_rows, after.snapshot.n_partitions) == (N_DAYS * 20, N_DAYS)
    assert after.moved == "4 days (70 rows) no longer in the source carried over"
    names = ("visit_id", "seconds", "page", "bought", "_event_time", "_label_arrival")
    assert rows(after, store, *names) == rows(before, store, *names)
    country = rows(after, store, "visit_id", "country")["country"]
    assert country == [None] * 80 + ["de"] * 80  # the day of which the source has half is whole, as it was stored


def test_what_the_source_still_has_is_read_with_its_new_column(path, spec, take, store):
    take(spec())
    add_column(path)
    after = take(spec(schema={**SCHEMA, "country": "category"}))
    assert after.moved == ""
    assert set(rows(after, store, "visit_id", "country")["country"]) == {"de"}


@pytest.mark.parametrize(
    "case", [("visit_id", "number", [0.0, 1.0]), ("page", "text", ["NA", "home"])], ids=["number", "text"]
)
def test_a_wider_type_takes_the_old_values(spec, take, store, shrunk, case):
    column, logical, values = case
    after = take(spec(schema={**SCHEMA, column: logical}))
    assert after.snapshot.n_rows == N_DAYS * 20
    assert rows(after, store, *dict.fromkeys(("visit_id", column)))[column][:2] == values


def test_a_dropped_column_takes_no_day_along(path, spec, take, store):
    take(spec(key=[]))
    forget(path)
    after = take(spec(key=[], schema={name: type_ for name, type_ in SCHEMA.items() if name != "seconds"}))
    assert after.snapshot.n_rows == N_DAYS * 20


@pytest.mark.slow
def test_the_next_run_finds_what_was_carried(path, spec, take, catalog, store):
    take(spec(), 6)
    forget(path)
    add_column(path)
    wider = spec(schema={**SCHEMA, "country": "category"})
    first = take(wider, 6)
    assert take(wider, 6).snapshot == first.snapshot
    assert take(wider).snapshot.n_partitions == N_DAYS
    back = take(spec())  # and the way back loses nothing either
    assert (back.snapshot.n_rows, back.moved) == (N_DAYS * 20, "")


def test_a_range_carries_over_too(path, spec, take, catalog, store):
    take(spec())
    forget(path)
    add_column(path)
    wider = spec(schema={**SCHEMA, "country": "category"})
    first, last = FIRST_DAY + timedelta(days=6), FIRST_DAY + timedelta(days=7)
    snapshot.take_in(wider, first, last, catalog=catalog, store=store)
    assert take(wider).snapshot.n_partitions == N_DAYS


def test_a_run_about_an_old_day_loses_no_later_one(path, spec, take, catalog, store):
    take(spec())
    add_column(path)
    wider = spec(schema={**SCHEMA, "country": "category"})
    take(wider, 3)
    forget(path)
    assert take(wider).snapshot.n_partitions == N_DAYS


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "narrower": ({"schema": {**SCHEMA, "seconds": "integer"}}, "their column 'seconds' is number, not integer"),
    "read otherwise": (
        {"schema": {**SCHEMA, "seconds": {"type": "number", "null_values": ["-1"]}}},
        "their column 'seconds' was read with another `null_values`",
    ),
    "another key": ({"key": ["visit_id", "page"]}, "their key is visit_id, not visit_id, page"),
    "another target": (
        {"target": {"column": "page", "positive": "home"}},
        "their target is 'bought', not 'page'",
    ),
    "another source": ({"source": {"query": "SELECT * FROM visits", "table": None}}, "another `source`"),
    "a column that must be there": (
        {
            "schema": {**SCHEMA, "country": "category"},
            "checks": {"tolerated_share": 0.1, "rules": [{"kind": "not_null", "column": "country"}]},
        },
        "they have no column 'country', and a check wants a value of it",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_cant_be_carried_is_refused_until_the_loss_is_accepted(spec, take, catalog, shrunk, name):
    changes, why = CHANGES[name]
    before = list(catalog._rows["visits"])
    with pytest.raises(DataError, match=r"4 days \(70 rows\).*would be lost") as refused:
        take(spec(**changes))
    assert why in str(refused.value)
    assert catalog._rows["visits"] == before
    accepted = take(spec(**changes), accept_loss=True)
    assert (accepted.snapshot.n_partitions, accepted.moved) == (5, "4 days (70 rows) no longer in the source given up")
    assert take(spec(**changes)).moved == ""


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_is_asked_while_the_source_has_it_all(path, spec, take, name):
    take(spec())
    add_column(path)
    assert take(spec(**CHANGES[name][0])).snapshot.n_partitions == N_DAYS


def test_how_many_rows_are_read_at_once_is_no_other_source(path, spec, take):
    take(spec())
    forget(path)
    assert take(spec({"chunk_rows": 7})).snapshot.n_rows == N_DAYS * 20


def test_rows_that_could_not_be_read_stay_counted(path, spec, take, store):
    change(path, "UPDATE visits SET seconds = 'slow' WHERE visit_id = 5")
    take(spec())
    forget(path)
    add_column(path)
    taken = take(spec(schema={**SCHEMA, "country": "category"}))
    assert [entry["n_rejected"] for entry in store.read_json(taken.snapshot.manifest)["partitions"]] == [1] + [0] * 7


def test_a_layout_that_nobody_knows_is_said_to_be_so(path, spec, take, catalog, store):
    take(spec())
    forget(path)
    store.path(catalog._rows["visits"][0].layout).unlink()
    with pytest.raises(DataError, match="not known any more"):
        take(spec(schema={**SCHEMA, "seen_at": {"type": "timestamp"}}))
