"""The JSON of a request: read fast, and refused in words where it is none, ambiguous or too deep."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from typing import Any

import orjson

from mlsys.server.refusals import RefusedRequestError, refused

_DEEPEST = "1024 levels"
_NO_NUMBERS = (b"NaN", b"Infinity")


def body_of(raw: bytes, content_type: str | None) -> Any:
    """Return the JSON value of a request's body.

    Raises:
        RefusedRequestError: 415 for another kind of body, 422 where it is no JSON, or names a key twice.
    """
    if content_type is not None and content_type.split(";")[0].strip().lower() != "application/json":
        raise refused(415, "The body is of another kind", value=content_type[:120], allowed="application/json")
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _no_json(raw, error) from None
    # Keys and texts have two marks each. More of them means a key that is there twice, or a mark inside a text.
    if raw.count(b'"') != 2 * _texts(found):
        _require_single_keys(raw)
    return found


def _texts(value: Any) -> int:
    """Return how many keys and texts a JSON value holds."""
    n_texts, level = 0, [value]
    while level:
        kinds = Counter(map(type, level))
        n_texts += kinds[str]
        mappings = [each for each in level if type(each) is dict] if kinds[dict] else []
        lists = [each for each in level if type(each) is list] if kinds[list] else []
        n_texts += sum(map(len, mappings))
        level = [*chain.from_iterable(map(dict.values, mappings)), *chain.from_iterable(lists)]
    return n_texts


def _require_single_keys(raw: bytes) -> None:
    try:
        json.loads(raw, object_pairs_hook=_single)
    except RecursionError:
        raise refused(422, "The body is nested too deeply", allowed="an object of columns") from None


def _single(pairs: list[tuple[str, Any]]) -> None:
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            raise refused(422, "The key stands there twice", column=name[:120], allowed="each column once")
        names.add(name)


def _no_json(raw: bytes, error: orjson.JSONDecodeError) -> RefusedRequestError:
    there = raw[error.pos :].lstrip(b" -")
    if there.startswith(_NO_NUMBERS):
        return refused(422, "JSON has no NaN and no Infinity", allowed="null for a missing value")
    if "depth" in error.msg:
        return refused(422, "The body is nested too deeply", allowed=f"{_DEEPEST}, and an object of columns has one")
    return refused(422, f"The body is no JSON: {error}", allowed="an object of columns")
