from __future__ import annotations

import httpx
import psycopg2
import pytest
import sqlalchemy.exc
from airflow.sdk import RetryAction

from mlsys.errors import DataError, IntegrityError, LostRaceError, RunError, SpecError, TransientError, UsageError
from mlsys.orchestration.tasks.retrying import ByError, may_pass

PASSES = [
    TransientError("locked"),
    ConnectionResetError(),
    TimeoutError(),
    httpx.ConnectError("refused"),
    psycopg2.OperationalError("server closed the connection"),
    sqlalchemy.exc.OperationalError("select 1", {}, Exception("locked")),
]
STAYS = [UsageError("x"), SpecError("x"), DataError("x"), RunError("x"), IntegrityError("x"), LostRaceError("x")]
STAYS += [sqlalchemy.exc.OperationalError("select 1", {}, Exception(1054, "Unknown column 'a'"))]
STAYS += [psycopg2.ProgrammingError("syntax error")]
STAYS += [ValueError("a mistake"), MemoryError(), FileNotFoundError("gone")]


@pytest.mark.parametrize("error", PASSES, ids=lambda error: type(error).__name__)
def test_what_may_pass_is_tried_again(error: BaseException) -> None:
    assert may_pass(error)
    decision = ByError().evaluate(error, try_number=1, max_tries=3)
    assert decision.action is RetryAction.RETRY
    assert "try 1 of 4" in (decision.reason or "")


@pytest.mark.parametrize("error", STAYS, ids=lambda error: type(error).__name__)
def test_what_does_not_pass_fails_at_once(error: BaseException) -> None:
    assert ByError().evaluate(error, try_number=1, max_tries=3).action is RetryAction.FAIL


def test_two_policies_are_the_same_so_that_a_dag_has_one_version() -> None:
    assert ByError() == ByError()
    assert ByError().serialize() == {}
