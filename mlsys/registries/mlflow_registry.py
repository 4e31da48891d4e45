"""MLflow as a registry: an experiment per pipeline, a run per retraining, a nested run per candidate.

Everything goes through a client with an explicit address, never through MLflow's global "active run", so threads and
processes don't meet. Whatever is written is looked up by its tag first: a second call adds what is missing and
nothing else, which is also how a crash half-way heals.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from mlsys.errors import IntegrityError
from mlsys.events import get_logger
from mlsys.records import Candidate, ChainAnchor
from mlsys.registries.base import Place, Registry, Release, Shown
from mlsys.registries.mlflow_alias import aliased, can_be_asked
from mlsys.registries.mlflow_content import (
    CANDIDATE_TAG,
    RUN_TAG,
    anchor_tags,
    anchors_in,
    candidate_metrics,
    candidate_params,
    candidate_tags,
    dataset_input,
    description,
    experiment_tags,
    run_name,
    run_tags,
    safe_name,
    verdict,
    version_tags,
)
from mlsys.registries.mlflow_database import LONGEST_ADDRESS, artifacts_of, move_artifacts, prepare
from mlsys.registries.mlflow_differences import differences, mend_metrics
from mlsys.registries.mlflow_errors import address, experiment_of, kinds, told
from mlsys.registries.mlflow_files import damage_of, like, log_files, logged_model, mend_files, model_file
from mlsys.registries.mlflow_reach import require_answer

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

logger = get_logger(__name__)

ALIAS = "champion"
_FOREIGN = "version {}, not of mlsys"


class MlflowRegistry(Registry):
    """Runs with parameters and metrics, a registered model per pipeline, and its alias `champion`.

    The best candidate of every decided run becomes a version, promoted or not; its name here is the version's number.
    """

    shows_unpromoted = True

    kind: Literal["mlflow"] = "mlflow"

    def preload(self) -> None:
        """Import MLflow, its client, and the stores of its own databases."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own type hints, where it is imported
            import mlflow.pyfunc
            import mlflow.store.model_registry.sqlalchemy_store
            import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

    def publish(self, release: Release, place: Place) -> Shown:
        """Log the run with its candidates and register the released one; its name is the version's number.

        Raises:
            TransientError: MLflow's database or server does not answer.
            IntegrityError: the model's file is missing or was changed.
        """
        with _client(place) as client:
            return _publish(client, release, place)

    def point(self, pipeline: str, candidate_id: str | None, place: Place) -> None:
        """Move the alias `champion` to the version of a candidate, or remove it.

        Raises:
            IntegrityError: the candidate was never published here.
            TransientError: MLflow's database or server does not answer.
        """
        with _client(place) as client:
            shown = _aliased(client, pipeline)
            if candidate_id is None:
                if shown is not None:
                    client.delete_registered_model_alias(pipeline, ALIAS)
                return
            version = _version_of(client, pipeline, candidate_id)
            if version is None:
                raise IntegrityError(
                    "MLflow has no version of the champion",
                    where=f"{address(place)}, model {pipeline}",
                    got=candidate_id,
                    remedy="Run `mlsys reconcile`",
                )
            if shown is None or str(shown.version) != version:
                client.set_registered_model_alias(pipeline, ALIAS, version)

    def pointed(self, pipeline: str, place: Place) -> str | None:
        """Return the candidate id of the version with the alias, or None; of a version of somebody else its number.

        Raises:
            TransientError: MLflow's database or server does not answer.
        """
        if can_be_asked(place.tracking_uri):
            from sqlalchemy.exc import SQLAlchemyError

            try:
                found = aliased(place.tracking_uri, pipeline, ALIAS)
            except SQLAlchemyError as error:
                raise told(error, place) from error
            if found is None:
                return None
            return found.candidate or _FOREIGN.format(found.version)
        with _client(place) as client:
            version = _aliased(client, pipeline)
            return None if version is None else version.tags.get(CANDIDATE_TAG, _FOREIGN.format(version.version))

    def attach(self, pipeline: str, candidate_id: str, files: Mapping[str, bytes], place: Place) -> None:
        """Log files as artifacts of the run of a published candidate, unless these very bytes are there.

        Raises:
            TransientError: MLflow's database or server does not answer.
        """
        with _client(place) as client:
            version = _version_of(client, pipeline, candidate_id)
            if version is not None:
                log_files(client, client.get_model_version(pipeline, version).run_id, files, place)

    def obstacle(self, pipeline: str, place: Place) -> str | None:
        """Return why MLflow's tables on a server can't name the models of this home: its path is too long."""
        address = artifacts_of(pipeline, place.home) + f"/{'0' * 32}/artifacts"
        if not place.tracking_uri.startswith("postgresql") or len(address) <= LONGEST_ADDRESS:
            return None
        return (
            f"MLSYS_HOME has too long a path for MLflow by {len(address) - LONGEST_ADDRESS} characters: it can't name "
            f"the models of {pipeline} below {place.home}"
        )

    def damage(self, pipeline: str, champion: Candidate, place: Place) -> str | None:
        """Return what is wrong with the files of the version that the alias names, or None.

        Raises:
            TransientError: MLflow's database or server does not answer.
        """
        with _client(place) as client:
            version = _aliased(client, pipeline)
            return None if version is None else damage_of(client, version, champion, place)

    def differences(self, pipeline: str, releases: Sequence[Release], place: Place) -> list[str]:
        """Return what was deleted, renamed, tagged otherwise or overwritten.

        Raises:
            TransientError: MLflow's database or server does not answer.
        """
        with _client(place) as client:
            return list(differences(client, pipeline, releases, place))

    def anchors(self, pipeline: str, place: Place) -> list[ChainAnchor]:
        """Return what the tags of all versions remember of the ledger's chain.

        Raises:
            TransientError: MLflow's database or server does not answer.
        """
        with _client(place) as client:
            versions = _all_versions(client, pipeline)
        return [a for v in versions for a in anchors_in(v.tags, where=f"version {v.version} in MLflow")]

    def copy_of(self, pipeline: str, candidate: Candidate, place: Place) -> bytes | None:
        """Return the pickle of the version of a candidate, or None.

        Raises:
            TransientError: MLflow's database or server does not answer.
        """
        with _client(place) as client:
            version = _version_of(client, pipeline, candidate.candidate_id)
            return None if version is None else model_file(client, client.get_model_version(pipeline, version), place)


