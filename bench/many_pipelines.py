"""What thirty pipelines cost Airflow when nothing is trained: reading the DAG files, the idle stack, the list of DAGs.

    make bench-many ARGS="--before ../other-checkout"    that checkout first, then this one, in one session
    make bench-many ARGS="--pictures docs/images"        and pictures of the list, where there is a Chromium

Half of the pipelines are copies of the sample `leads`, which is scanned every ten minutes, half of `phishing`. The DAGs
that retrain are paused once there is data, so that scans look and find what they asked for waiting. Both checkouts run
with the packages of this one. Writes bench/results-dags.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from dag import airflow, family, pipelines
from run import HERE, ROOT, heading

from mlsys.cli.sample_makers import make_sample
from mlsys.orchestration.api.client import AirflowApi
from mlsys.orchestration.stack import stack
from mlsys.settings import Settings

RESULTS = HERE / "results-dags.md"
SCANNED = (
    "accounts churn cross_sell downgrades event_signups leads meeting_no_shows newsletter onboarding partners "
    "renewals sponsors surveys trials upsell"
)
OTHERS = (
    "account_takeover bot_traffic card_fraud chargebacks credential_stuffing domain_abuse fake_reviews invoice_fraud "
    "malware_links money_mules phishing promo_abuse spam_reports synthetic_ids wire_fraud"
)
SECONDS = 600.0  # one scan of everything lies in it
SETTLED = 90.0
PARTS = ("scheduler", "dag-processor", "postgres", "api-server", "triggerer")
ABOUT = (
    "# Thirty pipelines in Airflow",
    "",
    "Written by `make bench-many`: half of the pipelines are copies of the sample `leads`, scanned every ten minutes,",
    "half of `phishing`; nothing is trained. Processor time counts child processes that have ended, too: each parse",
    "and each task is one. All columns were measured in one session on one machine. Compare them, not the seconds.",
)
PARSE = """
import sys, time, json, logging
from pathlib import Path
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
files = sorted(Path(sys.argv[1]).glob("*.py"))
def read(file):
    begun = time.process_time()
    bag = DagBag(str(file), bundle_name="dags-folder")
    assert not bag.import_errors, bag.import_errors
    return time.process_time() - begun
for file in files:
    read(file)  # what it imports stays loaded, as in the dag-processor
print("RESULT" + json.dumps({file.stem: sorted(read(file) for _ in range(3))[1] for file in files}))
"""


@dataclass(frozen=True)
class Figures:
    """What was measured in one checkout.

    Attributes:
        dags: how many DAGs the list has.
        parse: seconds of processor time to read each DAG file once.
        spent: seconds of processor time of each part of the stack in `SECONDS`.
        memory: bytes (PSS) of scheduler and dag-processor together.
        runs: DAG runs that were made meanwhile.
        page: seconds until Airflow has answered for the first page of the list.
    """

    dags: int
    parse: dict[str, float]
    spent: dict[str, float]
    memory: int
    runs: int
    page: float


def main() -> None:
    """Measure, print, and write bench/results-dags.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="another checkout, measured first")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the list")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long to watch the idle stack (600)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        picture = arguments.pictures and (lambda access: draw(access, arguments.pictures))
        print("RESULT" + json.dumps(asdict(measured(arguments.measure, arguments.seconds, picture))))
        return
    lines = heading(*ABOUT)
    checkouts = {"before": arguments.before, "now": ROOT} if arguments.before else {"now": ROOT}
    found = {}
    for name, path in checkouts.items():
        picture = arguments.pictures and arguments.pictures / f"dags-{name}.png"
        found[name] = elsewhere(path.resolve(), arguments.seconds, picture)
    text = "\n".join(lines + table(found, arguments.seconds)) + "\n"
    print(text)
    RESULTS.write_text(text, encoding="utf-8")


def elsewhere(checkout: Path, seconds: float, picture: Path | None) -> Figures:
    """Measure a checkout in a process that imports mlsys from there."""
    command = [sys.executable, __file__, "--measure", str(checkout), "--seconds", str(seconds)]
    command += ["--pictures", str(picture.resolve())] if picture else []
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MLSYS_", "AIRFLOW"))}
    done = subprocess.run(
        command, env={**clean, "PYTHONPATH": str(checkout)}, cwd=checkout, stdout=subprocess.PIPE, text=True, check=True
    )
    return Figures(**_result(done.stdout))


def measured(checkout: Path, seconds: float, picture: Callable[[stack.Access], None] | None) -> Figures:
    """Measure the mlsys that this process imports."""
    with tempfile.TemporaryDirectory(prefix="mlsys-bench-") as place:
        for sample, names in (("leads", SCANNED), ("phishing", OTHERS)):
            spec = (ROOT / "include" / "pipelines" / f"{sample}.yaml").read_text(encoding="utf-8")
            pipelines(Path(place) / "pipelines", spec, names.split())
        os.environ["MLSYS_MLFLOW_URI"] = f"sqlite:///{place}/mlflow.db"  # its server is no part of this
        with airflow(Path(place) / "home", checkout=checkout) as (settings, api):
            parse = _result(_parse(checkout, Path(place)))
            n_dags = _quiet(settings, api)
            runs = _n_runs(api)
            before = {part: _spent(settings, part) for part in PARTS}
            time.sleep(seconds)
            spent = {part: _spent(settings, part) - before[part] for part in PARTS}
            memory = sum(c.memory_bytes for c in stack.status(settings) if c.name in PARTS[:2])
            figures = Figures(n_dags, parse, spent, memory, _n_runs(api) - runs, _page(settings))
            if picture:
                picture(stack.access(settings))
    return figures


