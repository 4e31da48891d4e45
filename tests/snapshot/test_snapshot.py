"""Snapshots: the same content is the same snapshot, and what was taken once stays as it was."""

import random
from datetime import timedelta

import pytest
from given.tables_samples import FIRST_DAY, change, visits, visits_spec, write

from mlsys import clock
from mlsys.errors import DataError, IntegrityError, NotUnderstoodError, UsageError
from mlsys.snapshot import segments, snapshot
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.testing.catalog import MemoryCatalog

COLUMNS = ["visit_id", "seconds", "page", "bought", "_event_time", "_key", "_day"]


def cutoff(day):
    """The cutoff of the `day`-th day."""
    return clock.cutoff_of(FIRST_DAY + timedelta(days=day))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "visits.db"


@pytest.fixture
def catalog():
    return MemoryCatalog()


@pytest.fixture
def timed(path):
    return visits_spec({"kind": "sql", "url": f"sqlite:///{path}", "table": "visits", "event_time": "seen_at"})


@pytest.fixture
def untimed(path):
    return visits_spec({"kind": "sql", "url": f"sqlite:///{path}", "table": "visits"})


@pytest.fixture
def labelled(path):
    source = {
        "kind": "sql",
        "url": f"sqlite:///{path}",
        "table": "visits",
        "event_time": "seen_at",
        "timezone": "UTC",
    }
    columns = {
        "visit_id": "integer",
        "seconds": "number",
        "page": "category",
        "bought": "category",
        "known_at": "timestamp",
    }
    return visits_spec(source, schema=columns, label={"arrival": "known_at"})


@pytest.fixture
def arrivals():
    """What each call of `take` was the first to read."""
    return []


@pytest.fixture
def take(catalog, store, arrivals):
    def snapshot_of(spec, day):
        taken = snapshot.take(spec, cutoff(day), catalog=catalog, store=store)
        if taken is not None:
            arrivals.append(taken.arrivals)
        return taken and taken.snapshot

    return snapshot_of


def read(taken, store, columns=COLUMNS):
    return read_rows(taken.manifest, store, columns)


def segment_of(taken, store):
    listing = read_manifest(taken.manifest, store)
    return store.path(segments.locate(listing.layout, listing.partitions, store)[0].segment)


def test_rows_before_the_cutoff_and_no_others(path, timed, take, arrivals, store):
    write(path, [row for day in range(4) for row in visits(day)])
    taken = take(timed, 2)
    assert (taken.n_rows, taken.n_partitions, arrivals[-1].n_rows) == (60, 3, 60)
    assert (taken.first_day, taken.last_day) == (FIRST_DAY, FIRST_DAY + timedelta(days=2))
    assert sorted(set(read(taken, store)["_day"].to_pylist())) == [FIRST_DAY + timedelta(days=i) for i in range(3)]


def test_same_rows_in_another_order_are_the_same_snapshot(tmp_path, store):
    rows = [row for day in range(3) for row in visits(day)]
    shuffled = random.Random(1).sample(rows, len(rows))
    tables = []
    for name, members in (("a", rows), ("b", shuffled)):
        write(tmp_path / name, members)
        source = {"kind": "sql", "url": f"sqlite:///{tmp_path / name}", "table": "visits", "event_time": "seen_at"}
        taken = snapshot.take(visits_spec(source), cutoff(2), catalog=MemoryCatalog(), store=store).snapshot
        tables.append((taken.fingerprint, read(taken, store)))
    assert tables[0] == tables[1]


def test_a_manifest_of_a_newer_version_is_said_to_be_one(path, timed, take, store):
    write(path, visits(0))
    written = store.read_json(take(timed, 0).manifest)
    written["partitions"] = [{**entry, "mood": "good"} for entry in written["partitions"]]
    with pytest.raises(NotUnderstoodError, match=r"manifest is not understood: .*'mood'.*A newer mlsys wrote it"):
        read_manifest(store.put_json(written), store)


def test_taking_twice_adds_nothing(path, timed, take, arrivals, catalog):
    write(path, visits(0))
    first, second = take(timed, 0), take(timed, 0)
    assert second.fingerprint == first.fingerprint
    assert [found.n_partitions for found in arrivals] == [1, 0]
    assert [row.version for row in catalog.partitions("visits", _layout(catalog))] == [1]


def _layout(catalog):
    return next(row.layout for row in catalog._rows["visits"])


def test_a_new_day_is_one_new_partition(path, timed, take, arrivals, store):
    write(path, visits(0))
    before = take(timed, 0)
    write(path, visits(1))
    after = take(timed, 1)
    assert (arrivals[-1].n_partitions, arrivals[-1].days) == (1, (FIRST_DAY + timedelta(days=1),))
    assert after.fingerprint != before.fingerprint
    assert read(after, store).slice(0, 20).equals(read(before, store))


