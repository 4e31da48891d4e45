"""What is particular to MongoDB, against a real socket that speaks its wire protocol: `tests/given/mongo_server.py`."""

import datetime as dt
import logging
import socket
import ssl
import sys
from uuid import UUID

import bson
import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from given import mongo_server
from given.certificates import self_signed
from given.mongo_queries import order
from given.mongo_sources import DAY, NOON, NUMBER, read, source
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mlsys.errors import DataError, MlsysError, TransientError, UsageError
from mlsys.schema import ColumnSpec
from mlsys.sources import SOURCES
from mlsys.sources.base import ReadRequest

OID = ObjectId("65f0a1b2c3d4e5f601234567")


@pytest.fixture(scope="module")
def server():
    with mongo_server.running() as mongo:
        yield mongo


@pytest.fixture(autouse=True)
def forgotten(server):
    server.asked.clear()
    server.faults.clear()


def column(server, values, path="x", **spec):
    """Return the values and the refusals of one column; values are documents where a path is given."""
    documents = [{"_id": i, "x": value} for i, value in enumerate(values)]
    server.fill("shop", "orders", documents)
    rows, rejected = read(source(server, fields={"x": path}), {"x": ColumnSpec(**spec)})
    return [row[0] for row in rows], [reason for _, reason in rejected]


# --- values ---


@pytest.mark.parametrize(
    ("value", "type_", "meant"),
    [
        (OID, "text", str(OID)),
        (Int64(2**53 + 1), "integer", 2**53 + 1),
        (2**53 + 1, "category", str(2**53 + 1)),
        (Decimal128("1234567890.50"), "number", 1234567890.5),
        (Decimal128("1234567890.50"), "category", "1234567890.5"),
        (Decimal128("3.00"), "integer", 3),
        (Decimal128("NaN"), "number", None),
        (float("inf"), "number", None),
        (NOON, "timestamp", NOON),
        (NOON.isoformat(), "timestamp", NOON),
        (int(NOON.timestamp()), "timestamp", NOON),
        (Timestamp(int(NOON.timestamp()), 1), "timestamp", NOON),
        (UUID(int=7), "category", str(UUID(int=7))),
        (True, "boolean", True),
        ("yes", "boolean", True),
        (1.0, "boolean", True),
        ("None", "category", "None"),
        (None, "category", None),
    ],
)
def test_values_of_bson(server, value, type_, meant):
    if isinstance(value, UUID):
        value = Binary.from_uuid(value)
    assert column(server, [value, value], type=type_) == ([meant, meant], [])


@pytest.mark.parametrize(
    ("value", "type_", "words"),
    [
        ([1, 2], "integer", "`x` is a list of 2: name one of its values by its place, `x.0`"),
        ({"a": 1}, "integer", "`x` is a document with a: name one of its fields"),
        (b"\0", "text", "`x` holds bytes, which is no value of a column"),
        (bson.Regex("a"), "text", "`x` holds Regex"),
        (DatetimeMS(2**60), "timestamp", "ms since 1970, beyond the years 1 to 9999"),
        (1772000000000, "timestamp", "numbers are seconds since 1970"),
        ("much", "integer", "'much' is not a whole number"),
        (3.5, "integer", "3.5 is not a whole number"),
    ],
)
def test_what_is_no_value_rejects_its_document_alone(server, value, type_, words):
    good = NOON if type_ == "timestamp" else 1
    documents = [{"_id": i, "x": good} for i in range(3)] + [{"_id": OID, "x": value}]
    server.fill("shop", "orders", documents)
    rows, rejected = read(source(server), {"x": ColumnSpec(type=type_)})
    assert len(rows) == 3
    assert rejected[0][0].endswith(f"shop.orders, document with _id={OID}")
    assert words in rejected[0][1].replace("'3.5'", "3.5")
    assert rejected[0][1].startswith("column 'x': ")


def test_fields_by_path(server):
    values = [{"city": "Oslo"}, {"city": None}, {}, None, "Rome", [{"city": "Bern"}]] + [{"city": "Oslo"}] * 9
    found, refusals = column(server, values, path="x.city", type="category")
    assert found[:4] == ["Oslo", None, None, None]
    assert refusals == [
        "column 'x': `x` is 'Rome', where a document with `city` should be",
        "column 'x': `x` is a list of 1: name one by its place, `x.0.city`",
    ]


def test_places_in_lists(server):
    values = [[{"a": [1, 2]}], [{"a": [3]}], [], {"0": {"a": [5, 6]}}]
    assert column(server, values, path="x.0.a.1", type="integer") == ([2, None, None, 6], [])