@contextmanager
def _client(place: Place) -> Iterator[MlflowClient]:
    """Give a client of the tracking address; what goes wrong there becomes an error of ours (`told`)."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # standard output holds what was asked for
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK", "true")
    with warnings.catch_warnings():
        # They are about MLflow's own code: calls that SQLAlchemy 2.1 deprecates, type hints of its classes.
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        try:
            require_answer(place)
            prepare(place.tracking_uri)
            yield MlflowClient(tracking_uri=place.tracking_uri, registry_uri=place.tracking_uri)
        except kinds() as error:
            raise told(error, place) from error


def _publish(client: MlflowClient, release: Release, place: Place) -> Shown:
    pipeline, candidate = release.plan.pipeline, release.candidate
    experiment = _experiment(client, release, place)
    known = _known_runs(client, experiment, release)
    parent = _run(client, experiment, known.get(""), name=run_name(release), tags=run_tags(release))
    runs = {}
    for part, evaluation in release.parts:
        tags = candidate_tags(release, part, parent.info.run_id)
        run = _run(client, experiment, known.get(tags[CANDIDATE_TAG]), name=safe_name(part.name), tags=tags)
        metrics = candidate_metrics(part, evaluation, release)
        _fill(client, run, release, metrics=metrics, params=candidate_params(part), failed=part.status == "failed")
        runs[part.candidate_id] = (run, metrics)
    if candidate.candidate_id not in runs or candidate.model is None:
        raise IntegrityError("The released candidate is none of the run's fitted ones", got=candidate.candidate_id)
    run, metrics = runs[candidate.candidate_id]
    _fill(client, parent, release, metrics=metrics, params={"released": candidate.name})
    version = _version_of(client, pipeline, candidate.candidate_id)
    if version is None:
        version = _register(client, release, place, run)
    else:
        _refresh_version(client, release, version)
        mend_files(client, release, place, experiment=experiment, version=version)
    logger.info("mlflow_release", pipeline=pipeline, version=version, run=parent.info.run_id)
    return Shown(version, run=parent.info.run_id)


def _experiment(client: MlflowClient, release: Release, place: Place) -> str:
    from mlflow.exceptions import MlflowException

    pipeline = release.plan.pipeline
    location = artifacts_of(pipeline, place.home)
    found = experiment_of(client, pipeline, place)
    if found is not None and found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    if found is None:
        try:
            tags = experiment_tags(release)
            return str(client.create_experiment(pipeline, artifact_location=location, tags=tags))
        except MlflowException:
            found = client.get_experiment_by_name(pipeline)  # another process was faster
            if found is None:
                raise
    move_artifacts(place.tracking_uri, before=found.artifact_location, now=location, home=place.home)
    return str(found.experiment_id)


def _known_runs(client: MlflowClient, experiment: str, release: Release) -> dict[str, Run]:
    """Return this retraining's runs by candidate id; the parent's is empty. Somebody may have deleted them."""
    from mlflow.entities import ViewType

    query = f"tags.`{RUN_TAG}` = '{release.plan.run_id}'"
    runs = client.search_runs([experiment], query, run_view_type=ViewType.ALL, max_results=1000)
    for run in runs:
        if run.info.lifecycle_stage != "active":
            client.restore_run(run.info.run_id)
    return {run.data.tags.get(CANDIDATE_TAG, ""): run for run in reversed(runs)}


def _run(client: MlflowClient, experiment: str, known: Run | None, *, name: str, tags: dict[str, str]) -> Run:
    """Return the run of these tags: the known one with its name and tags brought up to date, or a new one."""
    if known is None:
        return client.create_run(experiment, run_name=name, tags=tags)
    from mlflow.entities import RunTag

    stale = [RunTag(key, value) for key, value in tags.items() if known.data.tags.get(key) != value]
    if stale:
        client.log_batch(known.info.run_id, tags=stale)
    if known.info.run_name != name:
        client.update_run(known.info.run_id, name=name)
    return known


def _fill(
    client: MlflowClient,
    run: Run,
    release: Release,
    *,
    metrics: list[Any],
    params: dict[str, str],
    failed: bool = False,
) -> None:
    """Write a run's content and end it; one that has ended has all of it, with metrics that others may have changed."""
    from mlflow.entities import Param

    if run.info.status in ("FINISHED", "FAILED"):
        mend_metrics(client, run, metrics)
        return
    client.log_batch(run.info.run_id, metrics=metrics, params=[Param(key, value) for key, value in params.items()])
    client.log_inputs(run.info.run_id, [dataset_input(release)])
    client.set_terminated(run.info.run_id, "FAILED" if failed else "FINISHED")


