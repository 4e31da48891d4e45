"""What each address answers, by a client in the same process."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from starlette.testclient import TestClient

from mlsys import serving
from mlsys.server.answered import Answered
from mlsys.server.app import make_app
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace

ROW = {"basket_value": 40.0, "n_items": 2, "channel": "shop", "gift": True}


@pytest.fixture
def told() -> list[Answered]:
    return []


@pytest.fixture
def client(work: Workspace, told: list[Answered]) -> Iterator[TestClient]:
    shelf = Shelf(work)
    shelf.refresh()
    with TestClient(make_app(shelf, [told.append])) as client:
        yield client


def test_a_row_is_answered_as_the_loaded_champion_does(client: TestClient, told: list[Answered]) -> None:
    answer = client.post("/pipelines/shop/predict", json=ROW)
    champion = serving.load_champion("shop")
    assert answer.status_code == 200
    assert answer.json()["version"] == champion.version
    expected = champion.predict_proba(pd.DataFrame([ROW]))[0, 1]
    assert [each["probability"] for each in answer.json()["predictions"]] == [expected]
    assert [each.rows for each in told] == [[ROW]]


def test_it_says_in_which_way_it_answers(client: TestClient) -> None:
    info = client.get("/pipelines/shop/model/info").json()
    assert info["path"] == "arrays + LogisticRegression.predict_proba"
    assert info["path_compared"].startswith("bit-equal to the plain way on 2,0")


def test_a_request_without_a_column_says_which(client: TestClient) -> None:
    answer = client.post("/pipelines/shop/predict", json={"rows": [ROW, {**ROW, "n_items": None}, {"gift": True}]})
    assert answer.status_code == 422
    assert {(each["row"], each["column"]) for each in answer.json()["problems"]} == {
        (2, name) for name in ("basket_value", "n_items", "channel")
    }


def test_nobody_answers_for_a_pipeline_that_is_none(client: TestClient) -> None:
    answer = client.post("/pipelines/shopp/predict", json=ROW)
    assert answer.status_code == 404
    assert "shop" in answer.text


def test_it_is_ready_with_a_model(client: TestClient, work: Workspace) -> None:
    assert client.get("/ready").status_code == 200
    assert [each["pipeline"] for each in client.get("/models").json()["models"]] == ["shop"]
    with TestClient(make_app(Shelf(work))) as without:
        assert without.get("/ready").status_code == 503
