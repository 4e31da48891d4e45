"""Why a row is answered as it is, and what would change it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from starlette.testclient import TestClient

from mlsys.server.app import make_app
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace

ROW = {"basket_value": 40.0, "n_items": 5, "channel": "app", "gift": True}


@pytest.fixture
def client(work: Workspace) -> TestClient:
    shelf = Shelf(work)
    shelf.refresh()
    return TestClient(make_app(shelf))


@pytest.fixture
def said(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/explain", json=ROW).json()
    return found


def test_reasons_add_up_to_the_answer_and_the_cause_comes_first(said: dict[str, Any]) -> None:
    reasons = said["reasons"]
    assert reasons["scale"] == "log odds"
    assert reasons["columns"][0]["column"] == "channel"
    assert reasons["columns"][0]["adds"] < 0
    total = reasons["base"] + sum(each["adds"] for each in reasons["columns"]) + reasons["rest"]
    assert total == pytest.approx(reasons["said"], abs=1e-4)
    assert 1 / (1 + math.exp(-total)) == pytest.approx(said["prediction"]["probability"], abs=1e-4)


def test_each_change_really_changes_the_decision(client: TestClient, said: dict[str, Any]) -> None:
    assert not said["prediction"]["positive"]
    assert "channel" in {each["column"] for each in said["changes"]}
    for change in said["changes"]:
        assert change["from"] == ROW[change["column"]]
        answer = client.post("/predict", json={**ROW, change["column"]: change["to"]}).json()
        assert answer["predictions"] == [change["prediction"]]
        assert answer["predictions"][0]["positive"]
    assert [each["step"] for each in said["changes"]] == sorted(each["step"] for each in said["changes"])


def test_a_row_that_cant_be_read_is_refused_and_one_alone_is_explained(client: TestClient) -> None:
    assert client.post("/explain", json={**ROW, "gift": "perhaps"}).json()["problems"][0]["column"] == "gift"
    assert client.post("/explain", json={"rows": [ROW, ROW]}).status_code == 413