def test_late_row_in_the_lookback_window_makes_a_new_version(path, timed, take, arrivals, store):
    write(path, visits(0))
    before = take(timed, 0)
    kept = read(before, store)
    write(path, [(77, 1.0, "home", "no", visits(0)[5][4], None), *visits(1)])
    after = take(timed, 1)
    assert (after.n_rows, arrivals[-1].n_partitions) == (41, 2)
    assert [entry["version"] for entry in store.read_json(after.manifest)["partitions"]] == [2, 1]
    assert read(before, store).equals(kept)


def test_change_outside_the_window_is_found_by_the_full_check_alone(path, timed, take, catalog, store):
    write(path, [row for day in range(5) for row in visits(day)])
    before = take(timed, 4)
    change(path, "UPDATE visits SET seconds = 99 WHERE visit_id = 1")
    assert take(timed, 4).fingerprint == before.fingerprint
    found = snapshot.problems(timed, catalog=catalog, store=store)
    assert len(found) == 1
    assert found[0].startswith(f"{FIRST_DAY}: ")


def test_full_check_finds_vanished_and_unknown_days(path, timed, take, catalog, store):
    write(path, [*visits(0), *visits(2)])
    take(timed, 2)
    change(path, "DELETE FROM visits WHERE visit_id < 1000")
    write(path, visits(1))
    found = snapshot.problems(timed, catalog=catalog, store=store)
    assert [text.partition(": ")[2] for text in found] == [
        "20 rows are stored, the source has none any more",
        "the source has 20 rows, none are stored",
    ]


def test_full_check_finds_a_missing_segment(path, timed, take, catalog, store):
    write(path, visits(0))
    taken = take(timed, 0)
    segment_of(taken, store).unlink()
    assert any("missing" in text for text in snapshot.problems(timed, catalog=catalog, store=store))


def test_full_check_of_sound_data_finds_nothing(path, timed, take, catalog, store):
    write(path, visits(0))
    take(timed, 0)
    assert snapshot.problems(timed, catalog=catalog, store=store) == []


def test_days_missed_longer_than_the_lookback_are_not_lost(path, timed, take):
    write(path, visits(0))
    take(timed, 0)
    write(path, [row for day in range(1, 9) for row in visits(day)])
    assert take(timed, 8).n_rows == 9 * 20


def test_day_without_rows_is_none_and_leaves_nothing(path, timed, take, catalog, store):
    write(path, visits(0))
    assert take(timed, 1) is None
    assert not catalog._rows["visits"]
    assert not store.root.exists()


def test_cutoff_must_be_a_midnight(timed, catalog, store):
    with pytest.raises(UsageError, match="UTC midnight"):
        snapshot.take(timed, cutoff(0) + timedelta(hours=1), catalog=catalog, store=store)


def test_late_labels_are_masked(path, labelled, take, store):
    write(path, [row for day in range(3) for row in visits(day)])
    taken = take(labelled, 2)
    table = read(taken, store, ["_day", "bought", "known_at", "_label_arrival"])
    masked = [
        day for day, label in zip(*(table[name].to_pylist() for name in ("_day", "bought")), strict=True) if not label
    ]
    assert masked == [FIRST_DAY + timedelta(days=2)] * 20
    assert table["known_at"].null_count == table["_label_arrival"].null_count == 20
    assert taken.n_labelled == 40


def test_labels_after_the_cutoff_don_t_change_the_snapshot(path, labelled, take, arrivals, store):
    write(path, [(*row[:3], None, row[4], None) if row[0] == 5 else row for row in visits(0)])
    before = take(labelled, 0)
    rows = read(before, store, ["visit_id", "bought"])
    change(path, "UPDATE visits SET bought = 'yes', known_at = '2026-03-02T03:00:00' WHERE visit_id = 5")
    after = take(labelled, 0)
    assert arrivals[-1].n_partitions == 1
    assert after.fingerprint == before.fingerprint
    assert read(after, store, ["visit_id", "bought"]).equals(rows)


def test_labels_known_by_a_later_cutoff_change_it(path, labelled, take):
    write(path, [*visits(0), *visits(1)])
    assert take(labelled, 0).n_labelled == 0
    assert take(labelled, 1).n_labelled == 20


def test_earlier_cutoff_after_a_later_one_gives_the_same_snapshot(path, labelled, take):
    write(path, [row for day in range(4) for row in visits(day)])
    before = take(labelled, 1)
    take(labelled, 3)
    assert take(labelled, 1).fingerprint == before.fingerprint


