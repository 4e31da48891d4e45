"""The JSON of a request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.server.bodies import body_of
from mlsys.server.refusals import RefusedRequestError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e300, 1e300) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@given(VALUES)
def test_what_is_json_is_read(value: Any) -> None:
    assert body_of(json.dumps(value).encode(), "application/json; charset=utf-8") == value
    assert body_of(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"), None) == value


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no JSON"),
        (b"a=1", "no JSON"),
        (b'{"a": 1', "no JSON"),
        (b"\xff", "no JSON"),
        (b'{"a": NaN}', "no NaN"),
        (b'{"a": -Infinity}', "no NaN"),
        (b'{"a": 1e999}', "infinity"),
        (b"[" * 100_000, "too deeply"),
        (b'{"a": ' * 5000 + b"1" + b"}" * 5000, "too deeply"),
        (b'{"a": 1, "b": 2, "a": 3}', "twice"),
        (b'{"rows": [{"a": 1, "a": "\\"x"}]}', "twice"),
        (b'{"\\u0061": 1, "a": 1}', "twice"),
    ],
)
def test_what_is_none_is_refused_in_words(body: bytes, said: str) -> None:
    with pytest.raises(RefusedRequestError, match=said) as refused:
        body_of(body, None)
    assert refused.value.status == 422


@pytest.mark.parametrize("kind", ["text/csv", "application/x-www-form-urlencoded", ""])
def test_another_kind_of_body_has_a_status_of_its_own(kind: str) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        body_of(b"{}", kind)
    assert refused.value.status == 415
