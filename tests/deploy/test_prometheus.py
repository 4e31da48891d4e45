"""Alarms and dashboards name gauges that there are, each alarm fires in a test, and Prometheus takes them all."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
import yaml
from given.ports import free_port

from mlsys import clock
from mlsys.polling import ask_until
from mlsys.records import Outcome
from mlsys.watchdog.gauges import GAUGES
from mlsys.watchdog.sign import Sign

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "include" / "deploy"
RULES = DEPLOY / "prometheus" / "mlsys.rules.yaml"
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
# What the server shows at its /metrics.
SERVER = {
    "mlsys_server_requests_total": {"pipeline", "outcome", "version", "arm"},
    "mlsys_server_request_seconds_bucket": {"pipeline", "route", "le"},
    "mlsys_server_predictions_total": {"pipeline", "version", "arm"},
    "mlsys_server_unseen_values_total": {"pipeline", "column"},
    "mlsys_server_champion_info": {"pipeline", "version"},
    "mlsys_server_champion_cutoff_timestamp_seconds": {"pipeline"},
    "mlsys_server_log_dropped_total": set[str](),
    "mlsys_server_reload_failures_total": {"pipeline"},
    "mlsys_server_trial_stopped": {"pipeline", "candidate"},
}
KNOWN = {name: set(labels) for name, (labels, _) in GAUGES.items()} | SERVER
_NAME = re.compile(r"\bmlsys_[a-z_]+")
_SELECTED = re.compile(r"(mlsys_[a-z_]+)\{([^}]*)\}")
_SCRAPED = {"instance", "job"}  # labels that Prometheus gives
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool (apt-get install prometheus)")


def alarms() -> dict[str, str]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def panels(file: Path) -> list[dict[str, Any]]:
    return [panel for panel in json.loads(file.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]


def asked() -> dict[str, str]:
    """Every expression of alarms and dashboards, by where it stands."""
    found = {f"alarm {name}": expr for name, expr in alarms().items()}
    for file in DASHBOARDS:
        board = json.loads(file.read_text(encoding="utf-8"))
        found |= {f"{file.name} {each['name']}": each["expr"] for each in board["annotations"]["list"]}
        for panel in panels(file):
            for target in panel["targets"]:
                found[f"{file.name} {panel['title']} {target['refId']}"] = target["expr"]
    return found


@pytest.mark.parametrize("where", asked())
def test_each_expression_asks_for_what_there_is(where: str) -> None:
    expr = asked()[where]
    names = set(_NAME.findall(re.sub(r"\{[^}]*\}|\([a-z, ]*\)", "", expr))) | {
        name for name, _ in _SELECTED.findall(expr)
    }
    assert names
    assert names <= set(KNOWN)
    for name, inside in _SELECTED.findall(expr):
        assert set(re.findall(r"(\w+)=~?", inside)) | set(re.findall(r"(\w+)!=", inside)) <= KNOWN[name] | _SCRAPED


def test_the_server_shows_what_is_asked_of_it() -> None:
    files = [ROOT / "mlsys" / "server" / name for name in ("metrics.py", "living.py", "failing_arms.py")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    for name in SERVER:
        assert f'"{name.removesuffix("_bucket").removesuffix("_total")}"' in text
    for outcome in re.findall(r'outcome="(\w+)"', " ".join(asked().values())):
        assert f'"{outcome}"' in text or outcome in get_args(Outcome)


def test_each_gauge_is_shown_or_asked_for_by_an_alarm() -> None:
    used = {name for expr in asked().values() for name in _NAME.findall(expr)}
    spared = {"mlsys_pulse_duration_seconds", "mlsys_notices_oldest_timestamp_seconds"}
    spared |= {"mlsys_last_request_timestamp_seconds", "mlsys_last_decision_timestamp_seconds"}
    spared |= {"mlsys_monitor_cutoff_timestamp_seconds", "mlsys_label_newest_arrival_timestamp_seconds"}
    assert set(GAUGES) - used == spared


def test_the_page_lists_each_gauge() -> None:
    page = (ROOT / "docs" / "watching.md").read_text(encoding="utf-8")
    for name, (labels, what) in GAUGES.items():
        assert f"| `{name}` | {', '.join(f'`{label}`' for label in labels)} | {what} |" in page


def test_panels_have_a_title_a_place_and_a_description_each() -> None:
    for file in DASHBOARDS:
        places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels(file)]
        assert len(set(places)) == len(places)
        assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in panels(file))
        assert len({p["title"] for p in panels(file)}) == len(places)


@needs_promtool
def test_promtool_takes_the_rules_and_each_alarm_fires_in_its_test() -> None:
    tests = RULES.with_name("mlsys.rules.test.yaml")
    fired = {
        case["alertname"]
        for test in yaml.safe_load(tests.read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == set(alarms())
    subprocess.run(["promtool", "check", "rules", RULES], check=True, capture_output=True, timeout=60)
    done = subprocess.run(["promtool", "test", "rules", tests], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    config = RULES.with_name("prometheus.yml")
    subprocess.run(
        ["promtool", "check", "config", "--syntax-only", config], check=True, capture_output=True, timeout=60
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus (apt-get install prometheus)")
def test_a_real_prometheus_scrapes_the_gauges_alarms_and_answers_every_panel(tmp_path: Path) -> None:
    from mlsys.watchdog.gauges import exposition

    shown = tmp_path / "shown"
    shown.mkdir()
    signs = [Sign(cause="scheduler", ok=False, sentence="Dead."), Sign(cause="disk", ok=True, sentence="Room.")]
    text = exposition(signs, [], at=clock.now() - timedelta(hours=1), seconds=0.2, home=tmp_path)
    (shown / "metrics").write_bytes(text)
    with served(shown) as port, prometheus(tmp_path, port) as client:
        firing = ask_until(
            lambda names: {"MlsysPulseOld", "pending MlsysTrouble"} <= names,
            partial(alerts, client),
            seconds=60,
            pause=0.5,
        )
        assert firing == {"MlsysPulseOld", "pending MlsysTrouble"}
        assert [m["metric"]["cause"] for m in answer(client, "mlsys_trouble == 1")] == ["scheduler"]
        for expr in asked().values():
            answer(client, expr.replace('"$pipeline"', '".*"'))


def alerts(client: httpx.Client) -> set[str]:
    found = client.get("/api/v1/alerts").json()["data"]["alerts"]
    return {("pending " if each["state"] == "pending" else "") + each["labels"]["alertname"] for each in found}


def answer(client: httpx.Client, expr: str) -> list[dict[str, Any]]:
    found = client.get("/api/v1/query", params={"query": expr}).json()
    assert found["status"] == "success", expr
    result: list[dict[str, Any]] = found["data"]["result"]
    return result


class Quiet(SimpleHTTPRequestHandler):
    """A web server that says nothing, and gives Prometheus the type that it wants."""

    def guess_type(self, path: object) -> str:
        """Return the type of every file."""
        return "text/plain; version=0.0.4"

    def log_message(self, *said: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """Serve a folder, as an exporter does its gauges."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[httpx.Client]:
    """Run a Prometheus with our alarms that scrapes one target each second."""
    config = yaml.safe_load(RULES.with_name("prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    config["scrape_configs"] = [{"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    given = (f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(["prometheus", *given, f"--web.listen-address={address}"], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
            assert ask_until(bool, partial(ready, client), seconds=30, pause=0.2), (folder / "log").read_text()
            yield client
    finally:
        process.terminate()
        process.wait(timeout=30)


def ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").is_success
    except httpx.TransportError:
        return False