def test_a_field_and_one_inside_it(server):
    server.fill("shop", "orders", [{"a": {"b": 1}}, {"a": 2}])
    schema = {"a": ColumnSpec(type="integer"), "a.b": ColumnSpec(type="integer")}
    rows, rejected = read(source(server), schema)
    assert (rows, len(rejected)) == ([], 2)
    assert server.finds[-1]["projection"] == {"_id": 1, "a": 1}


def test_only_the_schema_leaves_the_server(server):
    server.fill("shop", "orders", [{"n": 1, "photo": b"x" * 1000}])
    read(source(server))
    assert server.finds[-1]["projection"] == {"_id": 1, "n": 1}


def test_a_filter_stays_with_the_server(server, monkeypatch):
    monkeypatch.setenv("STATUS", "paid")
    server.fill("shop", "orders", [{"n": 1, "s": "paid"}, {"n": 2, "s": "open"}, {"n": 3, "s": "paid", "at": NOON}])
    assert read(source(server, filter={"s": "${STATUS}"}))[0] == [(1,), (3,)]
    since = {"at": {"$gte": {"$date": "2026-03-01T00:00:00Z"}}}
    assert read(source(server, filter=since))[0] == [(3,)]
    with pytest.raises(DataError, match=r"source\.filter: The filter can't be read"):
        read(source(server, filter={"_id": {"$oid": "x"}}))
    with pytest.raises(DataError, match=r"The database refuses: unknown operator: \$gtr"):
        read(source(server, filter={"n": {"$gtr": 1}}))


def test_specs_that_can_t_be_meant(server):
    with pytest.raises(ValidationError, match="a filter is made of texts"):
        source(server, filter={"at": dt.date(2026, 3, 1)})
    with pytest.raises(ValidationError, match="is no path"):
        source(server, fields={"x": "a..b"})
    with pytest.raises(ValueError, match="Did you mean 'mongodb'"):
        SOURCES.parse({"kind": "mongo"})


def test_the_id_may_be_a_column(server):
    server.fill("shop", "orders", [{"_id": OID, "n": 1}])
    schema = {"order": ColumnSpec(type="text"), **NUMBER}
    assert read(source(server, fields={"order": "_id"}), schema)[0] == [(str(OID), 1)]


# --- what is not there ---


def test_a_field_that_no_document_has(server):
    server.fill("shop", "orders", [{"n": 1, "address": {"city": "Oslo"}}])
    schema = {**NUMBER, "city": ColumnSpec(type="category")}
    with pytest.raises(DataError, match=r"No document has the field 'adress.city'. Did you mean 'address.city'"):
        read(source(server, fields={"city": "adress.city"}), schema)


def test_a_rare_field_is_missing_elsewhere(server):
    server.fill("shop", "orders", [{"_id": i, "n": i, **({"r": 1} if i == 500 else {})} for i in range(1000)])
    rows, _ = read(source(server), {**NUMBER, "r": ColumnSpec(type="integer")})
    assert [row for row in rows if row[1] is not None] == [(500, 1)]


def test_a_collection_that_is_not_there(server):
    server.fill("shop", "orders", [{"n": 1}])
    with pytest.raises(DataError, match=r"The database 'shop' has no collection 'order'. Did you mean 'orders'"):
        read(source(server, collection="order"))
    with pytest.raises(DataError, match="The database 'shops' has no collection"):
        read(source(server, database="shops"))
    with pytest.raises(DataError, match="No name of a collection"):
        read(source(server, collection="$orders"))


def test_who_may_not_list_collections_may_read(server):
    server.fill("shop", "orders", [{"n": 1}])
    server.faults["listCollections"].append((13, "not authorized on shop to execute command"))
    assert read(source(server))[0] == [(1,)]


# --- lost cursors ---

IDS = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([None, True, False, float("nan"), float("-inf"), 2.5, Decimal128("3.5"), 2**60]),
    st.text("ab", max_size=2),
    st.binary(max_size=2),
    st.integers(0, 9).map(lambda i: ObjectId(f"{i:024x}")),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2),
    st.integers(0, 3).map(lambda i: NOON + i * DAY),
    st.sampled_from([bson.MinKey(), bson.MaxKey(), Timestamp(1, 1)]),
)


@pytest.mark.slow
@given(
    ids=st.lists(IDS, min_size=1, max_size=25, unique_by=lambda each: repr(order(each))),
    faults=st.lists(st.sampled_from([None, "drop", "forget"]), max_size=30),
    size=st.integers(1, 4),
)
@settings(max_examples=40)
def test_no_document_is_lost_or_doubled(server, ids, faults, size):
    server.faults.clear()
    server.fill("shop", "orders", [{"_id": each, "n": i} for i, each in enumerate(ids)])
    server.faults["getMore"].extend(faults)
    rows, rejected = read(source(server, batch_size=size))
    assert (sorted(row[0] for row in rows), rejected) == (list(range(len(ids))), [])


