from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError
from given.shop import edit_spec, make_shop

from mlsys.errors import UsageError
from mlsys.orchestration.tasks.run_params import NAMES, refuse_unknown, run_params, run_request
from mlsys.spec import load_spec


@pytest.fixture
def path(tmp_path: Path) -> Path:
    make_shop(tmp_path, tmp_path, days=0)
    return tmp_path / "shop.yaml"


def context(conf: dict[str, Any] | None = None, **run: Any) -> dict[str, Any]:
    facts = {"dag_id": "retrain_shop", "run_id": "r", "run_type": "manual", "partition_key": None}
    facts |= {"logical_date": None, "triggering_user_name": None, "conf": conf}
    return {"dag_run": SimpleNamespace(**{**facts, **run}), "params": conf or {}}


def test_every_parameter_has_words_and_a_default_that_is_allowed(path: Path) -> None:
    params = run_params(load_spec(path))
    assert tuple(params) == NAMES
    for param in params.values():
        param.resolve()
        assert param.schema["title"]
        assert param.description or param.schema["description_md"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("day", "2026-5-2"),
        ("day", "2026-02-30"),
        ("day", 7),
        ("candidates", ["logistics"]),
        ("candidates", ["prior", "prior"]),
        ("candidates", "logistic"),
        ("tuning", True),
        ("mode", "yolo"),
        ("approval", "yes"),
        ("reason", "x" * 501),
    ],
)
def test_a_wrong_value_is_refused(path: Path, name: str, value: object) -> None:
    with pytest.raises(ParamValidationError):
        run_params(load_spec(path))[name].resolve(value)


def test_candidates_are_those_of_the_spec(path: Path) -> None:
    edit_spec(path.parent, models=[{"kind": "logistic", "name": "plain"}, {"kind": "prior"}])
    schema = run_params(load_spec(path))["candidates"].schema
    assert schema["examples"] == schema["items"]["enum"] == ["plain", "prior"]


def test_an_empty_form_asks_for_what_the_spec_says() -> None:
    request = run_request("shop", context())
    assert (request.mode, request.candidates, request.approval, request.overrides) == ("auto", (), None, ())
    assert (request.request_id, request.asked_by) == ("retrain_shop/r", "airflow retrain_shop")


def test_a_filled_form_is_passed_on_with_who_pressed_the_button() -> None:
    conf = {"day": "2026-05-02", "candidates": ["prior"], "mode": "dry", "approval": True, "reason": "why not"}
    request = run_request("shop", context(conf, triggering_user_name="ann"))
    assert (request.day, request.candidates, request.mode) == ("2026-05-02", ("prior",), "dry")
    assert (request.approval, request.reason) == (True, "why not")
    assert request.asked_by == "airflow retrain_shop, ann"


def test_a_run_carries_the_addresses_that_its_card_links_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_MLFLOW_PAGE", "https://m.example")
    pages = run_request("shop", context()).pages
    assert pages["airflow"].endswith("/dags/retrain_shop/runs/r")
    assert pages["mlflow"] == "https://m.example"
    monkeypatch.setenv("MLSYS_MLFLOW_PAGE", "https://me:secret@m.example")
    assert "mlflow" not in run_request("shop", context()).pages


def test_a_run_can_ask_for_a_person_and_not_do_without_one() -> None:
    assert run_request("shop", context({"approval": False})).approval is None


@pytest.mark.parametrize(
    ("value", "override"), [("on", "tuning.enabled=true"), ("off", "tuning.enabled=false"), ("as the spec says", None)]
)
def test_tuning_is_an_override_of_the_spec(value: str, override: str | None) -> None:
    assert run_request("shop", context({"tuning": value})).overrides == ((override,) if override else ())


def test_an_unknown_name_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError, match=r"`candidate`.*Did you mean 'candidates'"):
        run_request("shop", context({"candidate": ["prior"]}))


def test_known_names_and_no_configuration_pass() -> None:
    refuse_unknown(None, NAMES)
    refuse_unknown(dict.fromkeys(NAMES), NAMES)