def test_a_range_is_taken_in_whole(path, timed, take, catalog, store):
    write(path, [row for day in range(12) for row in visits(day)])
    take(timed, 8)
    change(path, f"UPDATE visits SET seconds = 99 WHERE date(seen_at) = '{FIRST_DAY + timedelta(days=5)}'")
    first, last = FIRST_DAY + timedelta(days=6), FIRST_DAY + timedelta(days=11)
    assert (
        snapshot.take_in(timed, first, last, catalog=catalog, store=store) == 4
    )  # three new days, and one that changed in the lookback of the first
    assert snapshot.take_in(timed, first, last, catalog=catalog, store=store) == 0
    assert 99 in read(take(timed, 6), store, ["seconds"])["seconds"].to_pylist()


def test_label_without_arrival_is_not_known(path, labelled, take):
    write(path, [(*row[:5], None) for row in visits(0)])
    assert take(labelled, 0).n_labelled == 0


def test_duplicate_keys_are_counted_within_and_across_days(path, timed, take):
    write(path, [*visits(0), visits(0)[0], (0, 5.0, "home", "no", visits(1)[0][4], None), *visits(1)])
    assert take(timed, 1).n_duplicate_keys == 2


def test_without_key_content_less_the_label_is_the_key(path, timed, take, store):
    spec = visits_spec(timed.source.model_dump(), key=[])
    first = visits(0)[0]
    write(path, [first, (*first[:3], "no", *first[4:]), *visits(0)[1:3]])
    taken = take(spec, 0)
    assert first[3] == "yes"
    assert taken.n_duplicate_keys == 1


def test_key_hash_is_the_same_in_every_snapshot(path, timed, take, store):
    write(path, visits(0))
    before = read(take(timed, 0), store, ["_key"])["_key"].to_pylist()
    change(path, "UPDATE visits SET bought = 'no', seconds = 1")
    write(path, visits(1))
    after = read(take(timed, 1), store, ["_key"])["_key"].to_pylist()
    assert set(before) < set(after)


def test_source_without_time_is_its_newest_reading(path, untimed, take, arrivals, monkeypatch):
    write(path, visits(0))
    monkeypatch.setattr(clock, "now", lambda: cutoff(3) - timedelta(hours=5))
    assert snapshot.newest_complete_day(untimed) == FIRST_DAY + timedelta(days=3)
    first = take(untimed, 3)
    monkeypatch.setattr(clock, "now", lambda: cutoff(4) - timedelta(hours=5))
    same = take(untimed, 4)
    assert (same.fingerprint, arrivals[-1].n_partitions) == (first.fingerprint, 0)
    write(path, visits(1))
    grown = take(untimed, 4)
    assert (grown.n_rows, grown.n_partitions, grown.last_day) == (40, 1, FIRST_DAY + timedelta(days=4))


def test_source_without_time_has_no_past(path, untimed, take, catalog, store):
    write(path, visits(0))
    with pytest.raises(DataError, match="can't be read as of 2026-03-01"):
        take(untimed, 0)
    assert not store.root.exists()


def test_newest_complete_day_is_the_source_s(path, timed):
    write(path, [*visits(0), *visits(1)])
    assert snapshot.newest_complete_day(timed) == FIRST_DAY + timedelta(days=1)


def test_empty_source_is_a_day_without_data(path, timed, catalog, store):
    write(path, [])
    day = snapshot.newest_complete_day(timed)
    assert snapshot.take(timed, clock.cutoff_of(day), catalog=catalog, store=store) is None


def test_another_schema_reads_everything_anew(path, timed, take, arrivals):
    write(path, [*visits(0), *visits(1)])
    take(timed, 1)
    other = visits_spec(timed.source.model_dump(), key=["visit_id", "page"])
    take(other, 1)
    assert arrivals[-1].n_partitions == 2


def test_slices_read_only_their_row_groups(path, timed, take, store, monkeypatch):
    monkeypatch.setattr(segments, "ROW_GROUP", 16)
    write(path, [row for day in range(4) for row in visits(day, n=30)])
    whole = read(take(timed, 3), store)
    assert read(take(timed, 2), store).equals(whole.slice(0, 90))


def test_damaged_segment_is_noticed(path, timed, take, store):
    write(path, visits(0, n=500))
    taken = take(timed, 0)
    file = segment_of(taken, store)
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 0xFF
    file.chmod(0o644)
    file.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match="damaged"):
        read(taken, store)


def test_crash_before_the_catalogue_leaves_only_a_file(path, timed, take, catalog, monkeypatch):
    write(path, visits(0))

    def crash(pipeline, new):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(catalog, "add_partitions", crash)
        with pytest.raises(KeyboardInterrupt):
            take(timed, 0)
    assert not catalog._rows["visits"]
    take(timed, 0)
    assert len(catalog._rows["visits"]) == 1
