"""What of a window is left to MongoDB, against a real socket that speaks its wire protocol."""

from datetime import UTC, datetime, timedelta

import bson
import pytest
from bson import Timestamp
from bson.datetime_ms import DatetimeMS
from given import mongo_server
from given.mongo_sources import DAY, NOON, NUMBER, read, source
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.schema import ColumnSpec
from mlsys.sources.base import ReadRequest
from mlsys.sources.reading import mongo_windows


@pytest.fixture(scope="module")
def server():
    with mongo_server.running() as mongo:
        yield mongo


@pytest.fixture(autouse=True)
def forgotten(server):
    server.asked.clear()
    server.faults.clear()


TIMES = st.one_of(
    st.integers(-4 * 24, 4 * 24).map(lambda hours: Timestamp(int(NOON.timestamp()) + hours * 3600, 1)),
    st.sampled_from([None, True, "soon", "", [NOON], {"a": NOON}, float("nan"), bson.MinKey()]),
    st.integers(-4 * 24, 4 * 24).map(lambda hours: NOON + timedelta(hours=hours)),
    st.integers(-4 * 24, 4 * 24).map(lambda hours: (NOON + timedelta(hours=hours)).timestamp()),
    st.integers(-4 * 24, 4 * 24).map(lambda hours: (NOON + timedelta(hours=hours)).replace(tzinfo=None).isoformat()),
    st.sampled_from([DatetimeMS(-(2**60)), DatetimeMS(2**60), -1e14, 1e14, 1772000000000, "9999-12-31", "1776-07-04"]),
    st.sampled_from([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), NOON + 5 * DAY]),
)
NOW = NOON + 2 * DAY


@pytest.mark.slow
@given(times=st.lists(TIMES, max_size=12), zone=st.sampled_from(["UTC", "Pacific/Kiritimati", "Etc/GMT+12"]))
@settings(max_examples=30)
def test_the_server_s_window_loses_nothing(server, times, zone):
    documents = [{"_id": i, "n": i, "at": at} for i, at in enumerate(times)] + [
        {"_id": 90 + i, "n": 90 + i, "at": NOON} for i in range(13)
    ]
    server.fill("shop", "orders", documents)
    chosen = source(server, event_time="at", timezone=zone)
    window = {"since": NOON.replace(hour=0), "until": NOON.replace(hour=0) + DAY, "now": NOW}
    of_server = read(chosen, **window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mongo_windows, "window", lambda *_, **__: {})
        cut_here = read(chosen, **window)
    assert of_server == cut_here
    possible = [row[-1] for row in read(chosen, now=NOW)[0] if row[-1] <= NOW]
    assert chosen.newest(ReadRequest(NUMBER, now=NOW)) == max(possible)


@pytest.mark.parametrize(
    ("format_", "count"),
    [
        ("unix_milliseconds", lambda at: int(at.timestamp() * 1000)),
        ("excel_days", lambda at: at.timestamp() / 86_400 + 25_569),
        ("%Y%m%d", lambda at: int(f"{at:%Y%m%d}")),
    ],
    ids=["milliseconds", "excel", "digits"],
)
def test_a_window_of_numbers_in_a_format_loses_nothing(server, format_, count):
    days = [NOON + shift * DAY for shift in range(-6, 7)]
    server.fill("shop", "orders", [{"_id": i, "n": i, "at": count(at)} for i, at in enumerate(days)])
    server.fill("shop", "texts", [{"_id": i, "n": i, "at": str(count(at))} for i, at in enumerate(days)])
    schema = {**NUMBER, "at": ColumnSpec(type="timestamp", format=format_)}
    window = {"since": NOON.replace(hour=0), "until": NOON.replace(hour=0) + DAY, "now": NOW}
    for collection in ("orders", "texts"):
        chosen = source(server, collection=collection, event_time="at", timezone="UTC")
        drops = list(chosen.read(ReadRequest(schema, **window)))
        assert [n for drop in drops for n in drop.table["n"].to_pylist()] == [6]
        newest = chosen.newest(ReadRequest(schema, now=NOW))
        assert newest is not None
        assert newest.date() == NOW.date()


def test_a_night_reads_its_days_alone(server):
    server.fill("shop", "orders", [{"_id": i, "n": i, "at": NOON - i * DAY} for i in range(100)])
    chosen = source(server, event_time="at")
    rows, _ = read(chosen, since=NOON - 2 * DAY, until=NOON - DAY, now=NOW)
    assert [row[0] for row in rows] == [2]
    assert {"at": {"$gte": NOON - 2 * DAY, "$lt": NOON - DAY}} in server.finds[-1]["filter"]["$or"]


def test_many_times_that_are_none_do_not_hide_the_newest(server):
    lists = [{"n": 1, "at": [NOON]} for _ in range(70)]  # they sort by what they hold
    server.fill("shop", "orders", [{"n": 1, "at": NOON - DAY}, *[{"n": 1, "at": NOON - 2 * DAY}] * 99, *lists])
    newest = source(server, event_time="at").newest(ReadRequest(NUMBER, now=NOW))
    assert newest == NOON - DAY
    assert next(each["limit"] for each in server.asked if each.get("sort") == {"at": -1}) == 50


def test_texts_in_a_format_of_their_own(server):
    server.fill("shop", "orders", [{"n": 1, "at": "02.03.2026"}, {"n": 2, "at": NOON}, {"n": 3, "at": "30.01.2026"}])
    schema = {**NUMBER, "at": ColumnSpec(type="timestamp", format="%d.%m.%Y", timezone="UTC")}
    chosen = source(server, event_time="at")
    assert chosen.newest(ReadRequest(schema, now=NOW)) == datetime(2026, 3, 2, tzinfo=UTC)
    assert [row[0] for row in read(chosen, schema, since=NOON - DAY, until=NOON + DAY, now=NOW)[0]] == [1, 2]


def test_a_collection_without_documents_has_no_newest_time(server):
    server.fill("shop", "orders", [])
    assert source(server, event_time="at").newest(ReadRequest(NUMBER)) is None
