"""A collection of MongoDB, open for reading: a lost cursor goes on where it stopped, errors become ours.

Documents are read in the order of `_id`, which every collection keeps an index of and which never changes: after the
last one that came, the rest is asked for again, and none is lost or read twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from mlsys import extras
from mlsys.errors import DataError, MlsysError, TransientError, near_match, nearest
from mlsys.events import get_logger
from mlsys.sources.reading.documents import MongoDocument, holds, paths_of, projection
from mlsys.sources.reading.mongo_windows import Filter
from mlsys.wording import first_line

log = get_logger(__name__)

_TRIES = 5  # without a single document in between
_DEFAULTS = {"serverSelectionTimeoutMS": 15_000, "socketTimeoutMS": 600_000, "appname": "mlsys"}
_START = object()  # no document has come yet
_LOOKED_AT = 50  # documents at either end, whose fields are known without searching
# In the order in which MongoDB sorts them.
_KINDS: tuple[tuple[str, ...], ...] = (
    ("minKey",),
    ("null",),
    ("number",),
    ("string", "symbol"),
    ("object",),
    ("array",),
    ("binData",),
    ("objectId",),
    ("bool",),
    ("date",),
    ("timestamp",),
    ("regex",),
    ("maxKey",),
)
_LOGIN_REFUSED, _NO_RIGHT = 18, 13
# Of servers that step down, shut down, start or recover; a time limit; too many connections or locks.
_PASSING = frozenset((6, 7, 24, 43, 50, 64, 89, 91, 112, 133, 134, 175, 189, 202, 262, 317, 318, 9001, 10107))
_PASSING |= frozenset((11600, 11602, 13388, 13435, 13436))


class MongoCollection:
    """One collection.

    Attributes:
        origin: server, database and collection, without user and password.
    """

    def __init__(self, collection: Any, origin: str, filter_: Filter, *, batch_size: int, secret: str) -> None:
        self.origin = origin
        self._collection = collection
        self._filter = filter_
        self._batch_size = batch_size
        self._secret = secret

    def documents(self, condition: Filter, paths: Sequence[str]) -> Iterator[MongoDocument]:
        """Yield the documents that a condition keeps, with the fields of `paths`, in the order of `_id`.

        Raises:
            DataError: the server refuses. TransientError: it can't be reached, or loses the cursor again and again.
        """
        from bson.errors import BSONError
        from pymongo.errors import AutoReconnect, CursorNotFound, PyMongoError, ServerSelectionTimeoutError

        last: Any = _START
        failures = 0
        while True:
            rest = {} if last is _START else after(last)
            try:
                for document in self._find(_all_of(self._filter, condition, rest), paths, [("_id", 1)]):
                    yield document
                    last, failures = document["_id"], 0
                return
            except (AutoReconnect, CursorNotFound) as error:
                failures += 1
                if failures == _TRIES or isinstance(error, ServerSelectionTimeoutError):  # that one has waited itself
                    raise self._explained(error) from error
                log.warning("cursor_lost", source=self.origin, error=self._said(error), tries=failures)
            except (PyMongoError, BSONError) as error:
                raise self._explained(error) from error

    def whole(self, n: int) -> list[MongoDocument]:
        """Return up to `n` documents with all their fields, the oldest by `_id`.

        Raises:
            DataError, TransientError: as `documents`.
        """
        with self.errors():
            return list(self._collection.find(self._filter, sort=[("_id", 1)]).limit(n))

    def newest(self, condition: Filter, path: str, *, sort: bool) -> Iterator[MongoDocument]:
        """Yield the documents that a condition keeps with the field `path`, the largest first where it is sorted.

        The first few are asked for alone: a server without an index then keeps these few instead of sorting all.
        """
        order = [(path, -1)] if sort else None
        asked = _all_of(self._filter, condition)
        with self.errors():
            n_first = 0
            for document in self._find(asked, [path], order, limit=_LOOKED_AT if sort else 0):
                n_first += 1
                yield document
            if sort and n_first == _LOOKED_AT:
                yield from self._find(asked, [path], order, skip=n_first)

    def require_fields(self, paths: Sequence[str]) -> None:
        """Refuse a path that no document has; a collection without documents has nothing to tell.

        Raises:
            DataError: names the path and the nearest one that some document has.
        """
        with self.errors():
            ends = [self._collection.find(self._filter, projection(paths), sort=[("_id", way)]) for way in (1, -1)]
            looked_at = [document for end in ends for document in end.limit(_LOOKED_AT)]
            for path in paths:
                if not looked_at or any(holds(document, path) for document in looked_at):
                    continue
                if self._collection.find_one(_all_of(self._filter, {path: {"$exists": True}}), {"_id": 1}) is None:
                    whole = self._collection.find(self._filter, sort=[("_id", -1)]).limit(5)
                    raise self._no_field(path, sorted({each for document in whole for each in paths_of(document)}))

    def require_collection(self) -> None:
        """Refuse a collection that the database does not have: reading it would give no rows, and no error.

        Raises:
            DataError: names the nearest one.
        """
        from pymongo.errors import OperationFailure

        database = self._collection.database
        try:
            with self.errors():
                names = database.list_collection_names(authorizedCollections=True)
        except DataError as error:
            if isinstance(error.__cause__, OperationFailure) and error.__cause__.code == _NO_RIGHT:
                return  # who may read a collection need not be allowed to list them
            raise
        name = self._collection.name
        if name not in names:
            raise DataError(
                f"The database '{database.name}' has no collection '{name}'. {near_match(name, names)}",
                where=self.origin,
                remedy="Correct `source.database` or `source.collection`",
                misspelt=(name, nearest(name, names)),
            )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        from bson.errors import BSONError
        from pymongo.errors import PyMongoError

        try:
            yield
        except (PyMongoError, BSONError) as error:
            raise self._explained(error) from error

    def _find(
        self, condition: Filter, paths: Sequence[str], sort: list[tuple[str, int]] | None, **limits: int
    ) -> Iterator[MongoDocument]:
        with self._collection.find(
            condition,
            projection(paths),
            sort=sort,
            batch_size=self._batch_size,
            allow_disk_use=sort is not None,
            **limits,
        ) as cursor:
            yield from cursor

    def _no_field(self, path: str, known: list[str]) -> DataError:
        return DataError(
            f"No document has the field '{path}'. {near_match(path, known)}",
            where=self.origin,
            remedy="Correct `schema` or `source.fields` in the spec",
            misspelt=(path, nearest(path, known)),
        )

    def _explained(self, error: Exception) -> MlsysError:
        from pymongo.errors import ConnectionFailure, OperationFailure

        said = self._said(error)
        if isinstance(error, OperationFailure):
            if error.code == _LOGIN_REFUSED:
                return DataError(
                    f"The database refuses the login: {said}",
                    where=self.origin,
                    remedy="Correct user, password or `authSource` of `source.url`",
                )
            if error.code in _PASSING:
                return _unreachable(said, self.origin)
            remedy = "Give the user the role `read`" if error.code == _NO_RIGHT else "Correct `source`"
            return DataError(f"The database refuses: {said}", where=self.origin, remedy=remedy)
        if re.search(r"certificate|SSL|TLS", said):
            return DataError(
                f"No trusted TLS connection: {said}",
                where=self.origin,
                remedy="Correct `tls` or `tlsCAFile` of `source.url`, or the server's certificate",
            )
        if isinstance(error, ConnectionFailure):
            return _unreachable(said, self.origin)
        return DataError(f"The database can't be read: {said}", where=self.origin, remedy="Correct `source`")

    def _said(self, error: Exception) -> str:
        """Return what a driver's error says, without the password."""
        said = _first_line(error)
        return said.replace(self._secret, "***") if self._secret else said


