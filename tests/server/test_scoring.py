"""A CSV file comes back with an answer beside each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from mlsys import serving
from mlsys.server import scoring
from mlsys.server.answered import Answered
from mlsys.server.app import make_app
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace

HEADER = "order_no,basket_value,n_items,channel,gift\n"
CSV = {"content-type": "text/csv"}


@pytest.fixture
def told() -> list[Answered]:
    return []


@pytest.fixture
def client(work: Workspace, told: list[Answered]) -> Iterator[TestClient]:
    shelf = Shelf(work)
    shelf.refresh()
    with TestClient(make_app(shelf, [told.append])) as client:
        yield client


def scored(client: TestClient, text: str, delimiter: str = ",") -> list[dict[str, Any]]:
    answer = client.post("/score", content=text.encode(), headers=CSV)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text), delimiter=delimiter))


def test_answers_are_those_of_the_loaded_champion(
    client: TestClient, told: list[Answered], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_AT_ONCE", 2)
    rows = [f"{i},{10.5 + i},{i % 8 + 1},{'app' if i % 2 else 'web'},true\n" for i in range(5)]
    found = scored(client, HEADER + "".join(rows))
    frame = pd.read_csv(io.StringIO(HEADER + "".join(rows)))
    expected = serving.load_champion("shop").predict_proba(frame)[:, 1]
    assert [float(row["predicted_probability"]) for row in found] == expected.tolist()
    assert [row["predicted_positive"] for row in found] == [str(said >= 0.5).lower() for said in expected]
    assert [row["order_no"] for row in found] == list("01234")
    assert {row["problem"] for row in found} == {""}
    assert [len(each.rows) for each in told] == [2, 2, 1]
    assert told[0].given[1]["order_no"] == "1"


def test_what_cant_be_read_is_said_by_row_and_the_others_are_answered(client: TestClient) -> None:
    lines = ["1,40,2,app,true", "2,dear,2,app,true", "3,40,,,", "4,40,2,app", '5,"40",2.5,"a ""b"", c",no']
    found = scored(client, HEADER + "\r\n".join(lines))
    assert [bool(row["predicted_probability"]) for row in found] == [True, False, True, False, False]
    problems = [row["problem"] for row in found]
    assert problems[1] == "row 2: basket_value: 'dear' can't be read, but a number or null"
    assert problems[4].startswith("row 5: n_items: '2.5'")
    assert found[4]["channel"] == 'a "b", c'
    assert problems[3] == "row 4: 4 fields, and the header has 5"


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_other_marks_between_fields_and_a_byte_order_mark_are_seen(client: TestClient, mark: str) -> None:
    text = (HEADER + "1,40,2,app,true\n").replace(",", mark)
    assert scored(client, "\ufeff" + text, mark)[0]["predicted_probability"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, "lacks the column"),
        (b"basket_value,n_items\n1,2\n", 422, "lacks the column"),
        (b"gift," + HEADER.encode(), 422, "twice"),
        (b"\xff\xfe", 422, "not in UTF-8"),
    ],
)
def test_what_is_no_such_file_is_refused(client: TestClient, body: bytes, status: int, said: str) -> None:
    answer = client.post("/score", content=body, headers=CSV)
    assert answer.status_code == status
    assert said in answer.text


def test_a_file_that_is_too_large_or_of_another_kind_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post("/score", content=b"{}", headers={"content-type": "application/json"}).status_code == 415
    monkeypatch.setattr(scoring, "MOST_BYTES", 50)
    assert client.post("/score", content=HEADER.encode() * 2, headers=CSV).status_code == 413


def test_plain_numbers_are_read_without_pandas_and_answered_as_any_others(
    client: TestClient, told: list[Answered], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blank before one number leaves its column to the reader of sources: the answers and what is kept are alike."""
    lines = ["1,40,2,app,true", "2,7.25,,web,0", "3,,1,,"]
    otherwise = scored(client, HEADER + "\n".join(lines).replace("40", " 40").replace(",2,", ", 2,"))
    monkeypatch.setattr(serving.Champion, "prepare", None)
    found = scored(client, HEADER + "\n".join(lines))
    assert [row["predicted_probability"] for row in found] == [row["predicted_probability"] for row in otherwise]
    assert all(row["predicted_probability"] for row in found)
    assert list(told[-1].rows)[1] == {"basket_value": 7.25, "n_items": None, "channel": "web", "gift": False}
