"""What a MongoDB server makes of a filter, a sort and a projection, as far as the tests ask for it.

After the rules of MongoDB's manual: values are compared within one kind alone, a filter looks into lists, null means
missing as well. What is not known here is refused as a server refuses an unknown operator.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bson import Binary, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

Document = dict[str, Any]
_NOTHING = object()
_RANKS: tuple[tuple[str, int, tuple[type, ...]], ...] = (
    ("minKey", 0, (MinKey,)),
    ("null", 1, (type(None),)),
    ("bool", 8, (bool,)),
    ("number", 2, (int, float, Decimal128)),
    ("string", 3, (str,)),
    ("object", 4, (Mapping,)),
    ("array", 5, (list,)),
    ("binData", 6, (bytes, Binary, UUID)),
    ("objectId", 7, (ObjectId,)),
    ("date", 9, (datetime, DatetimeMS)),
    ("timestamp", 10, (Timestamp,)),
    ("regex", 11, (Regex, re.Pattern)),
    ("maxKey", 12, (MaxKey,)),
)
KINDS = {name for name, _, _ in _RANKS} | {"symbol", "javascript"}


class BadQueryError(Exception):
    """An operator or a path that this server does not know."""


def matches(document: Document, query: Document) -> bool:
    """Return whether a filter keeps a document."""
    return all(_holds(document, key, condition) for key, condition in query.items())


def ordered(documents: list[Document], sort: Document) -> list[Document]:
    """Return documents in order; the first key weighs most."""
    for path, way in reversed(list(sort.items())):
        documents = sorted(documents, key=lambda each: _sort_key(each, path, way), reverse=way < 0)
    return documents


def projected(document: Document, projection: Document) -> Document:
    """Return the fields that a projection includes."""
    paths = [path for path, wanted in projection.items() if wanted]
    if any(a != b and a.startswith(f"{b}.") for a in paths for b in paths):
        raise BadQueryError("Path collision")
    return _part(document, [path.split(".") for path in paths]) if paths else document


def order(value: Any) -> tuple[Any, ...]:
    """Return what sorts values of every kind as MongoDB does."""
    _, rank = _kind(value)
    if isinstance(value, bool) or value is None or isinstance(value, MinKey | MaxKey):
        return (rank, bool(value))
    if rank == 2:  # numbers
        number = value.to_decimal() if isinstance(value, Decimal128) else value
        return (rank, 0) if math.isnan(number) else (rank, 1, number)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (rank, (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    if isinstance(value, DatetimeMS):
        return (rank, int(value))
    if isinstance(value, Mapping):
        return (rank, [(_kind(each)[1], key, order(each)) for key, each in value.items()])
    if isinstance(value, list):
        return (rank, [order(each) for each in value])
    return (rank, value.encode() if isinstance(value, str) else bytes(_as_bytes(value)))


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, ObjectId):
        return value.binary
    if isinstance(value, UUID):
        return value.bytes
    return bytes(value) if isinstance(value, bytes) else str(value).encode()


def _kind(value: Any) -> tuple[str, int]:
    return next((name, rank) for name, rank, types in _RANKS if isinstance(value, types))


def _holds(document: Document, key: str, condition: Any) -> bool:
    if key in ("$and", "$or", "$nor"):
        found = [matches(document, each) for each in condition]
        return {"$and": all(found), "$or": any(found), "$nor": not any(found)}[key]
    if key.startswith("$"):
        raise BadQueryError(f"unknown top level operator: {key}")
    found = list(_values(document, key.split(".")))
    if isinstance(condition, Mapping) and any(name.startswith("$") for name in condition):
        return all(_applies(found, name, operand, condition) for name, operand in condition.items())
    if isinstance(condition, Regex | re.Pattern):
        return _applies(found, "$regex", condition, {})
    return _applies(found, "$eq", condition, {})


def _applies(found: list[Any], name: str, operand: Any, condition: Mapping[str, Any]) -> bool:
    present = [value for value in found if value is not _NOTHING]
    if name == "$not":
        inner = operand if isinstance(operand, Mapping) else {"$regex": operand}
        return not all(_applies(found, each, value, inner) for each, value in inner.items())
    if name in ("$eq", "$ne"):
        same = any(order(value) == order(operand) for value in present)
        same |= operand is None and (not present or _NOTHING in found)
        return same == (name == "$eq")
    if name in ("$in", "$nin"):
        among = any(_applies(found, "$eq", each, {}) for each in operand)
        return among == (name == "$in")
    if name == "$exists":
        return bool(present) == bool(operand)
    if name == "$type":
        wanted = operand if isinstance(operand, list) else [operand]
        if not set(wanted) <= KINDS:
            raise BadQueryError(f"Unknown type name alias: {wanted}")
        return any(_kind(value)[0] in wanted for value in present)
    if name == "$regex":
        pattern = operand.pattern if isinstance(operand, Regex | re.Pattern) else operand
        return any(isinstance(value, str) and re.search(pattern, value) for value in present)
    if name == "$options":
        return "$regex" in condition
    return _compares(present, name, operand)


def _compares(present: list[Any], name: str, operand: Any) -> bool:
    tests = {
        "$gt": lambda a, b: a > b,
        "$gte": lambda a, b: a >= b,
        "$lt": lambda a, b: a < b,
        "$lte": lambda a, b: a <= b,
    }
    if name not in tests:
        raise BadQueryError(f"unknown operator: {name}")
    if isinstance(operand, float) and math.isnan(operand):
        return any(isinstance(v, float) and math.isnan(v) for v in present) and name in ("$gte", "$lte")
    same = [v for v in present if _kind(v)[1] == _kind(operand)[1] and not (isinstance(v, float) and math.isnan(v))]
    return any(tests[name](order(value), order(operand)) for value in same)


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield what a filter sees at a path: also each element of a list."""
    if not path:
        yield value
        if isinstance(value, list):
            yield from value
    elif isinstance(value, Mapping):
        if path[0] in value:
            yield from _values(value[path[0]], path[1:])
        else:
            yield _NOTHING
    elif isinstance(value, list):
        if path[0].isdigit() and int(path[0]) < len(value):
            yield from _values(value[int(path[0])], path[1:])
        for each in value:
            if isinstance(each, Mapping):
                yield from _values(each, path)
    else:
        yield _NOTHING


def _sort_key(document: Document, path: str, way: int) -> tuple[Any, ...]:
    found = [order(None if value is _NOTHING else value) for value in _values(document, path.split("."))]
    elements = [key for key in found if key[0] != 5] or found or [order(None)]
    return max(elements) if way < 0 else min(elements)


def _part(document: Document, paths: list[list[str]]) -> Document:
    found: Document = {}
    for name, value in document.items():
        below = [path[1:] for path in paths if path[0] == name]
        if [] in below:
            found[name] = value
        elif below and isinstance(value, Mapping):
            found[name] = _part(dict(value), below)
        elif below and isinstance(value, list):
            found[name] = [_part(each, below) for each in value if isinstance(each, Mapping)]
    return found