def after(last: object) -> Filter:
    """Return the filter of what follows an `_id` in their order; `$gt` alone would pass over all other kinds."""
    kind = _kind_of(last)
    later: list[Filter] = [{"_id": {"$type": [name for names in _KINDS[kind + 1 :] for name in names]}}]
    if isinstance(last, float) and math.isnan(last):  # it comes before all numbers, and none is greater than it
        return {"$or": [{"_id": {"$gte": -math.inf}}, *later]}
    return {"$or": [{"_id": {"$gt": last}}, *later]}


def _kind_of(value: object) -> int:
    from uuid import UUID

    from bson import Binary, Decimal128, MaxKey, MinKey, ObjectId, Timestamp
    from bson.datetime_ms import DatetimeMS

    kinds: tuple[tuple[int, tuple[type, ...]], ...] = (
        (0, (MinKey,)),
        (1, (type(None),)),
        (8, (bool,)),
        (2, (int, float, Decimal128)),
        (3, (str,)),
        (4, (Mapping,)),  # type: ignore[type-abstract]
        (6, (bytes, Binary, UUID)),
        (7, (ObjectId,)),
        (9, (datetime, DatetimeMS)),
        (10, (Timestamp,)),
        (12, (MaxKey,)),
    )
    return next(place for place, types in kinds if isinstance(value, types))