def _version_of(client: MlflowClient, pipeline: str, candidate_id: str) -> str | None:
    found = client.search_model_versions(f"name = '{pipeline}' and tag.`{CANDIDATE_TAG}` {like(candidate_id)}")
    numbers = [int(version.version) for version in found if version.tags.get(CANDIDATE_TAG) == candidate_id]
    return str(min(numbers)) if numbers else None


def _all_versions(client: MlflowClient, pipeline: str) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = client.search_model_versions(f"name = '{pipeline}'", max_results=1000, page_token=token)
        found, token = [*found, *page], page.token
        if not token:
            return found


def _aliased(client: MlflowClient, pipeline: str) -> Any:
    """Return the model version with the alias, or None."""
    found = client.search_registered_models(f"name = '{pipeline}'")
    number = found[0].aliases.get(ALIAS) if found else None
    return None if number is None else client.get_model_version(pipeline, number)


def _register(client: MlflowClient, release: Release, place: Place, run: Run) -> str:
    from mlflow.exceptions import MlflowException

    pipeline = release.plan.pipeline
    model_id, source = logged_model(client, release, place, run)
    try:
        client.create_registered_model(pipeline, description=description(release))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    created = client.create_model_version(
        pipeline,
        source,
        run_id=run.info.run_id,
        tags=version_tags(release) | anchor_tags(release),
        description=verdict(release),
        model_id=model_id,
    )
    return str(created.version)


def _refresh_version(client: MlflowClient, release: Release, version: str) -> None:
    """Bring a version up to date: a later decision may have promoted the same candidate."""
    pipeline = release.plan.pipeline
    known = client.get_model_version(pipeline, version)
    lacking = {key: value for key, value in anchor_tags(release).items() if key not in known.tags}
    for key, value in (version_tags(release) | lacking).items():
        if known.tags.get(key) != value:
            client.set_model_version_tag(pipeline, version, key, value)
    if known.description != verdict(release):
        client.update_model_version(pipeline, version, description=verdict(release))
