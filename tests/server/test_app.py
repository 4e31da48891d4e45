"""What each address answers, by a client in the same process."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from given.shop import newest_run
from starlette.testclient import TestClient

from mlsys import serving
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.registries.files import MODEL, folder_of
from mlsys.server.answered import Answered
from mlsys.server.app import make_app
from mlsys.server.choosing import Beside, Incoming
from mlsys.server.served import ServedModel
from mlsys.server.shelf import Broken, Shelf
from mlsys.workspace import Workspace

ROW = {"basket_value": 40.0, "n_items": 2, "channel": "app", "gift": True}


@pytest.fixture
def told() -> list[Answered]:
    return []


@pytest.fixture
def shelf(work: Workspace) -> Shelf:
    shelf = Shelf(work)
    shelf.refresh()
    return shelf


@pytest.fixture
def client(shelf: Shelf, told: list[Answered]) -> Iterator[TestClient]:
    with TestClient(make_app(shelf, [told.append])) as client:
        yield client


@pytest.mark.parametrize("path", ["/predict", "/pipelines/shop/predict", "/predict/batch"])
def test_a_row_is_answered_as_the_loaded_champion_does(client: TestClient, told: list[Answered], path: str) -> None:
    answer = client.post(path, json={**ROW, "order_no": 7})
    champion = serving.load_champion("shop")
    assert answer.status_code == 200
    expected = champion.predict_proba(pd.DataFrame([ROW]))[0, 1]
    said = {"probability": expected, "positive": expected >= 0.5, "class": "yes"}
    assert answer.json() == {"pipeline": "shop", "version": "1.0.0", "arm": "champion", "predictions": [said]}
    assert [(list(each.rows), each.given) for each in told] == [([ROW], [{**ROW, "order_no": 7}])]


def test_what_is_unlike_the_training_rows_is_answered_as_there_and_counted(
    client: TestClient, told: list[Answered]
) -> None:
    odd = {"basket_value": 1e9, "n_items": None, "channel": "kiosk", "gift": "no"}
    answer = client.post("/predict", json={"rows": [odd, {**ROW, "channel": " app "}, {**odd, "n_items": 3}]})
    found = {"out_of_range": {"basket_value": 2}, "missing": {"n_items": 1}, "unseen": {"channel": 2}}
    assert answer.json()["noticed"] == told[0].noticed == found
    expected = serving.load_champion("shop").predict_proba(pd.DataFrame([odd]))[0, 1]
    assert answer.json()["predictions"][0]["probability"] == expected


def test_it_says_in_which_way_it_answers(client: TestClient) -> None:
    found = client.get("/pipelines/shop/model/info").json()["answered_by"]
    assert found.startswith("arrays + LogisticRegression.predict_proba: bit-equal to the plain way on 2,0")


def test_a_request_without_a_column_says_which(client: TestClient) -> None:
    answer = client.post("/pipelines/shop/predict", json={"rows": [ROW, {**ROW, "n_items": None}, {"gift": True}]})
    assert answer.status_code == 422
    assert {(each["row"], each["column"]) for each in answer.json()["problems"]} == {
        (2, name) for name in ("basket_value", "n_items", "channel")
    }


def test_values_that_cant_be_read_are_named_all_at_once(client: TestClient) -> None:
    rows = [ROW, {**ROW, "basket_value": "dear", "gift": "perhaps"}, {**ROW, "n_items": 2.5}]
    answer = client.post("/predict", json={"rows": rows})
    assert answer.status_code == 422
    assert [(each["row"], each["column"], each["value"], each["allowed"]) for each in answer.json()["problems"]] == [
        (1, "basket_value", "dear", "a number or null"),
        (1, "gift", "perhaps", "true, false or null"),
        (2, "n_items", 2.5, "a whole number or null"),
    ]


def test_nobody_answers_for_a_pipeline_that_is_none(client: TestClient) -> None:
    answer = client.post("/pipelines/shopp/predict", json=ROW)
    assert answer.status_code == 404
    assert "Did you mean 'shop'" in answer.text
    assert client.get("/predict").status_code == 405
    assert client.get("/nothing").json() == {"problems": [{"problem": "Not Found"}]}


def test_without_a_name_there_has_to_be_one_pipeline_alone(client: TestClient, shelf: Shelf) -> None:
    shelf._models = {**shelf.models, "other": shelf.model("shop")}
    answer = client.post("/predict", json=ROW)
    assert answer.status_code == 409
    assert "/pipelines/other/predict, /pipelines/shop/predict" in answer.text


def test_it_is_ready_with_a_model(client: TestClient, work: Workspace) -> None:
    assert client.get("/ready").json() == {"ready": True, "models": {"shop": "1.0.0"}, "broken": []}
    assert [each["pipeline"] for each in client.get("/models").json()["models"]] == ["shop"]
    assert client.get("/model/info").json() == client.get("/pipelines/shop/model/info").json()
    with TestClient(make_app(Shelf(work))) as without:
        assert without.get("/ready").status_code == 503
        assert without.post("/predict", json=ROW).status_code == 503
        assert without.post("/model/reload").status_code == 200
        assert without.get("/ready").status_code == 200


def test_rows_without_a_name_never_go_to_the_only_model_that_could_be_loaded(client: TestClient, shelf: Shelf) -> None:
    shelf._broken = {"other": Broken("c", "its file is gone")}
    answer = client.post("/predict", json=ROW)
    assert answer.status_code == 409
    assert answer.json()["problems"][0]["allowed"] == "/pipelines/other/predict, /pipelines/shop/predict"
    assert client.post("/pipelines/shop/predict", json=ROW).status_code == 200
    assert client.post("/pipelines/other/predict", json=ROW).status_code == 503


def test_a_broken_champion_is_said_without_paths_where_everybody_looks(shelf: Shelf, work: Workspace) -> None:
    client = TestClient(make_app(shelf))  # nobody follows the ledger before the file is damaged
    change = promote_by_hand(work, "shop", newest_run(work), reason="newer")
    folder = folder_of("shop", change.candidate_id, work.home)
    assert folder is not None
    (folder / MODEL).chmod(0o644)
    (folder / MODEL).write_bytes(b"nothing")
    reloaded = client.post("/model/reload").json()
    assert [each["version"] for each in reloaded["models"]] == ["1.0.0"]
    assert "not the one that was promoted" in reloaded["broken"][0]["reason"]
    assert client.get("/health").json()["broken"] == ["shop"]
    assert client.get("/ready").status_code == 200
    assert str(work.home) not in client.get("/health").text + client.get("/ready").text


def test_another_model_may_be_chosen_for_a_request(shelf: Shelf) -> None:
    def choose(incoming: Incoming) -> tuple[str, ServedModel]:
        return ("other" if incoming.given[0]["order_no"] == 7 else "champion"), incoming.champion

    with TestClient(make_app(shelf, beside=Beside(choose))) as client:
        arms = [client.post("/predict", json={**ROW, "order_no": number}).json()["arm"] for number in (7, 8)]
    assert arms == ["other", "champion"]
