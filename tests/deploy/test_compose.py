"""docker-compose.yaml: every service is watched, limited and restarted; no secret has a default."""

from __future__ import annotations

import re
import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "include" / "deploy"
FILE = ROOT / "docker-compose.yaml"
TEXT = FILE.read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LONG_LIVED = sorted(set(SERVICES) - {"init"})
OF_AIRFLOW = ("init", "api-server", "scheduler", "dag-processor", "triggerer")
SECRET = re.compile(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*)([^}]*)\}")


def secrets() -> set[str]:
    return {name for name, _ in SECRET.findall(TEXT)}


def assignments(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def test_the_services_are_those_of_the_design():
    assert set(SERVICES) == {
        "postgres", "redis", "init", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "mlflow",
        "server", "pulse",
    }  # fmt: skip
    assert SERVICES["worker"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", LONG_LIVED)
def test_a_service_is_watched_and_comes_back(name):
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_limits(name):
    assert set(SERVICES[name]["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"postgres", "redis"}))
def test_our_services_may_do_little(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["env_file"] == ["include/deploy/services.env"]


def test_no_image_is_the_latest():
    images = {service["image"] for service in SERVICES.values()}
    assert all(re.search(r":[\w.-]+}$", image) and ":latest" not in image for image in images)


def test_a_missing_secret_is_refused_by_name():
    assert len(secrets()) == 8
    assert {rest for _, rest in SECRET.findall(TEXT)} == {":?is missing; see docs/deployment.md"}


def test_workers_mlflow_and_server_hold_no_secret_of_airflow():
    for name in ("worker", "mlflow", "server"):
        text = str(SERVICES[name]["environment"])
        assert not re.search(
            r"AIRFLOW_DB_PASSWORD|FERNET|JWT|AIRFLOW_SECRET_KEY|MLSYS_PASSWORD|POSTGRES_PASSWORD", text
        )


def test_only_init_may_do_everything_in_the_database():
    holders = {name for name, service in SERVICES.items() if "POSTGRES_PASSWORD" in str(service["environment"])}
    assert holders == {"postgres", "init"}


def test_nothing_is_published_beyond_this_machine_unless_asked_for():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"api-server", "mlflow", "server"}
    unless = ("127.0.0.1:", "${MLSYS_BIND:-127.0.0.1}:", "${MLSYS_SERVER_BIND:-127.0.0.1}:")
    assert all(port.startswith(unless) for (port,) in ports.values())


def test_what_looks_from_outside_knows_of_airflow_its_database_alone():
    text = str(SERVICES["pulse"]["environment"])
    assert "AIRFLOW_DB_PASSWORD" in text
    assert not re.search(r"FERNET|JWT|AIRFLOW_SECRET_KEY|MLSYS_PASSWORD|POSTGRES_PASSWORD", text)
    assert "--last" in SERVICES["pulse"]["healthcheck"]["test"]


def test_nobody_asks_the_published_server_without_a_key():
    assert "--only-with-keys" in SERVICES["server"]["command"]


def test_the_services_start_in_the_order_that_loses_no_task():
    def needs(name: str) -> dict[str, str]:
        return {other: rule["condition"] for other, rule in SERVICES[name]["depends_on"].items()}

    assert needs("init") == {"postgres": "service_healthy"}
    for name in LONG_LIVED:
        if name not in ("postgres", "redis"):
            assert needs(name)["init"] == "service_completed_successfully"
    assert needs("scheduler")["api-server"] == needs("worker")["api-server"] == "service_healthy"


def test_logs_and_models_are_shared_by_those_who_need_them():
    for name in (*OF_AIRFLOW, "worker", "server", "pulse"):
        assert "home:/var/lib/mlsys" in SERVICES[name]["volumes"]
    for name in ("worker", "mlflow"):
        assert "mlartifacts:/var/lib/mlsys/mlartifacts" in SERVICES[name]["volumes"]


def test_the_example_names_every_secret_and_holds_none():
    example = assignments((ROOT / ".env.example").read_text(encoding="utf-8"))
    assert set(example) == secrets()
    assert set(example.values()) == {""}


def test_the_example_names_every_other_variable():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in set(re.findall(r"\$\{(\w+)", TEXT)):
        assert re.search(rf"^#?{name}=", example, re.MULTILINE), name


def test_a_new_env_has_every_secret_and_never_twice_the_same():
    content = runpy.run_path(str(DEPLOY / "new_env.py"))["content"]
    one, other = (content(datetime(2026, 3, 31, 15, tzinfo=UTC)) for _ in range(2))
    assert set(one) == {*secrets(), "MLSYS_SCHEDULE_START"}
    assert one["MLSYS_SCHEDULE_START"] == "2026-04-01T00:00:00+00:00"
    assert all(len(one[name]) >= 16 and one[name] != other[name] for name in secrets())
    assert not [value for value in one.values() if re.search(r"[\s'\"$#@/]", value)]


@pytest.mark.slow
def test_the_services_settings_are_airflows():
    from airflow.configuration import retrieve_configuration_description

    known = retrieve_configuration_description()
    names = [name for name in assignments((DEPLOY / "services.env").read_text()) if name.startswith("AIRFLOW__")]
    assert names
    for name in names:
        _, section, key = name.split("__")
        if not section.startswith("CELERY"):
            assert key.lower() in known.get(section.lower(), {"options": ()})["options"], name


def test_the_settings_of_celery_are_the_providers():
    from airflow.providers.celery.get_provider_info import get_provider_info

    known = get_provider_info()["config"]
    names = [name for name in assignments((DEPLOY / "services.env").read_text()) if name.startswith("AIRFLOW__CELERY")]
    assert len(names) == 5
    for name in names:
        _, section, key = name.split("__")
        assert key.lower() in known[section.lower()]["options"], name


def test_what_the_embedded_stack_keeps_quiet_is_quiet_here():
    from mlsys.orchestration.stack import environment

    here = assignments((DEPLOY / "services.env").read_text())
    wanted = {**environment._QUIET, **environment._ONE_THREAD}
    wanted = {name: value for name, value in wanted.items() if not name.startswith(("AIRFLOW__", "OBJC_"))}
    assert {name: here[name] for name in wanted} == wanted