def test_a_lost_cursor_goes_on_after_the_last_document(server, caplog):
    server.fill("shop", "orders", [{"_id": i, "n": i} for i in range(10)])
    server.faults["getMore"].extend([None, "forget", "drop"])
    with caplog.at_level(logging.WARNING):
        assert [row[0] for row in read(source(server, batch_size=2))[0]] == list(range(10))
    assert [each["filter"] for each in server.finds if each.get("sort")][-1]["$or"][0] == {"_id": {"$gt": 5}}
    assert "cursor_lost" in caplog.text


def test_a_cursor_that_is_lost_again_and_again_is_an_error(server):
    server.fill("shop", "orders", [{"_id": i, "n": i} for i in range(10)])
    server.faults["find"].extend([None, None, None])  # both ends, and the first batch
    server.faults["getMore"].append("forget")
    server.faults["find"].extend([(43, "cursor id 7 not found")] * 9)
    with pytest.raises(TransientError, match="can't be reached, or can't answer now: cursor id 7 not found"):
        read(source(server, batch_size=2))


# --- servers that refuse, or are away ---


def test_login(caplog):
    with mongo_server.running({"anna": "s3cr3t/p@ss"}) as guarded:
        guarded.fill("shop", "orders", [{"n": 1}])
        assert read(source(guarded, "anna:s3cr3t%2Fp%40ss@"))[0] == [(1,)]
        with (
            caplog.at_level(logging.DEBUG),
            pytest.raises(DataError, match=r"refuses the login: Authentication") as wrong,
        ):
            read(source(guarded, "anna:hunter22@"))
        with pytest.raises(DataError, match=r"The database refuses: .*requires authentication.*role `read`"):
            read(source(guarded))
    assert "hunter22" not in caplog.text + str(wrong.value) + repr(wrong.value.__cause__)


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://anna:hunter22@ss@host/",
        "mongodb://anna:hunter22/x@host/",
        "mongodb://anna:hunter%zz22@host/",
        "mongodb://anna:hunter22@host:99999/",
        "mongodb://anna:hunter22@host/?tlss=true",
        "postgres://anna:hunter22@host/",
        "anna:hunter22",
    ],
)
def test_urls_that_can_t_be_used_keep_their_secrets(url, server):
    chosen = source(server).model_copy(update={"url": url})
    with pytest.raises(DataError, match="The database URL can't be used") as caught:
        read(chosen)
    assert "hunter" not in str(caught.value)


def test_a_server_that_is_away(server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"mongodb://anna:hunter22@127.0.0.1:{free.getsockname()[1]}/?serverSelectionTimeoutMS=100"
        chosen = source(server).model_copy(update={"url": url})
        with pytest.raises(TransientError, match=r"can't be reached.*Connection refused") as caught:
            chosen.newest(ReadRequest(NUMBER)) or read(chosen)
    assert "hunter" not in str(caught.value)
    assert "Topology" not in str(caught.value)


@pytest.mark.parametrize("code", [91, 11600, 50, 13436])
def test_what_passes_is_tried_again(server, code):
    server.fill("shop", "orders", [{"n": 1}])
    server.faults["find"].extend([(code, "not now")] * 9)
    with pytest.raises(TransientError, match="not now"):
        read(source(server))


@pytest.mark.parametrize("command", ["listCollections", "find", "getMore"])
def test_what_does_not_pass_is_said_in_the_server_s_words(server, command):
    server.fill("shop", "orders", [{"_id": i, "n": i} for i in range(9)])
    server.faults[command].extend([(96, "OperationFailed: out of luck")] * 9)
    with pytest.raises(DataError, match="The database refuses: OperationFailed: out of luck"):
        read(source(server, batch_size=2))


@pytest.mark.slow
def test_tls(tmp_path):
    pem = self_signed(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with mongo_server.running(tls=context) as guarded:
        guarded.fill("shop", "orders", [{"n": 1}])
        assert read(source(guarded, options=f"&tls=true&tlsCAFile={pem}"))[0] == [(1,)]
        with pytest.raises(DataError, match=r"No trusted TLS connection.*certificate.*`tlsCAFile`"):
            read(source(guarded, options="&tls=true", patience=300))
        with pytest.raises(MlsysError, match=r"can't be reached|No trusted TLS"):
            read(source(guarded, patience=300))


def test_without_its_library_the_error_names_the_extra(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymongo", None)
    with pytest.raises(UsageError, match=r"kind mongodb needs the package 'pymongo'.*pip install 'mlsys\[mongodb\]'"):
        read(source(server))
