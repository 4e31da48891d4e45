"""How MLflow may differ from what was published there, by what people and other programs can do to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlsys.records import MEASURED
from mlsys.registries.base import Place, Release
from mlsys.registries.mlflow_content import (
    CANDIDATE_TAG,
    RUN_TAG,
    candidate_metrics,
    candidate_tags,
    version_tags,
)
from mlsys.registries.mlflow_errors import experiment_of
from mlsys.registries.mlflow_files import damage_of, like

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run
    from mlflow.entities.model_registry import ModelVersion


def differences(client: MlflowClient, pipeline: str, releases: Sequence[Release], place: Place) -> Iterator[str]:
    """Yield in words what of releases is not as it was published: deleted, renamed, with other tags or other files."""
    experiment = experiment_of(client, pipeline, place)
    if experiment is None:
        yield f"the experiment {pipeline} is gone"
    elif experiment.lifecycle_stage != "active":
        yield f"the experiment {pipeline} was deleted"
    if not client.search_registered_models(f"name = '{pipeline}'"):
        yield f"the registered model {pipeline} is gone{_elsewhere(client, releases)}"
        return
    known = _versions(client, pipeline)
    for release in releases:
        version = known.get(release.candidate.candidate_id)
        if version is None:
            yield f"the version of {_named(release)} is gone"
            continue
        yield from _of_version(client, release, version, place)


def _of_version(client: MlflowClient, release: Release, version: ModelVersion, place: Place) -> Iterator[str]:
    wanted = version_tags(release)
    # A tag that is not there at all may be one that an older mlsys did not set.
    changed = sorted(key for key, value in wanted.items() if version.tags.get(key, value) != value)
    if changed:
        yield f"of version {version.version}, {_named(release)}, other tags are set: {', '.join(changed)}"
    if release.version is not None:
        damage = damage_of(client, version, release.candidate, place)
        if damage is not None:
            yield f"of version {version.version}, {damage}"
    if version.run_id:
        yield from _of_run(client, release, version)


def _of_run(client: MlflowClient, release: Release, version: ModelVersion) -> Iterator[str]:
    run = client.get_run(str(version.run_id))
    where = f"the run of version {version.version}, {_named(release)},"
    if run.info.lifecycle_stage != "active":
        yield f"{where} was deleted"
        return
    if run.data.tags.get(RUN_TAG) != release.plan.run_id:
        return  # of another run with the same candidates, whose decision it shows
    evaluation = {part.candidate_id: found for part, found in release.parts}.get(release.candidate.candidate_id)
    other = [metric.key for metric in _stale(run, candidate_metrics(release.candidate, evaluation, release))]
    if other:
        yield f"{where} shows other metrics: {', '.join(other)}"
    wanted = candidate_tags(release, release.candidate, run.data.tags.get("mlflow.parentRunId", ""))
    # Descriptions are anybody's to write, and what older versions of mlsys did not set is no change.
    ours = {key: value for key, value in wanted.items() if key.startswith("mlsys.")}
    changed = sorted(key for key, value in ours.items() if run.data.tags.get(key, value) != value)
    if changed:
        yield f"{where} has other tags: {', '.join(changed)}"


def mend_metrics(client: MlflowClient, run: Run, metrics: Sequence[Metric]) -> None:
    """Show metrics of a run with the ledger's values again, where somebody has logged other ones since.

    MLflow keeps what was logged and shows the value of the last step, so that a further step is taken.
    """
    from mlflow.entities import Metric

    for metric in _stale(run, metrics):
        step = 1 + max(known.step for known in client.get_metric_history(run.info.run_id, metric.key))
        client.log_batch(run.info.run_id, metrics=[Metric(metric.key, metric.value, metric.timestamp, step)])


def _stale(run: Run, metrics: Sequence[Metric]) -> list[Metric]:
    """Return the metrics that a run shows with other values; one that it lacks may be newer than the run."""
    shown = run.data.metrics
    return [each for each in metrics if each.key not in MEASURED and shown.get(each.key, each.value) != each.value]


def _versions(client: MlflowClient, pipeline: str) -> dict[str, ModelVersion]:
    """Return the oldest version of each candidate."""
    found: dict[str, ModelVersion] = {}
    token = None
    while True:
        page = client.search_model_versions(f"name = '{pipeline}'", max_results=1000, page_token=token)
        for version in sorted(page, key=lambda each: int(each.version)):
            found.setdefault(version.tags.get(CANDIDATE_TAG, ""), version)
        token = page.token
        if not token:
            return found


def _elsewhere(client: MlflowClient, releases: Sequence[Release]) -> str:
    """Return in words under which names versions of these candidates stand: somebody renamed or copied the model."""
    names = set()
    for release in releases[-1:]:
        found = client.search_model_versions(f"tag.`{CANDIDATE_TAG}` {like(release.candidate.candidate_id)}")
        names |= {version.name for version in found}
    return f"; its versions stand under the name {', '.join(sorted(names))}" if names else ""


def _named(release: Release) -> str:
    name = release.candidate.candidate_id
    return f"{name} ({release.version})" if release.version else name
