"""What goes wrong on the way to MLflow, as errors of ours: something that may pass, or a refusal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlsys.database.driver_errors import of_database, passes
from mlsys.errors import MlsysError, RunError, TransientError
from mlsys.registries.base import Place
from mlsys.wording import first_line

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

REMEDY = "See that its database or server runs (`mlsys status`), then `mlsys reconcile`"
# What MLflow calls a failure of its own or of the way to it; every other code is its answer to what it was told.
_PASSING = {
    *("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "WORKSPACE_TEMPORARILY_UNAVAILABLE", "SERVICE_UNDER_MAINTENANCE"),
    *("IO_ERROR", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED", "RESOURCE_CONFLICT", "REQUEST_LIMIT_EXCEEDED"),
    *("RESOURCE_EXHAUSTED", "COULD_NOT_ACQUIRE_LOCK", "UNPARSEABLE_HTTP_ERROR"),
}


def kinds() -> tuple[type[Exception], ...]:
    """Return what MLflow's client raises, what its parts do that it lets through included."""
    from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, ParseError, json.JSONDecodeError


def told(error: Exception, place: Place) -> MlsysError:
    """Return what MLflow or its database says: something that may pass, or a refusal, which no repetition changes."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

    if not isinstance(error, MlflowException | SQLAlchemyError):
        return no_mlflow(place)
    cause = error.__cause__ if isinstance(error, MlflowException) else error
    if isinstance(cause, OperationalError):
        return of_database(cause, name="MLflow's database", where=address(place), remedy=REMEDY)
    code = getattr(error, "error_code", None)
    passing = passes(cause) if isinstance(cause, SQLAlchemyError) else code in _PASSING
    problem = first_line(error)
    if passing:
        rule = f"MLflow does not answer as it should: {problem}"
        return TransientError(rule, where=address(place), remedy=REMEDY)
    return RunError(
        f"MLflow refuses what it is told: {problem}",
        where=address(place),
        remedy="It will refuse it again. The ledger has the decision: mend what MLflow names, then `mlsys reconcile`",
    )


def no_mlflow(place: Place) -> TransientError:
    """Return that another server answers, such as a proxy's login; MLflow may be behind it the next time."""
    remedy = "Correct MLSYS_MLFLOW_URI, or see that MLflow's server runs there, then `mlsys reconcile`"
    return TransientError("What answers there is no MLflow", where=address(place), remedy=remedy)


def experiment_of(client: MlflowClient, pipeline: str, place: Place) -> Experiment | None:
    """Return the experiment of a pipeline, or None.

    Raises:
        TransientError: another server answers, with JSON that has nothing of MLflow in it.
    """
    found = client.get_experiment_by_name(pipeline)
    if found is not None and not found.experiment_id:
        raise no_mlflow(place)
    return found


def address(place: Place) -> str:
    """Return the tracking URI without a password."""
    scheme, _, rest = place.tracking_uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