@contextmanager
def opened(
    url: str, database: str, collection: str, *, filter_: Filter | None = None, batch_size: int = 1000
) -> Iterator[MongoCollection]:
    """Open a collection for reading.

    Raises:
        DataError: the URL can't be used, the login is refused, there is no such collection.
        TransientError: the server can't be reached. UsageError: the library is not installed.
    """
    extras.load("pymongo", extra="mongodb", needed_by="A source of kind mongodb")
    from bson.codec_options import CodecOptions, DatetimeConversion
    from pymongo.errors import InvalidName

    origin, secret = _told(url)
    where = f"{origin}, {database}.{collection}"
    options: CodecOptions[dict[str, Any]] = CodecOptions(
        tz_aware=True,
        uuid_representation=4,  # UUIDs of today's drivers
        unicode_decode_error_handler="replace",
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    )
    with _connected(url, origin) as client:
        try:
            chosen = client[database].get_collection(collection, codec_options=options)
        except InvalidName as error:
            remedy = "Correct `source.database` or `source.collection`"
            raise DataError(f"No name of a collection: {error}", where=where, remedy=remedy) from error
        found = MongoCollection(chosen, where, filter_ or {}, batch_size=batch_size, secret=secret)
        found.require_collection()
        yield found


def collection_names(url: str, database: str) -> list[str]:
    """Return the names of the collections of a database, sorted.

    Raises:
        DataError, TransientError, UsageError: as `opened`.
    """
    extras.load("pymongo", extra="mongodb", needed_by="A source of kind mongodb")
    origin, secret = _told(url)
    with _connected(url, origin) as client:
        asked = MongoCollection(client[database]["_"], f"{origin}, {database}", {}, batch_size=1, secret=secret)
        with asked.errors():
            return sorted(client[database].list_collection_names(authorizedCollections=True))


@contextmanager
def _connected(url: str, origin: str) -> Iterator[Any]:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError
    from pymongo.uri_parser import split_options

    given = url.partition("?")[2]
    defaults = {name: value for name, value in _DEFAULTS.items() if f"{name}=".lower() not in given.lower()}
    try:
        if given:
            split_options(given, warn=False)  # the client would pass over an option that is misspelt
        client: Any = MongoClient(url, connect=False, **defaults)  # type: ignore[arg-type]
    except (PyMongoError, ValueError, OSError) as error:
        said = "user and password are percent-encoded" if "@" in url else _first_line(error)
        remedy = "Correct `source.url`; mongodb://user:${DB_PASSWORD}@host:27017/?tls=true is one"
        raise DataError(f"The database URL can't be used: {said}", where=origin, remedy=remedy) from None
    with client:
        yield client


def _told(url: str) -> tuple[str, str]:
    """Return scheme and hosts of a URL, and the password that no message may have."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    login, _, hosts = authority.rpartition("@")
    if not hosts or "@" in rest[len(authority) :].partition("?")[0] or "@" in login:
        raise DataError(
            "The database URL can't be used: @ : / ? # % in user and password are percent-encoded",
            remedy="Correct `source.url`; mongodb://user:${DB_PASSWORD}@host:27017/?tls=true is one",
        )
    return f"{scheme}://{hosts}", unquote_plus(login.partition(":")[2])


def _all_of(*conditions: Filter) -> Filter:
    given = [condition for condition in conditions if condition]
    return {"$and": given} if len(given) > 1 else dict(*given)


def _unreachable(said: str, origin: str) -> TransientError:
    rule = f"The database can't be reached, or can't answer now: {said}"
    return TransientError(rule, where=origin, remedy="Try again, or correct `source.url`")


def _first_line(error: Exception) -> str:
    """Return what a driver's error says, less its description of the topology."""
    details = getattr(error, "details", None)
    said = str(details.get("errmsg") or "") if isinstance(details, Mapping) else ""
    line = said.strip().partition("\n")[0] or first_line(error)
    return re.split(r"\s*\(configured timeouts:|, Timeout: |, full error: ", line)[0].rstrip(".")
