"""The pages for people are made from the schema that the models were trained with."""

from __future__ import annotations

import json
import re

import pytest
from starlette.testclient import TestClient

from mlsys.server.app import make_app
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace


@pytest.fixture
def shelf(work: Workspace) -> Shelf:
    shelf = Shelf(work)
    shelf.refresh()
    return shelf


@pytest.fixture
def client(shelf: Shelf) -> TestClient:
    return TestClient(make_app(shelf))


def test_the_form_has_a_field_for_each_column(client: TestClient) -> None:
    page = client.get("/pipelines/shop").text
    kinds = dict(re.findall(r'name="(\w+)" data-kind="(\w+)"', page))
    assert kinds == {"basket_value": "number", "n_items": "number", "channel": "text", "gift": "boolean"}
    assert "a whole number, 1 to 8 in training" in page
    assert set(re.findall(r'<option value="(\w+)">', page)) >= {"web", "app", "store"}
    assert re.findall(r'<label for="(f-\d)"', page) == re.findall(r'<(?:input|select) id="(f-\d)"', page)


def test_its_examples_are_rows_that_are_answered(client: TestClient) -> None:
    page = client.get("/pipelines/shop").text
    examples = json.loads(page.split('id="examples">')[1].split("</script>")[0])
    assert len(examples) == 20
    assert client.post("/predict", json=examples[0]).status_code == 200


def test_nothing_of_a_page_comes_from_elsewhere(client: TestClient) -> None:
    for path in ("/", "/pipelines/shop"):
        page = client.get(path).text
        for place in re.findall(r'(?:src|href)="([^"]*)"', page):
            assert place.startswith(("/", "data:"))
        assert not re.search(r"<script(?! type=\"application/json\")(?![^>]* src=)", page)
    for name in ("server.css", "server.js"):
        assert client.get(f"/static/{name}").status_code == 200
        assert "://" not in client.get(f"/static/{name}").text
    assert client.get("/static/models.css").status_code == 404


def test_the_first_page_lists_models_or_says_how_to_get_one(client: TestClient, work: Workspace) -> None:
    page = client.get("/").text
    assert 'href="/pipelines/shop"' in page
    assert "knows data up to 2026-05-1" in page
    assert "mlsys run NAME" in TestClient(make_app(Shelf(None, home=work.home))).get("/").text
    assert client.get("/pipelines/shopp").status_code == 404
