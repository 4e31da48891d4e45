from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.errors import MlsysError, TransientError
from mlsys.records import MetricValue
from mlsys.registries import mlflow_content as content
from mlsys.registries.base import Place, Shown
from mlsys.registries.mlflow_model import signature
from mlsys.registries.mlflow_registry import MlflowRegistry
from mlsys.store import Store, sha256_of
from mlsys.testing.registries_contract import PIPELINE, fitted_pipeline, make_release, rows

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


def test_a_run_per_retraining_and_one_below_it_per_candidate(place: Place) -> None:
    shown = REGISTRY.publish(make_release(place.store, n_candidates=3), place)
    found = {run.info.run_name: run for run in runs(place)}
    assert shown == Shown("1", run=found[PARENT].info.run_id)
    assert set(found) == {PARENT, "logistic_0", "logistic_1", "logistic_2"}
    assert found["logistic_2"].data.tags["mlflow.parentRunId"] == found[PARENT].info.run_id


def test_metrics_carry_side_and_interval_and_leave_out_the_undefined(place: Place) -> None:
    REGISTRY.publish(make_release(place.store), place)
    metrics = next(run for run in runs(place) if run.info.run_name == "logistic_0").data.metrics
    assert metrics["holdout_roc_auc"] == 0.8
    assert metrics["holdout_roc_auc_lower"] == 0.7
    assert metrics["validation_roc_auc"] == 0.8
    assert "holdout_recall" not in metrics


def test_the_dataset_and_the_keys_are_tags(place: Place) -> None:
    release = make_release(place.store)
    REGISTRY.publish(release, place)
    tags = next(run for run in runs(place) if run.info.run_name == PARENT).data.tags
    assert tags["mlsys.run_id"] == release.plan.run_id
    assert tags["mlsys.dataset.fingerprint"] == release.snapshot.fingerprint
    assert tags["mlsys.training_key"] == release.plan.training_key
    assert tags["mlsys.decision_key"] == release.decision.decision_key


def test_every_run_names_its_dataset(place: Place) -> None:
    release = make_release(place.store)
    REGISTRY.publish(release, place)
    names = {source.dataset.name for run in runs(place) for source in run.inputs.dataset_inputs}
    digests = [source.dataset.digest for run in runs(place) for source in run.inputs.dataset_inputs]
    assert names == {f"{release.plan.pipeline} to {release.plan.day}"}
    assert digests == [release.snapshot.fingerprint[:12]] * len(runs(place))


def test_a_later_outcome_renames_the_run(place: Place) -> None:
    REGISTRY.publish(make_release(place.store), place)
    REGISTRY.publish(make_release(place.store, version="1.0.0"), place)
    names = {run.info.run_name for run in runs(place)}
    assert names == {PROMOTED, "logistic_0", "logistic_1"}


def test_publishing_again_writes_nothing(place: Place) -> None:
    release = make_release(place.store)
    REGISTRY.publish(release, place)
    before = contents(place)
    REGISTRY.publish(release, place)
    assert contents(place) == before


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


def test_the_signature_holds_the_feature_columns(place: Place) -> None:
    inputs = signature(make_release(place.store)).inputs
    assert {column.name: column.type.name for column in inputs} == {
        "basket_value": "double",
        "n_items": "double",
        "channel": "string",
        "gift": "boolean",
    }


def test_a_later_promotion_updates_the_version(place: Place) -> None:
    REGISTRY.publish(make_release(place.store), place)
    REGISTRY.publish(make_release(place.store, version="1.0.0"), place)
    (version,) = client(place).search_model_versions()
    assert version.tags["mlsys.outcome"] == "promote"
    assert version.tags["mlsys.version"] == "1.0.0"
    assert version.description == "Promote: logistic_0 of run 1 serves"


def test_a_failed_candidate_is_shown_as_failed(place: Place) -> None:
    from dataclasses import replace

    release = make_release(place.store)
    (first, evaluation), (second, _) = release.parts
    broken = second.model_copy(update={"status": "failed", "reason": "did not converge", "model": None})
    REGISTRY.publish(replace(release, parts=((first, evaluation), (broken, None))), place)
    run = next(run for run in runs(place) if run.info.run_name == "logistic_1")
    assert run.info.status == "FAILED"
    assert run.data.tags["mlflow.note.content"] == "did not converge"


def test_the_artifact_below_home_is_the_ledgers_file(place: Place) -> None:
    release = make_release(place.store)
    REGISTRY.publish(release, place)
    (model,) = (place.home / "mlartifacts" / PIPELINE).rglob("model.pkl")
    assert sha256_of(model) == release.candidate.model


def test_an_unreachable_server_may_be_tried_again_and_its_password_stays_secret(place: Place) -> None:
    lost = Place(place.store, place.home, "postgresql+psycopg2://someone:secret@127.0.0.1:1/mlflow")
    with pytest.raises(TransientError) as caught:
        REGISTRY.pointed(PIPELINE, lost)
    assert "secret" not in str(caught.value)


AWKWARD = ["lr C=0.5", "rf 100%", "it's", "a/b", "a:b", 'say "x"', 'it\'s "x"', "ä" * 300, " ", "a\x00b", "☃\ud800"]


def renamed(release, name: str, **changes: object):
    """The release as if its candidate had had that name, and the spec those values."""
    first = release.candidate.model_copy(update={"name": name, "candidate_id": f"000000000001-{name}"})
    parts = ((first, release.parts[0][1]), *release.parts[1:])
    return replace(release, candidate=first, parts=parts, spec={"spec": {**release.spec["spec"], **changes}})


