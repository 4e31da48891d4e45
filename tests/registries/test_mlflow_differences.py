"""Each way in which MLflow may differ from what was published is named and mended, on SQLite and on Postgres."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mlflow import MlflowClient

from mlsys.registries.base import Place
from mlsys.registries.mlflow_registry import MlflowRegistry
from mlsys.testing.registries import PIPELINE, make_release

pytestmark = pytest.mark.slow

REGISTRY = MlflowRegistry()
AGAIN = "of version 1, 000000000001-logistic_0 (1.0.0),"


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_whatever_people_can_do_to_it_is_named_and_mended(
    place: Place, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "postgres":
        place = replace(place, tracking_uri=request.getfixturevalue("postgres_url"))
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    client = MlflowClient(place.tracking_uri, registry_uri=place.tracking_uri)
    run_id = str(client.get_model_version(PIPELINE, "1").run_id)
    files = next(path for path in place.home.rglob("model.pkl"))

    def log_another_metric() -> None:
        client.log_metric(run_id, "holdout_roc_auc", 0.99, step=3)

    ways = {
        f"{AGAIN} other tags are set: mlsys.outcome": lambda: client.set_model_version_tag(
            PIPELINE, "1", "mlsys.outcome", "reject"
        ),
        f"the run {AGAIN} shows other metrics: holdout_roc_auc": log_another_metric,
        f"the run {AGAIN} has other tags: mlsys.sha256": lambda: client.set_tag(run_id, "mlsys.sha256", "0" * 64),
        f"the run {AGAIN} was deleted": lambda: client.delete_run(run_id),
        "holds another model than the one that was promoted": lambda: files.write_bytes(b"another"),
        f"the version of {release.candidate.candidate_id} (1.0.0) is gone": lambda: client.delete_model_version(
            PIPELINE, "1"
        ),
        f"the experiment {PIPELINE} was deleted": lambda: client.delete_experiment(
            str(client.get_experiment_by_name(PIPELINE).experiment_id)
        ),
        f"its versions stand under the name {PIPELINE}-old": lambda: client.rename_registered_model(
            PIPELINE, f"{PIPELINE}-old"
        ),
    }
    assert REGISTRY.differences(PIPELINE, [release], place) == []
    for says, change in ways.items():
        change()
        found = REGISTRY.differences(PIPELINE, [release], place)  # with an experiment its runs are deleted
        assert any(says in each for each in found), found
        REGISTRY.publish(release, place)
        assert REGISTRY.differences(PIPELINE, [release], place) == [], says
    assert client.get_run(run_id).data.metrics["holdout_roc_auc"] == 0.8


def test_a_description_is_anybodys_to_write(place: Place) -> None:
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    client = MlflowClient(place.tracking_uri, registry_uri=place.tracking_uri)
    run_id = str(client.get_model_version(PIPELINE, "1").run_id)
    client.set_tag(run_id, "mlflow.note.content", "Ann looked at it")
    assert REGISTRY.differences(PIPELINE, [release], place) == []
