from __future__ import annotations

import json
from datetime import date

import httpx
import pytest
from given.airflows import made_up

from mlsys.errors import RunError, TransientError, UsageError


def test_lists_are_read_page_by_page() -> None:
    rows = [{"dag_run_id": str(number)} for number in range(250)]

    def answer(request: httpx.Request) -> httpx.Response:
        first, limit = int(request.url.params["offset"]), int(request.url.params["limit"])
        return httpx.Response(200, json={"dag_runs": rows[first : first + limit], "total_entries": 250})

    assert made_up(answer).runs("d") == rows


def test_run_ids_are_quoted_and_the_token_is_sent() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"state": "success"})

    made_up(answer).run("d", "manual__2026+00:00")
    assert seen[0].url.raw_path == b"/api/v2/dags/d/dagRuns/manual__2026%2B00%3A00"
    assert seen[0].headers["Authorization"] == "Bearer t"


def test_an_expired_token_is_renewed() -> None:
    answers = iter([httpx.Response(401, json={}), httpx.Response(200, json={"state": "success"})])
    assert made_up(lambda request: next(answers)).run("d", "r") == {"state": "success"}


def test_a_trigger_names_the_partition() -> None:
    seen: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(200, json={"dag_run_id": "r"})

    assert made_up(answer).trigger("d", partition_key="2026-01-02", conf={"mode": "dry"}) == "r"
    assert seen == [{"logical_date": None, "conf": {"mode": "dry"}, "partition_key": "2026-01-02"}]


def test_a_refused_parameter_is_a_usage_error_with_airflows_words() -> None:
    refusing = made_up(lambda request: httpx.Response(400, json={"detail": "'x' is not one of ['live']"}))
    with pytest.raises(UsageError, match="is not one of"):
        refusing.trigger("d", conf={"mode": "x"})


def test_an_unknown_dag_is_none_and_waiting_for_it_names_the_broken_file() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("importErrors"):
            errors = [{"filename": "retrain.py", "stack_trace": "SyntaxError: here"}]
            return httpx.Response(200, json={"import_errors": errors, "total_entries": 1})
        return httpx.Response(404, json={"detail": "no"})

    assert made_up(answer).dag("d") is None
    with pytest.raises(RunError, match=r"retrain\.py.*SyntaxError"):
        made_up(answer).wait_for_dag("d", seconds=0)


def test_an_airflow_that_is_down_is_transient() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(TransientError, match="does not answer"):
        made_up(answer).health()


def test_a_missing_pool_is_made() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        return httpx.Response(404 if request.method == "PATCH" else 201, json={})

    made_up(answer).set_pool("training", slots=2, description="x")
    assert seen == ["PATCH", "POST"]


def test_waiting_reports_the_tasks_until_the_run_ends() -> None:
    states = iter(["queued", "success"])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("taskInstances"):
            return httpx.Response(200, json={"task_instances": [{"task_id": "a"}], "total_entries": 1})
        return httpx.Response(200, json={"state": next(states)})

    seen: list[object] = []
    assert made_up(answer).wait_for_run("d", "r", seconds=60, seen=seen.append)["state"] == "success"
    assert seen == [[{"task_id": "a"}]] * 2


def test_a_backfill_names_instants_not_days() -> None:
    seen: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(200, json={"id": 4})

    number = made_up(answer).backfill("d", date(2026, 5, 1), date(2026, 5, 3), conf={"mode": "train"}, backwards=True)
    assert number == 4
    assert (seen[0]["from_date"], seen[0]["to_date"]) == ("2026-05-01T00:00:00Z", "2026-05-03T00:00:00Z")
    assert (seen[0]["dag_run_conf"], seen[0]["run_backwards"]) == ({"mode": "train"}, True)


def test_clearing_is_done_and_takes_what_follows_along() -> None:
    seen: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(200, json={})

    made_up(answer).clear("d", "r", "decide")
    assert (seen[0]["task_ids"], seen[0]["include_downstream"]) == (["decide"], True)
    assert (seen[0]["dry_run"], seen[0]["only_failed"]) == (False, False)


def test_a_question_is_answered_with_a_reason() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"hitl_details": []})

    assert made_up(answer).question("d", "r") is None
    made_up(answer).answer("d", "r", "Approve", reason="looks good")
    assert seen[1].url.path == "/api/v2/dags/d/dagRuns/r/taskInstances/approve/-1/hitlDetails"
    assert json.loads(seen[1].content) == {"chosen_options": ["Approve"], "params_input": {"reason": "looks good"}}


def test_the_asset_of_a_name_is_found_among_its_likes() -> None:
    assets = [{"id": 1, "name": "champion_shop_2"}, {"id": 2, "name": "champion_shop"}]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"assets": assets, "total_entries": 2})

    found = made_up(answer).asset("champion_shop")
    assert found is not None
    assert found["id"] == 2
    assert made_up(answer).asset("champion_sho") is None


def test_a_run_may_be_given_its_id_and_asked_for_its_state() -> None:
    seen: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            seen.append(json.loads(request.content)["dag_run_id"])
            return httpx.Response(200, json={"dag_run_id": "mine"})
        known = request.url.path.endswith("/mine")
        return httpx.Response(200 if known else 404, json={"state": "queued"} if known else {})

    api = made_up(answer)
    assert api.trigger("d", run_id="mine") == "mine"
    assert seen == ["mine"]
    assert (api.state_of("d", "mine"), api.state_of("d", "other")) == ("queued", None)


def test_paused_dags_are_asked_for_by_a_part_of_their_id() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = {name: request.url.params[name] for name in ("dag_id_pattern", "paused")}
        assert asked == {"dag_id_pattern": "retrain_", "paused": "true"}
        return httpx.Response(200, json={"dags": [{"dag_id": "retrain_shop"}], "total_entries": 1})

    assert made_up(answer).paused("retrain_") == ["retrain_shop"]


def test_runs_may_be_asked_for_by_their_states() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        states = request.url.params.get_list("state")
        return httpx.Response(200, json={"dag_runs": [{"states": states}], "total_entries": 1})

    assert made_up(answer).runs("d", states=("queued", "running")) == [{"states": ["queued", "running"]}]
    assert made_up(answer).runs("d") == [{"states": []}]
