"""Which failures are worth another try: those that may pass by themselves, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryPolicy
from airflow.sdk.definitions.retry_policy import RetryDecision

from mlsys.database.driver_errors import passes
from mlsys.errors import MlsysError

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

# By name, since importing them would make every DAG file slow: what libraries raise for a lock or a broken connection.
_PASSING = frozenset(
    {
        "builtins.ConnectionError",
        "builtins.TimeoutError",
        "httpx.TransportError",
        "airflow.sdk.exceptions.AirflowRuntimeError",  # the API that tasks report to did not answer
    }
)
# Of these the database's code decides.
_DATABASE = frozenset({"psycopg2.Error", "sqlalchemy.exc.DBAPIError", "sqlite3.Error"})


@dataclass(frozen=True)
class ByError(RetryPolicy):  # type: ignore[misc]
    """Retries a locked database and a broken connection; bad data, a bad spec or a mistake fails at once.

    A task whose process was killed never gets here: Airflow tries it again by itself.
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,  # noqa: ARG002 - Airflow's signature
    ) -> RetryDecision:
        """Return whether to try again; the delay is the task's, which doubles each time."""
        name = type(exception).__name__
        if may_pass(exception):
            return RetryDecision.retry(reason=f"{name} may pass: try {try_number} of {max_tries + 1} failed")
        return RetryDecision.fail(reason=f"{name} does not pass by itself: not tried again")

    def serialize(self) -> dict[str, Any]:
        """Return the policy's parameters: it has none."""
        return {}


def may_pass(error: BaseException) -> bool:
    """Return whether an error may be gone at the next try."""
    if isinstance(error, MlsysError):
        return error.retryable
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    return bool(names & _PASSING) or (bool(names & _DATABASE) and passes(error))
