"""From a request to what its label says: a server that keeps answers, and tries a model beside its champion."""

from __future__ import annotations

from datetime import timedelta

import pytest
from given.answers import champion_of, labelled_rows, other_candidate
from starlette.testclient import TestClient

from mlsys import clock
from mlsys.live import begun, kept_rows
from mlsys.live.judging import evidence
from mlsys.schema import CHAMPION
from mlsys.server.app import make_app
from mlsys.server.living import living
from mlsys.server.metrics import Metrics
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace


def _shelf(work: Workspace) -> Shelf:
    shelf = Shelf(work)
    shelf.look()
    return shelf


@pytest.mark.parametrize("role", ["shadow", "ab"])
def test_requests_are_kept_tried_and_judged_by_their_labels(work: Workspace, role: str) -> None:
    other, until = other_candidate(work), clock.now() + timedelta(days=14)
    share = 50 if role == "ab" else 0
    begun.begin(work, "shop", other, role=role, share=share, until=until, reason="a test")  # type: ignore[arg-type]
    rows = labelled_rows(work, "order_no").slice(0, 260).drop_columns(["returned", "_key", "_event_time"])
    with (
        living(work.home, lambda: work, every=600) as live,
        TestClient(make_app(_shelf(work), live.watchers, beside=live.beside)) as client,
    ):
        arms = set()
        for row in rows.to_pylist():
            answer = client.post("/pipelines/shop/predict", json=row)
            assert answer.status_code == 200, answer.text
            arms.add(answer.json()["arm"])
        live.kept.write()
        page = Metrics(_shelf(work), [live]).page().decode()
    assert "mlsys_server_log_dropped_total 0.0" in page
    assert arms == ({"champion"} if role == "shadow" else {"champion", other})
    kept = kept_rows.live_rows(work.home, "shop")
    assert kept is not None
    assert kept.num_rows == (520 if role == "shadow" else 260)
    assert set(kept[CHAMPION].to_pylist()) == {champion_of(work).candidate_id, other}
    (found,) = evidence(work, "shop")
    assert found.n_known == found.n_answers > 100
    assert found.comparison is not None
    assert found.verdict == "open", "two models of the same kind, a day of data apart"


def test_a_full_log_folder_costs_no_answer(work: Workspace) -> None:
    (work.home / kept_rows.FOLDER).mkdir()
    (work.home / kept_rows.FOLDER / "shop").write_text("a file where a folder should be")
    with (
        living(work.home, lambda: work, every=600) as live,
        TestClient(make_app(_shelf(work), live.watchers, beside=live.beside)) as client,
    ):
        row = {"basket_value": 40.0, "n_items": 2, "channel": "app", "gift": True}
        assert client.post("/pipelines/shop/predict", json=row).status_code == 200
        live.kept.write()
        assert live.kept.failing
        assert client.post("/pipelines/shop/predict", json=row).status_code == 200
