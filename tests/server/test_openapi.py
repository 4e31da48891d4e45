"""The OpenAPI description is made from the schema that the models were trained with."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from mlsys.server.app import make_app
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace


@pytest.fixture
def client(work: Workspace) -> TestClient:
    shelf = Shelf(work)
    shelf.refresh()
    return TestClient(make_app(shelf))


@pytest.fixture
def described(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def test_columns_have_types_and_what_there_was_in_training(described: dict[str, Any]) -> None:
    row = described["components"]["schemas"]["shop.row"]
    assert set(row["required"]) == {"basket_value", "n_items", "channel", "gift"}
    assert row["properties"]["n_items"]["type"] == ["integer", "null"]
    assert row["properties"]["n_items"]["description"] == "a whole number or null; in training 1 to 8"
    assert "'app'" in row["properties"]["channel"]["description"]
    assert set(row["properties"]["channel"]["examples"]) == {"web", "app", "store"}


@pytest.mark.parametrize(
    "path", ["/pipelines/shop/predict", "/pipelines/shop/predict/batch", "/pipelines/shop/explain"]
)
def test_every_example_is_answered(client: TestClient, described: dict[str, Any], path: str) -> None:
    examples = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert examples
    for example in examples.values():
        assert client.post(path, json=example["value"]).status_code == 200


def test_the_example_of_an_answer_is_one(client: TestClient, described: dict[str, Any]) -> None:
    row = described["paths"]["/pipelines/shop/predict"]["post"]["requestBody"]["content"]["application/json"]
    answer = client.post("/predict", json=row["examples"]["row 1"]["value"]).json()
    assert described["components"]["schemas"]["shop.answer"]["examples"] == [answer]


def test_it_is_a_valid_description(described: dict[str, Any]) -> None:
    import jsonschema

    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
