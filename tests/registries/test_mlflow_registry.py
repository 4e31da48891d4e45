from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlsys.errors import MlsysError, TransientError
from mlsys.records import ChainAnchor
from mlsys.registries.base import Place, Shown
from mlsys.registries.mlflow_model import signature
from mlsys.registries.mlflow_registry import MlflowRegistry
from mlsys.store import sha256_of
from mlsys.testing.registries import PIPELINE, fitted_pipeline, make_release, rows

REGISTRY = MlflowRegistry()
PARENT, PROMOTED = "2026-05-11 reject", "2026-05-11 promote"
PIPELINES = Path(__file__).parents[2] / "include" / "pipelines"


def client(place: Place):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=place.tracking_uri, registry_uri=place.tracking_uri)


def runs(place: Place):
    found = client(place).get_experiment_by_name(PIPELINE)
    return client(place).search_runs([found.experiment_id])


def contents(place: Place) -> dict[str, object]:
    """Everything that publishing writes, less MLflow's own ids and times."""
    shown = client(place)
    return {
        "runs": sorted((run.info.run_name, run.info.status, sorted(run.data.metrics.items())) for run in runs(place)),
        "models": len(shown.search_logged_models([runs(place)[0].info.experiment_id])),
        "versions": sorted((v.version, sorted(v.tags.items())) for v in shown.search_model_versions()),
    }


@pytest.mark.slow
def test_a_run_per_retraining_and_one_below_it_per_candidate(place: Place) -> None:
    shown = REGISTRY.publish(make_release(place.store, n_candidates=3), place)
    found = {run.info.run_name: run for run in runs(place)}
    assert shown == Shown("1", run=found[PARENT].info.run_id)
    assert set(found) == {PARENT, "logistic_0", "logistic_1", "logistic_2"}
    assert found["logistic_2"].data.tags["mlflow.parentRunId"] == found[PARENT].info.run_id


@pytest.mark.slow
def test_metrics_carry_side_and_interval_and_leave_out_the_undefined(place: Place) -> None:
    REGISTRY.publish(make_release(place.store), place)
    metrics = next(run for run in runs(place) if run.info.run_name == "logistic_0").data.metrics
    assert metrics["holdout_roc_auc"] == 0.8
    assert metrics["holdout_roc_auc_lower"] == 0.7
    assert metrics["validation_roc_auc"] == 0.8
    assert "holdout_recall" not in metrics


@pytest.mark.slow
def test_the_dataset_and_the_keys_are_tags(place: Place) -> None:
    release = make_release(place.store)
    REGISTRY.publish(release, place)
    tags = next(run for run in runs(place) if run.info.run_name == PARENT).data.tags
    assert tags["mlsys.run_id"] == release.plan.run_id
    assert tags["mlsys.dataset.assignment.fingerprint"] == release.snapshot.fingerprint
    assert tags["mlsys.training_key"] == release.plan.training_key
    assert tags["mlsys.decision_key"] == release.decision.decision_key


@pytest.mark.slow
def test_every_run_names_its_dataset(place: Place) -> None:
    release = make_release(place.store)
    REGISTRY.publish(release, place)
    names = {source.dataset.name for run in runs(place) for source in run.inputs.dataset_inputs}
    digests = [source.dataset.digest for run in runs(place) for source in run.inputs.dataset_inputs]
    assert names == {f"{release.plan.pipeline} to {release.plan.day}"}
    assert digests == [release.snapshot.fingerprint[:12]] * len(runs(place))


@pytest.mark.slow
def test_a_later_outcome_renames_the_run(place: Place) -> None:
    REGISTRY.publish(make_release(place.store), place)
    REGISTRY.publish(make_release(place.store, version="1.0.0"), place)
    names = {run.info.run_name for run in runs(place)}
    assert names == {PROMOTED, "logistic_0", "logistic_1"}


@pytest.mark.slow
def test_publishing_again_writes_nothing(place: Place) -> None:
    release = make_release(place.store)
    REGISTRY.publish(release, place)
    before = contents(place)
    REGISTRY.publish(release, place)
    assert contents(place) == before


