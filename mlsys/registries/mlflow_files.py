"""The files of models in MLflow: written, found, read to the last byte, and written again where they are damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys.records import Candidate
from mlsys.registries.base import Place, Release
from mlsys.registries.mlflow_content import CANDIDATE_TAG, candidate_params, safe_name
from mlsys.registries.mlflow_model import MODEL, write_model
from mlsys.store import sha256_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPLANATION = "explanation"  # folder of the artifacts that explain a run's model


def logged_model(client: MlflowClient, release: Release, place: Place, run: Run) -> tuple[str, str]:
    """Return id and address of the candidate's model as MLflow keeps it, written now unless it is there."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    candidate = release.candidate
    known = _logged_models(client, run.info.experiment_id, candidate)
    for model in known:
        if str(model.status) == "READY":
            return str(model.model_id), str(model.artifact_location)
    # One that a killed process began is gone on with, so that half a model lies about nowhere.
    model = (
        known[0]
        if known
        else client.create_logged_model(
            run.info.experiment_id,
            name=safe_name(candidate.name),
            source_run_id=run.info.run_id,
            tags={CANDIDATE_TAG: candidate.candidate_id},
            params=candidate_params(candidate),
        )
    )
    _write_artifacts(partial(client.log_model_artifacts, model.model_id), release, place, model)
    outputs = client.get_run(run.info.run_id).outputs
    if model.model_id not in {output.model_id for output in (outputs.model_outputs if outputs else ())}:
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    return str(model.model_id), str(model.artifact_location)


def _logged_models(client: MlflowClient, experiment: str, candidate: Candidate) -> list[Any]:
    query = f"tags.`{CANDIDATE_TAG}` {like(candidate.candidate_id)}"
    found = client.search_logged_models([experiment], filter_string=query)
    return [model for model in found if model.tags.get(CANDIDATE_TAG) == candidate.candidate_id]


def mend_files(client: MlflowClient, release: Release, place: Place, *, experiment: str, version: str) -> None:
    """Write the files of a promoted version again where they are gone or changed."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    if release.version is not None:
        known = client.get_model_version(release.plan.pipeline, version)
        if damage_of(client, known, release.candidate, place) is not None:
            for model in _logged_models(client, experiment, release.candidate):
                # The client would remember where this process wrote the model's files before they were moved.
                files = get_artifact_repository(model.artifact_location, tracking_uri=place.tracking_uri)
                _write_artifacts(files.log_artifacts, release, place, model)


def damage_of(client: MlflowClient, version: Any, candidate: Candidate, place: Place) -> str | None:
    """Read a version's files, and return what is wrong with them."""
    from mlflow.exceptions import MlflowException

    address = client.get_model_version_download_uri(version.name, version.version)
    try:
        with _downloaded(address, place) as found:
            digest = sha256_of(found / MODEL) if (found / "MLmodel").is_file() else None
    except (OSError, MlflowException) as error:
        return f"{address} can't be read: {error}"
    return None if digest == candidate.model else f"{address} holds another model than the one that was promoted"


def model_file(client: MlflowClient, version: Any, place: Place) -> bytes | None:
    """Return the pickle among a version's files, or None where it can't be read."""
    from mlflow.exceptions import MlflowException

    address = client.get_model_version_download_uri(version.name, version.version)
    with suppress(OSError, MlflowException), _downloaded(address, place) as found:
        return (found / MODEL).read_bytes()
    return None


@contextmanager
def _downloaded(address: str, place: Place) -> Iterator[Path]:
    """Give the folder with the files at an address; what lies on this machine is not copied."""
    from mlflow.artifacts import download_artifacts

    with place.store.working() as folder:
        into = None if address.startswith(("file:", "/")) else str(folder)
        yield Path(download_artifacts(artifact_uri=address, dst_path=into, tracking_uri=place.tracking_uri))


def _write_artifacts(log_folder: Callable[[str], None], release: Release, place: Place, model: Any) -> None:
    """Write the candidate's model to where a logged model has its files, over what is there."""
    with place.store.working() as folder:
        write_model(folder, place.store.read_bytes(str(release.candidate.model)), release, model)
        log_folder(str(folder))


def log_files(client: MlflowClient, run_id: str, files: Mapping[str, bytes], place: Place) -> None:
    """Log files as artifacts of a run, below `explanation/`, unless they are there at this size."""
    there = {info.path.rpartition("/")[2]: info.file_size for info in client.list_artifacts(run_id, EXPLANATION)}
    if there == {name: len(data) for name, data in files.items()}:
        return
    with place.store.working() as folder:
        for name, data in files.items():
            (folder / name).write_bytes(data)
        client.log_artifacts(run_id, str(folder), EXPLANATION)


def like(text: str) -> str:
    """Return the condition of a search for a text, and for few others: MLflow's language can't spell a quote."""
    return f"= '{text}'" if "'" not in text else f"LIKE '{text.replace(chr(39), '_')}'"
