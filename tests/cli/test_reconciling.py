"""`mlsys reconcile`: each way in which registries and store may differ from the ledger is found, named and mended."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from types import SimpleNamespace

import httpx
import pytest
from given.airflows import made_up

pytestmark = pytest.mark.slow


@pytest.fixture
def client(work):
    from mlflow import MlflowClient

    return MlflowClient(work.place.tracking_uri, registry_uri=work.place.tracking_uri)


def versions(client) -> dict[str, object]:
    return {version.tags["mlsys.candidate"]: version for version in client.search_model_versions("name = 'shop'")}


def test_whatever_was_deleted_moved_or_changed_is_named_and_made_again(mlsys, changed, work, client) -> None:
    first, second = work.ledger.champion_changes("shop")
    rejected = next(d.challenger for d in work.ledger.decisions("shop") if d.outcome == "reject")
    known = versions(client)
    assert mlsys("reconcile", "shop", "--look").code == 0
    client.delete_model_version("shop", known[second.candidate_id].version)
    client.set_model_version_tag("shop", known[rejected].version, "mlsys.outcome", "promote")
    client.delete_run(known[first.candidate_id].run_id)
    shutil.rmtree(changed / "registry" / "shop" / "v1.0.0")
    lost = work.store.path(work.ledger.candidate(first.candidate_id).model)
    lost.unlink()
    looked = mlsys("reconcile", "--look")
    assert looked.code == 4
    for words in (
        f"of the store, {lost} of {first.candidate_id}: a stored file is missing",
        "mlflow shows no champion",
        f"the version of {second.candidate_id} (1.0.1) is gone",
        f"{rejected}, other tags are set: mlsys.outcome",
    ):
        assert f"differs: shop: {words}" in looked.out.replace("of mlflow, ", "").replace(
            f"of version {known[rejected].version}, ", ""
        )
    assert not lost.exists(), "looking changes nothing"
    mended = mlsys("reconcile")
    assert mended.code == 0
    assert "v1.0.0: the folder of this version is gone" in mended.out
    assert "the run of version" in mended.out
    assert lost.is_file()
    assert versions(client)[rejected].tags["mlsys.outcome"] == "reject"
    again = client.get_model_version_by_alias("shop", "champion")
    assert again.tags["mlsys.candidate"] == second.candidate_id
    assert (changed / "registry" / "shop" / "v1.0.0" / "model.joblib").read_bytes() == lost.read_bytes()
    assert mlsys("reconcile", "shop", "--look").out == "shop: the registries say what the ledger says\n"


def test_a_renamed_model_a_deleted_experiment_and_an_alias_moved_by_hand_are_mended(
    mlsys, changed, work, client
) -> None:
    champion = work.ledger.champion("shop").candidate_id
    older = next(v for name, v in versions(client).items() if name != champion)
    client.set_registered_model_alias("shop", "champion", older.version)
    assert f"mlflow shows {older.tags['mlsys.candidate']}, the ledger {champion}" in mlsys("why", "shop").out
    client.rename_registered_model("shop", "shop-old")
    client.delete_experiment(client.get_experiment_by_name("shop").experiment_id)
    mended = mlsys("reconcile", "shop")
    assert mended.code == 0
    assert "the experiment shop was deleted" in mended.out
    assert "the registered model shop is gone; its versions stand under the name shop-old" in mended.out
    assert client.get_model_version_by_alias("shop", "champion").tags["mlsys.candidate"] == champion


def test_what_no_registry_has_is_named_with_what_may_help(mlsys, changed, work, champion_file) -> None:
    champion_file.unlink()
    for copy in changed.glob("registry/shop/v1.0.1/model.joblib"):
        copy.unlink()
    shutil.rmtree(changed / "mlartifacts", ignore_errors=True)
    from mlsys.registries.mlflow_registry import MlflowRegistry

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MlflowRegistry, "copy_of", lambda *_: None)  # a copied home reads the first one's files
        answer = mlsys("reconcile", "shop")
    assert answer.code == 4
    assert "no registry has a copy: mlsys replay" in answer.err


def test_an_event_that_airflow_missed_or_that_names_another_model_is_named_and_posted(
    mlsys, changed, work, monkeypatch
) -> None:
    events: list[dict[str, object]] = []

    def airflow(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v2/assets":
            return httpx.Response(200, json={"assets": [{"id": 8, "name": "champion_shop"}], "total_entries": 1})
        if request.method == "POST":
            events.append(json.loads(request.content))
        return httpx.Response(200, json={"asset_events": events[-1:]})

    from mlsys.orchestration.stack import stack

    assert mlsys("reconcile", "shop", "--look").code == 0, "without a stack there is no Airflow to look at"
    monkeypatch.setattr(stack, "status", lambda _: [SimpleNamespace(name="api-server", state="running")])
    monkeypatch.setattr(stack, "connect", lambda _: nullcontext(made_up(airflow)))
    champion = work.ledger.champion("shop")
    for extra, says in (
        (None, "asset champion_shop has no event"),
        ({"generation": 1, "candidate": "older", "version": "1.0.0"}, "champion_shop names older (1.0.0)"),
        ({"generation": 1, "candidate": champion.candidate_id, "version": "1.0.1"}, "(1.0.1), of an earlier time"),
        ({}, "names nobody (no version)"),
    ):
        events[:] = [] if extra is None else [{"extra": extra}]
        looked = mlsys("reconcile", "shop", "--look")
        assert looked.code == 4
        assert says in looked.out
        assert f"the ledger {champion.candidate_id} (1.0.1)" in looked.out
        mended = mlsys("reconcile", "shop", "--json")
        assert says in mended.out
        assert events[-1]["extra"]["candidate"] == champion.candidate_id
        assert mlsys("reconcile", "shop", "--look").code == 0