def _parse(checkout: Path, place: Path) -> str:
    command = [sys.executable, "-c", PARSE, str(checkout / "dags")]
    environ = {"AIRFLOW_HOME": str(place / "parse"), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{place}/p.db"}
    return subprocess.run(command, env=os.environ | environ, stdout=subprocess.PIPE, text=True, check=True).stdout


def _quiet(settings: Settings, api: AirflowApi) -> int:
    """Wait until Airflow knows all DAGs, pause those that train, bring data, and let the first scans pass."""
    seen = [-1, 0]
    while seen[-1] != seen[-2] or not seen[-1]:
        time.sleep(40)  # longer than the pause between two parses
        seen.append(len(_dags(settings)))
    for dag_id in _dags(settings):
        if dag_id.startswith("retrain_"):
            api.pause(dag_id, paused=True)
    make_sample(settings, "leads", days=20, target=settings.root / "samples")
    time.sleep(SETTLED)
    return seen[-1]


def _dags(settings: Settings) -> list[str]:
    """Return the ids of all DAGs."""
    ids: list[str] = []
    with _logged_in(settings) as client:
        while True:
            params = {"limit": 100, "offset": len(ids)}
            page = client.get("/api/v2/dags", params=params).raise_for_status().json()
            ids += [dag["dag_id"] for dag in page["dags"]]
            if len(ids) >= page["total_entries"]:
                return ids


def _n_runs(api: AirflowApi) -> int:
    return len(api.runs("~"))


def _spent(settings: Settings, part: str) -> float:
    """Return the processor time of a part of the stack, with that of its ended children."""
    pid = next(c.pid for c in stack.status(settings) if c.name == part)
    times = []
    for process in family(pid or 0):
        try:
            times.append(sum(process.cpu_times()[:4]))
        except psutil.NoSuchProcess:  # it ended just now, and its parent has its time
            continue
    return sum(times)


def _page(settings: Settings) -> float:
    params: dict[str, Any] = {"order_by": "dag_display_name", "limit": 50, "dag_runs_limit": 14}
    seconds = []
    with _logged_in(settings) as client:
        for _ in range(7):
            begun = time.perf_counter()
            client.get("/ui/dags", params=params).raise_for_status()
            seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


@contextmanager
def _logged_in(settings: Settings) -> Iterator[httpx.Client]:
    found = stack.access(settings)
    with httpx.Client(base_url=found.airflow, timeout=60.0, trust_env=False) as client:
        login = client.post("/auth/token", json={"username": found.login, "password": found.password})
        client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        yield client


def draw(found: stack.Access, file: Path) -> None:
    """Make a picture of the list as Airflow shows it first, in its table view."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        chromium = str(own) if own.exists() else shutil.which("chromium")
        arguments = ["--disable-gpu", *["--no-sandbox"] * (os.geteuid() == 0)]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_context(viewport={"width": 1200, "height": 820}, color_scheme="light").new_page()
        page.set_default_timeout(180_000)
        page.goto(found.airflow)
        page.fill("input[name=username]", found.login)
        page.fill("input[name=password]", found.password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Models").first.wait_for()
        page.evaluate("localStorage.setItem('dags_list_display', JSON.stringify('table'))")
        page.goto(f"{found.airflow}/dags")
        page.locator("table tbody tr").nth(9).wait_for()
        page.wait_for_timeout(3000)
        page.screenshot(path=file)
        browser.close()


def table(found: dict[str, Figures], seconds: float) -> list[str]:
    """Return the figures as a table in Markdown, a column for each checkout."""

    def row(name: str, of: Callable[[Figures], str]) -> str:
        return f"| {name} | " + " | ".join(of(figures) for figures in found.values()) + " |"

    def cores(part: str) -> Callable[[Figures], str]:
        return lambda figures: f"{figures.spent[part] / seconds:.1%}"

    lines = [
        "| | " + " | ".join(found) + " |",
        "|---" * (len(found) + 1) + "|",
        row("DAGs in the list", lambda figures: str(figures.dags)),
        row("Reading all DAG files once, s", lambda figures: f"{sum(figures.parse.values()):.2f}"),
        *(row(f"{part}, of one core", cores(part)) for part in PARTS),
        row("all of these, of one core", lambda figures: f"{sum(figures.spent.values()) / seconds:.1%}"),
        row("scheduler and dag-processor, MB (PSS)", lambda figures: f"{figures.memory / 1e6:,.0f}"),
        row(f"DAG runs made in {seconds:.0f} s", lambda figures: str(figures.runs)),
        row("Airflow's answer for the first page of the list, s", lambda figures: f"{figures.page:.2f}"),
        "",
    ]
    for name, figures in found.items():
        files = ", ".join(f"{file} {taken:.2f}" for file, taken in figures.parse.items())
        lines.append(f"Reading each DAG file, s, {name}: {files}.")
    return lines


def _result(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.rsplit("RESULT", maxsplit=1)[-1])
    return found


if __name__ == "__main__":
    main()
