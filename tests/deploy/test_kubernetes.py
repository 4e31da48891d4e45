"""The pod template and the chart's values are what Kubernetes and the chart accept, and agree with services.env."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from kubernetes import client

DEPLOY = Path(__file__).parents[2] / "include" / "deploy"
SCHEMA = json.loads(Path(__file__).with_name("chart_values.schema.json").read_text(encoding="utf-8"))
OF_CELERY = re.compile(r"AIRFLOW__CELERY|AIRFLOW__CORE__EXECUTOR")
_TEXT = {"str": str, "int": int, "bool": bool, "object": object, "float": float, "IntOrString": (int, str)}


def problems(value: Any, kind: str, where: str = "") -> Iterator[str]:
    """Yield what of `value` is no `kind` of the Kubernetes API: the client itself passes over unknown keys."""
    if match := re.fullmatch(r"list\[(.+)\]", kind):
        for number, item in enumerate(value):
            yield from problems(item, match[1], f"{where}[{number}]")
    elif match := re.fullmatch(r"dict\[str, (.+)\]", kind):
        for key, item in value.items():
            yield from problems(item, match[1], f"{where}.{key}")
    elif kind in _TEXT:
        if not isinstance(value, _TEXT[kind]):
            yield f"{where}: {value!r} is no {kind}"
    else:
        model = getattr(client, kind)
        attributes = {key: model.openapi_types[name] for name, key in model.attribute_map.items()}
        for key, item in value.items():
            if key not in attributes:
                yield f"{where}.{key}: no such key of {kind}"
            else:
                yield from problems(item, attributes[key], f"{where}.{key}")


def chart_problems(values: dict[str, Any]) -> list[str]:
    """Return what the chart would refuse, and what Kubernetes would."""
    found = [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(values)]
    return found + list(_typed(values, SCHEMA, ""))


def _typed(values: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    for key, value in values.items():
        known = schema.get("properties", {}).get(key, {})
        known = SCHEMA["definitions"][known["$ref"].rpartition("/")[2]] if "$ref" in known else known
        if "x-kubernetes" in known:
            yield from problems(value, known["x-kubernetes"], f"{where}.{key}")
        elif isinstance(value, dict):
            yield from _typed(value, known, f"{where}.{key}")


def services_env() -> dict[str, str]:
    lines = (DEPLOY / "services.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture
def pod() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "kubernetes" / "pod_template.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def values() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text(encoding="utf-8"))


def test_the_pod_template_is_a_pod(pod):
    assert list(problems(pod, "V1Pod")) == []
    read = client.ApiClient()._ApiClient__deserialize(pod, client.V1Pod)
    assert [container.name for container in read.spec.containers] == ["base"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda pod: pod["spec"].update(restartpolicy="Never"), ".spec.restartpolicy: no such key of V1PodSpec"),
        (lambda pod: pod["spec"]["containers"][0]["env"].append({"name": "X", "value": 1}), "1 is no str"),
        (lambda pod: pod["spec"].update(terminationGracePeriodSeconds="60"), "'60' is no int"),
    ],
)
def test_a_wrong_pod_is_found(pod, change, expected):
    change(pod)
    assert any(expected in problem for problem in problems(pod, "V1Pod"))


def test_the_pod_is_not_privileged_and_not_retried_behind_airflows_back(pod):
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["restartPolicy"] == "Never"
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert set(container["resources"]) == {"requests", "limits"}


def test_tasks_hold_no_secret_of_airflow(pod):
    text = json.dumps(pod)
    assert "mlsys-airflow" not in text
    assert [source["secretRef"]["name"] for source in pod["spec"]["containers"][0]["envFrom"]] == ["mlsys-tasks"]


def test_the_chart_accepts_the_values(values):
    assert chart_problems(values) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [((), "executer"), (("scheduler",), "livenessprobe"), (("apiServer", "resources"), "limit"), (("redis",), "on")],
)
def test_a_misspelt_value_is_found(values, path, key):
    inner = broken = copy.deepcopy(values)
    for part in path:
        inner = inner[part]
    inner[key] = {}
    assert any(key in problem for problem in chart_problems(broken))


def test_both_agree_with_the_settings_of_the_compose_file(pod, values):
    settings = services_env()
    for env in (values["env"], pod["spec"]["containers"][0]["env"]):
        here = {item["name"]: item["value"] for item in env}
        assert {name: here[name] for name in here if name in settings} == {
            n: settings[n] for n in here if n in settings
        }
    threads = {name for name in settings if name.endswith("_THREADS")}
    assert threads <= {item["name"] for item in pod["spec"]["containers"][0]["env"]}


def test_the_chart_runs_what_stands_in_the_image(values):
    words = [values[part]["args"] for part in ("migrateDatabaseJob", "apiServer")]
    words += [values[part]["livenessProbe"]["command"] for part in ("scheduler", "dagProcessor", "triggerer")]
    for _, path, *_ in words:
        assert (DEPLOY.parents[1] / path.removeprefix("/opt/mlsys/")).is_file()


def test_the_server_is_a_deployment_and_its_service():
    deployment, service = yaml.safe_load_all((DEPLOY / "kubernetes" / "server.yaml").read_text(encoding="utf-8"))
    assert list(problems(deployment, "V1Deployment")) == []
    assert list(problems(service, "V1Service")) == []
    pod = deployment["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert deployment["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    (container,) = pod["spec"]["containers"]
    assert container["args"][:2] == ["mlsys", "serve"]
    assert "--only-with-keys" in container["args"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert "mlsys-airflow" not in json.dumps(deployment)


def test_the_look_from_outside_is_a_job_that_comes_back_by_itself():
    job = yaml.safe_load((DEPLOY / "kubernetes" / "pulse.yaml").read_text(encoding="utf-8"))
    assert list(problems(job, "V1CronJob")) == []
    work = job["spec"]["jobTemplate"]["spec"]
    assert work["backoffLimit"] == 0
    (container,) = work["template"]["spec"]["containers"]
    assert container["args"][:2] == ["mlsys", "pulse"]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