@pytest.mark.parametrize("name", AWKWARD[:-2])
def test_no_name_of_a_candidate_is_refused(place: Place, name: str) -> None:
    release = renamed(make_release(place.store, version="1.0.0"), name, description="d" * 120_000)
    shown = REGISTRY.publish(release, place)
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, place)
    assert REGISTRY.pointed(PIPELINE, place) == release.candidate.candidate_id
    assert REGISTRY.publish(release, place) == shown


@pytest.fixture(scope="module")
def release_of_all(tmp_path_factory: pytest.TempPathFactory):
    return make_release(Store(tmp_path_factory.mktemp("texts")), version="1.0.0")


@given(
    name=st.text(min_size=1) | st.sampled_from(AWKWARD),
    text=st.text() | st.integers(4_000, 120_000).map("x".__mul__),
    column=st.text(min_size=1),
)
def test_what_mlflow_is_told_keeps_its_limits(release_of_all, name: str, text: str, column: str) -> None:
    from mlflow.utils import validation

    release = renamed(release_of_all, name, description=text)
    candidate = release.candidate.model_copy(update={"reason": text, "params": {"p": text}})
    decision = release.decision.model_copy(update={"sentence": text})
    release = replace(release, decision=decision, columns={column: "text"}, candidate=candidate)
    told = [content.run_tags(release), content.candidate_tags(release, candidate, "p"), content.version_tags(release)]
    for key, value in [item for tags in told for item in tags.items()]:
        validation._validate_tag(key, value)
        assert len(value) <= 5000
    for key, value in content.experiment_tags(release).items():
        validation._validate_experiment_tag(key, value)
    for key, value in content.candidate_params(candidate).items():
        validation._validate_param(key, value)
    validation._validate_logged_model_name(content.safe_name(name))
    validation._validate_dataset(content.dataset_input(release).dataset)
    metric = MetricValue(name=name, value=0.5, n=3)
    evaluation = release.parts[1][1].model_copy(update={"holdout": (metric,)})
    for found in content.candidate_metrics(candidate, evaluation, release):
        validation._validate_metric(found.key, found.value, found.timestamp, found.step)
        assert len(found.key) <= 250
    for text in (content.description(release), content.verdict(release), content.run_name(release)):
        assert len(text) <= 5000
        text.encode()
        assert "\0" not in text


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
        REGISTRY.pointed(PIPELINE, place)
    return caught.value


def artifacts(home: Path) -> Path:
    return next((home / "mlartifacts" / PIPELINE / "models").glob("m-*")) / "artifacts"


@pytest.mark.parametrize("damage", ["gone", "changed", "half"])
def test_a_champion_whose_files_are_damaged_is_found_and_written_again(place: Place, damage: str) -> None:
    release = make_release(place.store, version="1.0.0")
    champion = release.candidate
    REGISTRY.publish(release, place)
    REGISTRY.point(PIPELINE, champion.candidate_id, place)
    assert REGISTRY.damage(PIPELINE, champion, place) is None
    folder = artifacts(place.home)
    if damage == "gone":
        shutil.rmtree(folder.parents[1])
    elif damage == "changed":
        folder.joinpath("model.pkl").write_bytes(b"another")
    else:
        folder.joinpath("MLmodel").unlink()
    assert str(folder) in str(REGISTRY.damage(PIPELINE, champion, place))
    REGISTRY.publish(release, place)
    assert REGISTRY.damage(PIPELINE, champion, place) is None
    assert len(client(place).search_model_versions()) == 1


def test_a_home_behind_a_link_may_move(place: Place, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    link = tmp_path / "current"
    link.symlink_to("one")
    through = replace(place, home=link)
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, through)
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, through)
    (tmp_path / "one").rename(tmp_path / "two")
    link.unlink()
    link.symlink_to("two")
    assert REGISTRY.damage(PIPELINE, release.candidate, through) is None
    assert str(link) in client(through).get_model_version(PIPELINE, "1").source


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_home_that_was_moved_takes_its_models_along(
    place: Place, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "postgres":
        place = replace(place, tracking_uri=request.getfixturevalue("postgres_url"))
    before = replace(place, home=tmp_path / "before 100%")
    before.home.mkdir()
    first, second = (make_release(place.store, run, version=f"1.0.{run}") for run in (1, 2))
    REGISTRY.publish(first, before)
    REGISTRY.point(PIPELINE, first.candidate.candidate_id, before)
    now = replace(place, home=before.home.rename(tmp_path / "now"))
    assert "can't be read" in str(REGISTRY.damage(PIPELINE, first.candidate, now))
    REGISTRY.publish(second, now)
    assert REGISTRY.damage(PIPELINE, first.candidate, now) is None
    assert not before.home.exists()
    sources = [version.source for version in client(now).search_model_versions()]
    assert all(source.startswith((now.home / "mlartifacts").as_uri()) for source in sources)
    assert len(sources) == 2


def test_models_of_another_home_that_is_there_stay_where_they_are(place: Place, tmp_path: Path) -> None:
    theirs = replace(place, home=tmp_path / "theirs")
    theirs.home.mkdir()
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, theirs)
    REGISTRY.publish(make_release(place.store, 2), place)
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, place)
    assert REGISTRY.damage(PIPELINE, release.candidate, place) is None


@pytest.mark.parametrize("step", ["log_model_artifacts", "log_outputs", "finalize_logged_model"])
def test_half_a_model_is_gone_on_with(place: Place, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    from mlflow import MlflowClient

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    release = make_release(place.store)
    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, step, crash)
        with pytest.raises(KeyboardInterrupt):
            REGISTRY.publish(release, place)
    REGISTRY.publish(release, place)
    models = client(place).search_logged_models([runs(place)[0].info.experiment_id])
    assert [str(model.status) for model in models] == ["READY"]
    assert len(list((place.home / "mlartifacts" / PIPELINE / "models").iterdir())) == 1


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