@pytest.mark.slow
def test_attached_files_are_artifacts_of_the_candidates_run_and_written_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = make_release(place.store)
    REGISTRY.publish(release, place)
    files = {"explanation.html": b"<p>", "explanation.json": b"{}"}
    REGISTRY.attach(PIPELINE, release.candidate.candidate_id, files, place)
    run = next(run for run in runs(place) if run.info.run_name == release.candidate.name)
    found = client(place).list_artifacts(run.info.run_id, "explanation")
    assert [info.path for info in found] == ["explanation/explanation.html", "explanation/explanation.json"]
    from mlflow import MlflowClient

    written: list[object] = []
    known = MlflowClient.log_artifacts
    monkeypatch.setattr(MlflowClient, "log_artifacts", lambda *given: (written.append(given), known(*given)))
    REGISTRY.attach(PIPELINE, release.candidate.candidate_id, files, place)
    assert written == []
    REGISTRY.attach(PIPELINE, release.candidate.candidate_id, {**files, "explanation.json": b'{"a":1}'}, place)
    assert len(written) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", ["create_run", "log_batch", "set_terminated", "log_model_artifacts", "create_model_version"]
)
def test_an_interrupted_publication_heals(place: Place, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    from mlflow import MlflowClient

    release = make_release(place.store)
    real, calls = getattr(MlflowClient, step), []

    def crash_at_the_second_call(self: object, *args: object, **kwargs: object) -> object:
        calls.append(step)
        if len(calls) == (2 if step in ("create_run", "log_batch", "set_terminated") else 1):
            raise KeyboardInterrupt
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, step, crash_at_the_second_call)
        with pytest.raises(KeyboardInterrupt):
            REGISTRY.publish(release, place)
    assert REGISTRY.publish(release, place).name == "1"
    healed = contents(place)
    assert [status for _, status, _ in healed["runs"]] == ["FINISHED"] * 3
    assert len(healed["versions"]) == 1


@pytest.mark.slow  # imports what MLflow serves models with
def test_the_champion_loads_by_its_alias(place: Place) -> None:
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, place)
    version = client(place).get_model_version_by_alias(PIPELINE, "champion")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow

        mlflow.set_tracking_uri(place.tracking_uri)
        mlflow.set_registry_uri(place.tracking_uri)
        try:
            model = mlflow.pyfunc.load_model(f"models:/{PIPELINE}/{version.version}")
        finally:
            mlflow.set_tracking_uri(None)
            mlflow.set_registry_uri(None)
    frame = rows().assign(gift=None)
    np.testing.assert_allclose(model.predict(frame), fitted_pipeline(10).predict_proba(rows()), rtol=0, atol=1e-12)


@pytest.mark.slow
def test_the_signature_holds_the_feature_columns(place: Place) -> None:
    inputs = signature(make_release(place.store)).inputs
    assert {column.name: column.type.name for column in inputs} == {
        "basket_value": "double",
        "n_items": "double",
        "channel": "string",
        "gift": "boolean",
    }


@pytest.mark.slow
def test_a_model_of_several_classes_gives_a_column_for_each_and_names_them(place: Place) -> None:
    from dataclasses import replace

    from mlflow.models import Model

    made = make_release(place.store)
    of_three = replace(made, candidate=made.candidate.model_copy(update={"classes": ("a", "b", "c")}))
    assert signature(of_three).outputs.inputs[0].shape == (-1, 3)
    assert signature(made).outputs.inputs[0].shape == (-1, 2)
    REGISTRY.publish(of_three, place)
    (written,) = place.home.rglob("MLmodel")
    described = Model.load(written)
    assert described.metadata == {"classes": ["a", "b", "c"]}


@pytest.mark.slow
def test_a_later_promotion_updates_the_version(place: Place) -> None:
    REGISTRY.publish(make_release(place.store), place)
    REGISTRY.publish(make_release(place.store, version="1.0.0"), place)
    (version,) = client(place).search_model_versions()
    assert version.tags["mlsys.outcome"] == "promote"
    assert version.tags["mlsys.version"] == "1.0.0"
    assert version.description == "Promote: logistic_0 of run 1 serves"


