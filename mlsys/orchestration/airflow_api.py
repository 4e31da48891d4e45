"""A small client of Airflow's REST API: what the demo, `mlsys up` and the tests ask of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from mlsys.errors import RunError, TransientError, UsageError

Json = dict[str, Any]
_PAGE = 100
_ENDED = frozenset({"success", "failed"})


class AirflowApi:
    """A logged-in session with one Airflow.

    Args:
        client: an httpx client whose base address is Airflow's; a fake transport in tests.
        login: user name.
        password: password of `login`.
    """

    def __init__(self, client: httpx.Client, *, login: str, password: str) -> None:
        self._client = client
        self._login = login
        self._password = password
        self._token: str | None = None

    def health(self) -> dict[str, str]:
        """Return the state of each of Airflow's components, `healthy` or not; needs no login."""
        answer = self._send("GET", "/api/v2/monitor/health", login=False)
        return {name: str((state or {}).get("status")) for name, state in answer.items()}

    def set_pool(self, name: str, *, slots: int, description: str) -> None:
        """Make a pool, or change its size."""
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        try:
            self._call("PATCH", f"/pools/{_quoted(name)}", json=body)
        except LookupError:
            self._call("POST", "/pools", json=body)

    def dag(self, dag_id: str) -> Json | None:
        """Return a DAG, or None while Airflow has not parsed its file."""
        try:
            return self._call("GET", f"/dags/{_quoted(dag_id)}")
        except LookupError:
            return None

    def import_errors(self) -> dict[str, str]:
        """Return the error of each DAG file that can't be loaded."""
        return {
            str(item["filename"]): str(item["stack_trace"]) for item in self._list("/importErrors", "import_errors")
        }

    def wait_for_dag(self, dag_id: str, *, seconds: float = 60.0) -> Json:
        """Return a DAG as soon as Airflow knows it.

        Raises:
            RunError: its file can't be loaded, or it does not appear in time.
        """
        deadline = time.monotonic() + seconds
        while (found := self.dag(dag_id)) is None:
            if time.monotonic() > deadline:
                errors = self.import_errors()
                raise RunError(
                    f"Airflow does not know the DAG '{dag_id}'",
                    where=next(iter(errors), None),
                    got=next(iter(errors.values()), "").strip()[-300:] or None,
                    remedy="See `mlsys status` and the log of the dag-processor",
                )
            time.sleep(0.5)
        return found

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG."""
        self._call("PATCH", f"/dags/{_quoted(dag_id)}", json={"is_paused": paused})

    def trigger(self, dag_id: str, *, partition_key: str | None = None, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run and return its id.

        Raises:
            UsageError: Airflow refuses a parameter; says which.
        """
        body: Json = {"logical_date": None, "conf": dict(conf or {})}
        if partition_key is not None:
            body["partition_key"] = partition_key
        return str(self._call("POST", f"/dags/{_quoted(dag_id)}/dagRuns", json=body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Json:
        """Return a run: `state`, `run_type`, `partition_key` and more."""
        return self._call("GET", _run_path(dag_id, run_id))

    def runs(self, dag_id: str) -> list[Json]:
        """Return all runs of a DAG."""
        return list(self._list(f"/dags/{_quoted(dag_id)}/dagRuns", "dag_runs"))

    def wait_for_run(
        self,
        dag_id: str,
        run_id: str,
        *,
        seconds: float,
        seen: Callable[[list[Json]], None] | None = None,
    ) -> Json:
        """Return a run once it has ended; `seen` gets its task instances about once a second meanwhile.

        Raises:
            TransientError: it goes on for longer than `seconds`.
        """
        deadline = time.monotonic() + seconds
        while True:
            run = self.run(dag_id, run_id)
            if seen is not None:
                seen(self.task_instances(dag_id, run_id))
            if run["state"] in _ENDED:
                return run
            if time.monotonic() > deadline:
                raise TransientError(
                    f"The run has not ended after {seconds:.0f} seconds", where=f"{dag_id} {run_id}", got=run["state"]
                )
            time.sleep(0.5)

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        """Return the task instances of a run, mapped ones each by itself (`map_index`)."""
        return list(self._list(f"{_run_path(dag_id, run_id)}/taskInstances", "task_instances"))

    def xcom(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1, key: str = "return_value") -> Any:
        """Return what a task handed on, or None."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{_quoted(task_id)}/xcomEntries/{_quoted(key)}"
        try:
            return self._call("GET", path, params={"map_index": map_index})["value"]
        except LookupError:
            return None

    def task_log(
        self, dag_id: str, run_id: str, task_id: str, *, try_number: int = 1, map_index: int = -1
    ) -> list[str]:
        """Return the events of a task's log, one line each."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{_quoted(task_id)}/logs/{try_number}"
        try:
            content = self._call("GET", path, params={"map_index": map_index, "full_content": True})["content"]
        except LookupError:
            return []
        return [line if isinstance(line, str) else str(line.get("event", "")) for line in content]

    def _list(self, path: str, key: str) -> Iterator[Json]:
        seen = 0
        while True:
            page = self._call("GET", path, params={"limit": _PAGE, "offset": seen})
            yield from page[key]
            seen += len(page[key])
            if not page[key] or seen >= page["total_entries"]:
                return

    def _call(self, method: str, path: str, **request: Any) -> Json:
        return self._send(method, f"/api/v2{path}", **request)

    def _send(self, method: str, path: str, *, login: bool = True, **request: Any) -> Json:
        try:
            answer = self._client.request(method, path, headers=self._header() if login else {}, **request)
            if answer.status_code == 401 and login:  # the token is a day old
                self._token = None
                answer = self._client.request(method, path, headers=self._header(), **request)
        except httpx.TransportError as error:
            raise TransientError(
                "Airflow does not answer", where=str(self._client.base_url), remedy="See `mlsys status`"
            ) from error
        return _content(answer, f"{method} {path}")

    def _header(self) -> dict[str, str]:
        if self._token is None:
            body = {"username": self._login, "password": self._password}
            self._token = str(_content(self._client.post("/auth/token", json=body), "login")["access_token"])
        return {"Authorization": f"Bearer {self._token}"}


@contextmanager
def connect(address: str, *, login: str, password: str) -> Iterator[AirflowApi]:
    """Give a client of the Airflow at `address`; nothing is sent before its first use."""
    with httpx.Client(base_url=address, timeout=60.0, trust_env=False) as client:
        yield AirflowApi(client, login=login, password=password)


def _content(answer: httpx.Response, asked: str) -> Json:
    if answer.is_success:
        content = answer.json() if answer.content else {}
        return content if isinstance(content, dict) else {"value": content}
    if answer.status_code == 404:
        raise LookupError(asked)
    detail = _detail(answer)
    if answer.status_code in (400, 409, 422):
        raise UsageError(f"Airflow refuses this: {detail}", where=asked)
    if answer.status_code in (401, 403):
        raise UsageError(f"Airflow does not allow this: {detail}", where=asked, remedy="Check the login")
    raise TransientError(f"Airflow failed with status {answer.status_code}: {detail}", where=asked)


def _detail(answer: httpx.Response) -> str:
    try:
        content = answer.json()
    except ValueError:
        return answer.text[:300]
    return str(content.get("detail", content) if isinstance(content, dict) else content)[:600]


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{_quoted(dag_id)}/dagRuns/{_quoted(run_id)}"


def _quoted(text: str) -> str:
    return quote(text, safe="")  # run ids hold `+` and `:`
