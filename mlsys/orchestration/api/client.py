"""A small client of Airflow's REST API: what the demo, `mlsys up` and the tests ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from mlsys.errors import RunError, TransientError, UsageError
from mlsys.polling import ask_until

if TYPE_CHECKING:
    from mlsys.backfill.backfill import Reprocess

Json = dict[str, Any]
_PAGE = 100
_PAUSE = 0.5  # seconds between two looks
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

    def details(self, dag_id: str) -> Json:
        """Return a DAG with its documentation (`doc_md`) and parameters."""
        return self._call("GET", f"/dags/{_quoted(dag_id)}/details")

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
        found = ask_until(lambda dag: dag is not None, lambda: self.dag(dag_id), seconds=seconds, pause=_PAUSE)
        if found is None:
            errors = self.import_errors()
            raise RunError(
                f"Airflow does not know the DAG '{dag_id}'",
                where=next(iter(errors), None),
                got=next(iter(errors.values()), "").strip()[-300:] or None,
                remedy="See `mlsys status` and the log of the dag-processor",
            )
        return found

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG."""
        self._call("PATCH", f"/dags/{_quoted(dag_id)}", json={"is_paused": paused})

    def paused(self, pattern: str) -> list[str]:
        """Return the ids of the paused DAGs whose id holds a text."""
        return [str(dag["dag_id"]) for dag in self._list("/dags", "dags", dag_id_pattern=pattern, paused=True)]

    def trigger(
        self,
        dag_id: str,
        *,
        partition_key: str | None = None,
        conf: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        logical_date: str | None = None,
    ) -> str:
        """Start a run and return its id; there is never a second one with the same `run_id`.

        Raises:
            UsageError: Airflow refuses a parameter; says which.
        """
        body: Json = {"logical_date": logical_date, "conf": dict(conf or {})}
        if partition_key is not None:
            body["partition_key"] = partition_key
        if run_id is not None:
            body["dag_run_id"] = run_id
        return str(self._call("POST", f"/dags/{_quoted(dag_id)}/dagRuns", json=body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Json:
        """Return a run: `state`, `run_type`, `partition_key` and more."""
        return self._call("GET", _run_path(dag_id, run_id))

    def state_of(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a run, or None when there is no such run."""
        try:
            return str(self.run(dag_id, run_id)["state"])
        except LookupError:
            return None

    def runs(self, dag_id: str, *, states: Sequence[str] = ()) -> list[Json]:
        """Return the runs of a DAG, all of them or those in one of `states`."""
        return list(self._list(f"/dags/{_quoted(dag_id)}/dagRuns", "dag_runs", state=list(states)))

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

        def ask() -> Json:
            run = self.run(dag_id, run_id)
            if seen is not None:
                seen(self.task_instances(dag_id, run_id))
            return run

        run = ask_until(lambda run: run["state"] in _ENDED, ask, seconds=seconds, pause=_PAUSE)
        if run["state"] not in _ENDED:
            raise TransientError(
                f"The run has not ended after {seconds:.0f} seconds", where=f"{dag_id} {run_id}", got=run["state"]
            )
        return run

    def set_note(self, dag_id: str, run_id: str, note: str) -> None:
        """Write the note of a run; the one before is gone."""
        self._call("PATCH", _run_path(dag_id, run_id), json={"note": note})

    def asset(self, name: str) -> Json | None:
        """Return the asset of a name, or None when no DAG names it."""
        found = self._list("/assets", "assets", name_pattern=name)
        return next((asset for asset in found if asset["name"] == name), None)

    def newest_asset_event(self, asset_id: int) -> Json | None:
        """Return the newest event of an asset, or None."""
        params: Json = {"asset_id": asset_id, "order_by": "-timestamp", "limit": 1}
        return next(iter(self._call("GET", "/assets/events", params=params)["asset_events"]), None)

    def add_asset_event(self, asset_id: int, *, extra: Mapping[str, Any], partition_key: str | None = None) -> None:
        """Make an event of an asset; without a key it starts the DAGs that are scheduled on the asset alone."""
        body: Json = {"asset_id": asset_id, "extra": dict(extra), "partition_key": partition_key}
        self._call("POST", "/assets/events", json=body)

    def backfill(
        self,
        dag_id: str,
        first: date,
        last: date,
        *,
        conf: Mapping[str, Any] | None = None,
        reprocess: Reprocess = "none",
        backwards: bool = False,
        at_once: int = 2,
    ) -> int:
        """Start a backfill of all days from `first` to `last` and return its number.

        Raises:
            UsageError: another one of the DAG is not completed yet, or a parameter is refused.
        """
        body = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z",
            "dag_run_conf": dict(conf or {}),
            "reprocess_behavior": reprocess,
            "run_backwards": backwards,
            "max_active_runs": at_once,
        }
        return int(self._call("POST", "/backfills", json=body)["id"])

    def backfills(self, dag_id: str) -> list[Json]:
        """Return the backfills of a DAG, newest first: `id`, `from_date`, `to_date`, `created_at`."""
        return list(self._list("/backfills", "backfills", dag_id=dag_id, order_by="-id"))

    def end_backfill(self, number: int) -> None:
        """End a backfill: runs that wait are dropped, and another one may start at once."""
        self._call("PUT", f"/backfills/{number}/cancel")

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Have a task of a run, and all behind it, done once more."""
        body = {"dag_run_id": run_id, "task_ids": [task_id], "include_downstream": True}
        self._call(
            "POST",
            f"/dags/{_quoted(dag_id)}/clearTaskInstances",
            json=body | {"dry_run": False, "only_failed": False},
        )

    def question(self, dag_id: str, run_id: str) -> Json | None:
        """Return what a run asks a person, answered or not: `subject`, `body`, `options`; None when it asks nothing."""
        found = self._call("GET", f"{_run_path(dag_id, run_id)}/hitlDetails")["hitl_details"]
        return found[0] if found else None

    def answer(
        self, dag_id: str, run_id: str, option: str, *, task_id: str = "approve", reason: str | None = None
    ) -> None:
        """Answer what a task of a run asks.

        Raises:
            UsageError: somebody has answered already.
        """
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{_quoted(task_id)}/-1/hitlDetails"
        self._call("PATCH", path, json={"chosen_options": [option], "params_input": {"reason": reason}})

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

    def _list(self, path: str, key: str, **params: Any) -> Iterator[Json]:
        seen = 0
        while True:
            page = self._call("GET", path, params={**params, "limit": _PAGE, "offset": seen})
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