@pytest.mark.slow
def test_a_failed_candidate_is_shown_as_failed(place: Place) -> None:
    from dataclasses import replace

    release = make_release(place.store)
    (first, evaluation), (second, _) = release.parts
    broken = second.model_copy(update={"status": "failed", "reason": "did not converge", "model": None})
    REGISTRY.publish(replace(release, parts=((first, evaluation), (broken, None))), place)
    run = next(run for run in runs(place) if run.info.run_name == "logistic_1")
    assert run.info.status == "FAILED"
    assert run.data.tags["mlflow.note.content"] == "did not converge"


@pytest.mark.slow
def test_the_artifact_below_home_is_the_ledgers_file(place: Place) -> None:
    release = make_release(place.store)
    REGISTRY.publish(release, place)
    (model,) = (place.home / "mlartifacts" / PIPELINE).rglob("model.pkl")
    assert sha256_of(model) == release.candidate.model


@pytest.mark.slow
def test_an_unreachable_server_may_be_tried_again_and_its_password_stays_secret(place: Place) -> None:
    lost = Place(place.store, place.home, "postgresql+psycopg2://someone:secret@127.0.0.1:1/mlflow")
    with pytest.raises(TransientError) as caught:
        REGISTRY.pointed(PIPELINE, lost)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("code", ["INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "PERMISSION_DENIED"])
def test_a_refusal_is_told_as_one_and_not_tried_again(place: Place, monkeypatch, code: str) -> None:
    error = said_by_mlflow(place, monkeypatch, code)
    assert not error.retryable
    assert "MLflow refuses what it is told: no such thing" in str(error)
    assert "refuse it again" in str(error)


@pytest.mark.parametrize("code", ["TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED"])
def test_what_may_pass_is_tried_again(place: Place, monkeypatch, code: str) -> None:
    error = said_by_mlflow(place, monkeypatch, code)
    assert error.retryable
    assert "does not answer" in str(error)


def said_by_mlflow(place: Place, monkeypatch, code: str) -> MlsysError:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ErrorCode

    def refuse(*_: object, **__: object) -> None:
        raise MlflowException("no such thing", error_code=ErrorCode.Value(code))

    monkeypatch.setattr(MlflowClient, "search_registered_models", refuse)
    with pytest.raises(MlsysError) as caught:
        REGISTRY.point(PIPELINE, None, place)
    return caught.value


@pytest.mark.postgres
def test_a_home_whose_path_a_server_can_not_take_is_refused_before_and_no_other(
    place: Place, tmp_path: Path, postgres_url: str
) -> None:
    place = replace(place, tracking_uri=postgres_url)
    longest = 200 - len((tmp_path / "x" / "mlartifacts" / PIPELINE).as_uri()) - len(f"/{'0' * 32}/artifacts") + 1
    fits, too_long = (replace(place, home=tmp_path / ("x" * n)) for n in (longest, longest + 1))
    assert REGISTRY.obstacle(PIPELINE, replace(too_long, tracking_uri="sqlite:///x.db")) is None
    assert "too long a path for MLflow by 1 characters" in str(REGISTRY.obstacle(PIPELINE, too_long))
    assert REGISTRY.obstacle(PIPELINE, fits) is None
    fits.home.mkdir()
    assert REGISTRY.publish(make_release(place.store, version="1.0.0"), fits).name == "1"


@pytest.mark.slow
def test_the_row_of_the_ledger_is_remembered(place: Place) -> None:
    assert REGISTRY.anchors(PIPELINE, place) == []
    REGISTRY.publish(
        replace(make_release(place.store, version="1.0.0"), anchor=ChainAnchor(seq=7, hash="a" * 64)), place
    )
    found = REGISTRY.anchors(PIPELINE, place)
    assert [anchor.text for anchor in found] == [f"7:{'a' * 64}"]
    assert found[0].where.startswith(("release v1.0.0", "version 1 in MLflow"))
