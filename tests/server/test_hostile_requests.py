"""Whatever the description of the server allows, and more: each request gets a status that the description names.

Schemathesis makes the requests. It may send what a column's type is not, and that is not always refused: a text that is
a number is a number here, as it was in training.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from given.running_server import running
from given.shop import enter_copy
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from mlsys.server.app import make_app
from mlsys.server.door import guarded
from mlsys.server.keys import KeyFile
from mlsys.server.limits import ServerLimits
from mlsys.server.metrics import Metrics
from mlsys.server.shelf import Shelf
from mlsys.workspace import open_workspace

pytestmark = pytest.mark.slow

ROW = b'{"basket_value": 40.0, "n_items": 2, "channel": "shop", "gift": true}'
LIMITS = ServerLimits(body_bytes=100_000, answer_seconds=60)


@pytest.fixture(scope="module")
def address(retrained_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of the shop."""
    with pytest.MonkeyPatch.context() as patched:
        home = enter_copy(retrained_shop, tmp_path_factory.mktemp("hostile") / "home", patched)
        with open_workspace() as work:
            shelf = Shelf(work)
            shelf.refresh()
            metrics = Metrics(shelf)
            app = make_app(shelf, [metrics.answered])
            keys = KeyFile(home / "secrets" / "server_keys.json")
            with running(guarded(app, metrics=metrics, keys=keys, rule="local", limits=LIMITS), LIMITS) as at:
                yield f"http://{at[0]}:{at[1]}"


@pytest.fixture(scope="module")
def description(address: str) -> schemathesis.BaseSchema:
    """The server's description of itself."""
    return schemathesis.openapi.from_url(f"{address}/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_schemathesis_finds_nothing(description: schemathesis.BaseSchema, mode: GenerationMode) -> None:
    n_operations = 0
    for found in description.get_all_operations():
        operation = found.ok()
        if mode.is_negative and not operation.body:
            continue  # nothing of it could be wrong
        n_operations += 1

        @settings(max_examples=25, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(excluded_checks=[negative_data_rejection])

        ask()
    assert n_operations >= 3


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (ROW, 200),
        (ROW.replace(b"40.0", b"NaN"), 422),
        (ROW.replace(b"40.0", b"Infinity"), 422),
        (ROW.replace(b"40.0", b"-Infinity"), 422),
        (ROW.replace(b"40.0", b"1e999"), 422),
        (ROW.replace(b"2,", b"9223372036854775808,"), 422),
        (ROW.replace(b"2,", b"1" * 5000 + b","), 422),
        (ROW.replace(b"2,", b"true,"), 422),
        (ROW.replace(b'"shop"', b'"\\ud800"'), 422),
        (ROW.replace(b'"shop"', b'"\xff"'), 422),
        (ROW.replace(b'"shop"', b'"' + b"x" * 90_000 + b'"'), 200),
        (ROW.replace(b'"shop"', b'"' + b"x" * 100_000 + b'"'), 413),
        (ROW.replace(b'"shop"', b'"\\u0000"'), 200),
        (deep(200), 422),
        (deep(10_000), 422),
        (b"[" * 90_000, 422),
        (b"", 422),
        (b"\x00" * 1000, 422),
        (b'{"rows": [' + b",".join([b'{"a":1}'] * 10_001) + b"]}", 413),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else str(value),
)
@pytest.mark.parametrize("route", ["predict", "predict/batch", "explain"])
def test_each_odd_body_has_its_status(address: str, body: bytes, status: int, route: str) -> None:
    answer = httpx.post(f"{address}/{route}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text[:500]
    if status != 200:
        assert answer.json()["problems"][0]["problem"]
    assert httpx.get(f"{address}/ready").status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("route", ["predict", "predict/batch", "explain"])
def test_a_body_of_another_kind_is_refused(address: str, kind: str, route: str) -> None:
    answer = httpx.post(f"{address}/{route}", content=ROW, headers={"Content-Type": kind})
    assert answer.status_code == 415
