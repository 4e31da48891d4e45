"""Bad input costs one clear error and changes nothing: neither the store nor the catalog."""

import gzip
import sqlite3

import pytest
from given.tables_samples import COLUMNS, FIRST_DAY, visits, visits_spec, write

from mlsys import clock
from mlsys.errors import DataError, TransientError
from mlsys.snapshot import snapshot
from mlsys.sources.reading import databases
from mlsys.testing.catalog import MemoryCatalog


@pytest.fixture
def refused(store):
    """Take a snapshot that must fail, and see that nothing was written."""

    def _refused(spec, error, match):
        catalog = MemoryCatalog()
        with pytest.raises(error, match=match) as caught:
            snapshot.take(spec, clock.cutoff_of(FIRST_DAY), catalog=catalog, store=store)
        assert not catalog._rows["visits"]
        assert not store.root.exists()
        assert caught.value.remedy
        return caught.value

    return _refused


def table(path, **fields):
    source = {"kind": "sql", "url": f"sqlite:///{path}", "table": "visits", "event_time": "seen_at", **fields}
    return visits_spec(source)


def files(folder, **fields):
    return visits_spec({"kind": "files", "path": f"{folder}/*.csv", "event_time": "seen_at", **fields})


def text(rows):
    return "\n".join(",".join("" if value is None else str(value) for value in row) for row in [COLUMNS, *rows])


def test_missing_table(tmp_path, refused):
    write(tmp_path / "a.db", visits(0))
    refused(table(tmp_path / "a.db", table="visit"), DataError, "Did you mean 'visits'")


def test_missing_database(tmp_path, refused):
    refused(table(tmp_path / "a.db"), DataError, "no such database file")


def test_missing_column(tmp_path, refused):
    write(tmp_path / "a.db", visits(0))
    spec = table(tmp_path / "a.db")
    spec = visits_spec(
        spec.source.model_dump(), schema={"visit_id": "integer", "second": "number", "bought": "category"}
    )
    refused(spec, DataError, "no column 'second'.*Did you mean 'seconds'")


def test_wrong_type(tmp_path, refused):
    write(tmp_path / "a.db", [(row[0], "slow", *row[2:]) for row in visits(0)])
    refused(table(tmp_path / "a.db"), DataError, "Wrong type: most values of column 'seconds'.*slow")


def test_locked_database(tmp_path, refused, monkeypatch):
    write(tmp_path / "a.db", visits(0))
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.01)
    writer = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        refused(table(tmp_path / "a.db"), TransientError, "locked")
    finally:
        writer.close()


def test_too_many_bad_rows(tmp_path, refused):
    write(tmp_path / "a.db", [(row[0], "slow" if i < 5 else 1, *row[2:]) for i, row in enumerate(visits(0))])
    message = r"5 of 20 new rows of 2026-03-01 \(25\.00%\).*10\.00%.*visit_id=0.*visit_id=2"
    error = refused(table(tmp_path / "a.db"), DataError, message)
    assert "tolerated_share" in error.remedy


def test_corrupt_lines_past_the_tolerated_share(tmp_path, refused):
    (tmp_path / "a.csv").write_text(text(visits(0)) + "\nbroken" * 3)
    refused(files(tmp_path), DataError, r"3 of 23 new rows.*a\.csv:22")


def test_one_bad_day_does_not_hide_behind_good_ones(tmp_path, store):
    catalog = MemoryCatalog()
    pattern = {"day_pattern": r"(\d{4}-\d{2}-\d{2})", "event_time": None}
    (tmp_path / "2026-02-28.csv").write_text(text(visits(0, n=200)))
    snapshot.take(files(tmp_path, **pattern), clock.cutoff_of(FIRST_DAY).replace(day=1), catalog=catalog, store=store)
    (tmp_path / "2026-03-01.csv").write_text(text(visits(0)) + "\nbroken" * 5)
    with pytest.raises(DataError, match="5 of 25 new rows"):
        snapshot.take(files(tmp_path, **pattern), clock.cutoff_of(FIRST_DAY), catalog=catalog, store=store)
    assert len(catalog._rows["visits"]) == 1


def test_a_bad_newest_day_does_not_hide_behind_the_others_of_its_reading(tmp_path, store):
    pattern = {"day_pattern": r"(\d{4}-\d{2}-\d{2})", "event_time": None}
    (tmp_path / "2026-02-28.csv").write_text(text(visits(0, n=200)))
    (tmp_path / "2026-03-01.csv").write_text(text(visits(0)) + "\nbroken" * 5)
    catalog = MemoryCatalog()
    with pytest.raises(DataError, match=r"5 of 25 new rows of 2026-03-01 \(20\.00%\)"):
        snapshot.take(files(tmp_path, **pattern), clock.cutoff_of(FIRST_DAY), catalog=catalog, store=store)
    assert not catalog._rows.get("visits")


def test_truncated_file(tmp_path, refused):
    (tmp_path / "a.csv").write_bytes(gzip.compress(text(visits(0)).encode())[:-12])
    refused(files(tmp_path), DataError, r"a\.csv: The file is half written or damaged")


def test_wrong_encoding(tmp_path, refused):
    (tmp_path / "a.csv").write_bytes(text(visits(0)).replace("home", "hôme").encode("latin-1"))
    refused(files(tmp_path), DataError, r"a\.csv: The file is not in the declared encoding")


def test_tolerated_bad_rows_are_counted_and_kept_with_their_reasons(tmp_path, store):
    (tmp_path / "a.csv").write_text(text(visits(0)) + "\nbroken")
    taken = snapshot.take(files(tmp_path), clock.cutoff_of(FIRST_DAY), catalog=MemoryCatalog(), store=store)
    entry = store.read_json(taken.snapshot.manifest)["partitions"][0]
    assert (entry["n_rows"], entry["n_rejected"]) == (20, 1)
    assert store.read_json(entry["rejects"]) == [{"where": f"{tmp_path}/a.csv:22", "reason": "1 fields instead of 6"}]
