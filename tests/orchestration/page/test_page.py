"""The Models page as Airflow's api-server answers it: login, permissions, files, errors. Airflow itself is real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from given.shop import newest_run

from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
USERS = {"ada": "admin", "vera": "viewer"}
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Airflow's app with its login and the page, on an empty database."""
    folder = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patched:
        users = ",".join(f"{name}:{role}" for name, role in USERS.items())
        for key, value in {
            "CORE__SIMPLE_AUTH_MANAGER_USERS": users,
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
            "API_AUTH__JWT_SECRET": "for-these-tests-alone-" * 4,
        }.items():
            patched.setenv(f"AIRFLOW__{key}", value)
        from airflow.api_fastapi.app import init_auth_manager, purge_cached_app
        from airflow.api_fastapi.auth.middlewares.refresh_token import JWTRefreshMiddleware
        from airflow.utils.db import initdb
        from fastapi import FastAPI

        from mlsys.orchestration.page.addresses import PREFIX
        from mlsys.orchestration.page.page import ModelsPage

        initdb()
        app = FastAPI()
        init_auth_manager(app)
        app.mount(PREFIX, ModelsPage())
        app.add_middleware(JWTRefreshMiddleware)
        yield app
        purge_cached_app()


@pytest.fixture
def nobody(airflow: Any, work: Workspace) -> Any:
    """A browser in which nobody has logged in."""
    from starlette.testclient import TestClient

    return TestClient(airflow, follow_redirects=False)


@pytest.fixture
def ada(nobody: Any) -> Any:
    """A browser in which the administrator has logged in."""
    return enter(nobody, "ada")


def enter(browser: Any, name: str) -> Any:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    user = SimpleAuthManagerUser(username=name, role=USERS[name].upper())
    browser.cookies.set("_token", get_auth_manager().generate_jwt(user))
    return browser


def pages(work: Workspace) -> list[str]:
    found = ["/", "/pipelines/shop", "/dags/retrain_shop", "/static/models.css", "/static/models.js"]
    return [*found, f"/reports/shop/{newest_run(work)}.html", "/data_docs/shop/index.html"]


def test_no_page_answers_without_a_login(nobody: Any, work: Workspace) -> None:
    for page in pages(work):
        answer = nobody.get(f"/mlsys{page}")
        assert answer.status_code == 401, page
        assert "1.0.0" not in answer.text


def test_a_browser_without_a_login_is_sent_to_it_and_comes_back(nobody: Any) -> None:
    answer = nobody.get("/mlsys/pipelines/shop?on=2026-05-11", headers=HTML)
    assert answer.status_code == 303
    back = "%2Fmlsys%2Fpipelines%2Fshop%3Fon%3D2026-05-11"
    assert answer.headers["location"] == f"/api/v2/auth/login?next={back}"


def test_a_forged_login_is_refused(nobody: Any) -> None:
    nobody.cookies.set("_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJyb2xlIjoiQURNSU4ifQ.")
    assert nobody.get("/mlsys/").status_code in (401, 403)


def test_every_page_answers_after_login(ada: Any, work: Workspace) -> None:
    for page in pages(work):
        answer = ada.get(f"/mlsys{page}")
        assert answer.status_code == 200, page
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_can_be_changed_through_the_page(ada: Any, work: Workspace) -> None:
    for page in pages(work):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert ada.request(method, f"/mlsys{page}").status_code == 405, (method, page)


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/openapi.json", "/static/base.html.j2"])
def test_there_are_no_other_pages(ada: Any, page: str) -> None:
    assert ada.get(f"/mlsys{page}").status_code == 404


def test_a_viewer_reads_and_has_no_buttons(nobody: Any) -> None:
    for page in ("/", "/pipelines/shop"):
        answer = enter(nobody, "vera").get(f"/mlsys{page}")
        assert answer.status_code == 200
        assert "1.0.0" in answer.text
        assert "data-dialog" not in answer.text


def test_an_administrator_has_buttons(ada: Any) -> None:
    assert 'data-dialog="retrain"' in ada.get("/mlsys/").text


def test_who_may_not_read_the_dag_sees_nothing_of_its_pipeline(
    ada: Any, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    def refuse(self: Any, *, method: str, details: Any = None, **_: Any) -> bool:
        return details.id != "retrain_shop"

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", refuse)
    assert "shop" not in ada.get("/mlsys/").text
    for page in (page for page in pages(work) if "shop" in page):
        answer = ada.get(f"/mlsys{page}")
        assert answer.status_code == 403, page
        assert "1.0.0" not in answer.text


def test_permission_is_asked_for_each_action_by_itself(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    def allow(self: Any, *, method: str, details: Any = None, **_: Any) -> bool:
        return method == "GET" or details.id == "rollback"

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", allow)
    assert 'data-dialog="retrain"' not in ada.get("/mlsys/").text


@pytest.mark.parametrize(
    "page",
    [
        "/reports/shop/..%2F..%2Fdatabase.json",
        "/reports/../shop.html",
        "/reports/%2e%2e/reports.html",
        "/data_docs/shop/../../database.json",
        "/data_docs/shop/%2e%2e/%2e%2e/database.json",
        "/data_docs/%2e%2e/database.json",
        "/data_docs/shop//etc/passwd",
        "/data_docs/shop/link.html",
        "/reports/shop/no-such-run.html",
    ],
)
def test_no_file_outside_its_folder_is_handed_out(ada: Any, work: Workspace, page: str) -> None:
    secret = work.home / "secret.html"
    secret.write_text("do not read", encoding="utf-8")
    (work.home / "data_docs" / "shop" / "link.html").symlink_to(secret)
    answer = ada.get(f"/mlsys{page}")
    assert answer.status_code == 404
    assert "do not read" not in answer.text


def test_filed_pages_run_the_script_of_their_links_alone_and_load_nothing(ada: Any, work: Workspace) -> None:
    seen = set()
    for page in pages(work)[-2:]:
        answer = ada.get(f"/mlsys{page}")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        (sources,) = re.findall("script-src ([^;]*);", policy)
        (nonce,) = re.findall("^'nonce-([^']+)'$", sources)
        assert answer.text.count(nonce) == 1
        assert f'<script nonce="{nonce}" src="/mlsys/static/models.js' in answer.text
        assert "frame-ancestors 'self'" in policy
        seen.add(nonce)
    assert len(seen) == 2  # whoever knows one can't use it again


def test_a_page_of_its_own_runs_its_own_script_alone(ada: Any) -> None:
    policy = ada.get("/mlsys/").headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_data_docs_are_legible_without_their_foreign_style_sheets(ada: Any, work: Workspace) -> None:
    page = next((work.home / "data_docs" / "shop").glob("validations/*/*/*/rows.html"))
    answer = ada.get(f"/mlsys/{page.relative_to(work.home).as_posix()}")
    assert answer.status_code == 200
    assert "border-collapse" in answer.text


def test_links_stay_below_the_path_that_airflow_is_served_under(airflow: Any, work: Workspace) -> None:
    from starlette.testclient import TestClient

    browser = enter(TestClient(airflow, root_path="/team"), "ada")
    html = browser.get("/team/mlsys/").text
    assert 'href="/team/mlsys/pipelines/shop"' in html
    assert 'data-airflow="/team"' in html


@pytest.mark.parametrize("dag", ["housekeeping", "monitor_shop", "retrain_nothing", "shop"])
def test_the_tab_of_a_dag_that_retrains_nothing_says_so(ada: Any, dag: str) -> None:
    answer = ada.get(f"/mlsys/dags/{dag}")
    assert answer.status_code == 200
    assert "retrains no pipeline" in answer.text


def test_who_served_on_a_day_is_asked_by_its_date(ada: Any) -> None:
    assert "Nothing served on 2026-05-01" in ada.get("/mlsys/pipelines/shop?on=2026-05-01").text
    answer = ada.get("/mlsys/pipelines/shop?on=2026-5-1")
    assert answer.status_code == 400
    assert "YYYY-MM-DD" in answer.text


def test_an_unknown_pipeline_is_said_to_be_unknown(ada: Any) -> None:
    answer = ada.get("/mlsys/pipelines/nope")
    assert answer.status_code == 404
    assert "nope" in answer.text


def test_a_ledger_that_does_not_answer_is_a_page_that_says_so(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_DATABASE", "postgresql://nobody:secret@127.0.0.1:1")
    answer = ada.get("/mlsys/")
    assert answer.status_code == 503
    assert "The ledger can" in answer.text
    assert "secret" not in answer.text


PLUGIN = """
import json, sys
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
assert not errors, errors
loaded = sorted({"fastapi", "numpy", "pandas", "mlflow", "mlsys.ledger"} & set(sys.modules))
info = plugins_manager.get_plugin_info()
from airflow.api_fastapi.core_api.datamodels.plugins import PluginResponse
(ours,) = [PluginResponse.model_validate(one) for one in info if one["name"] == "mlsys"]
print("RESULT" + json.dumps([loaded, [v.url_route for v in ours.external_views], ours.operator_extra_links]))
"""


def test_the_plugin_loads_and_every_other_process_of_airflow_stays_light(tmp_path: Path) -> None:
    import json

    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins")}
    done = subprocess.run([sys.executable, "-c", PLUGIN], capture_output=True, text=True, env=environment, check=False)
    assert "RESULT" in done.stdout, done.stderr[-3000:]
    loaded, routes, links = json.loads(done.stdout.split("RESULT")[1])
    assert loaded == []
    assert routes == ["mlsys", "mlsys_outcomes"]
    assert len(links) == 3


class Key:
    """What Airflow hands to a link."""

    def __init__(self, dag_id: str) -> None:
        self.dag_id, self.run_id, self.task_id = dag_id, "manual__1", "decide"


MADE: dict[str, dict[str, Any]] = {
    "report": {"run_id": "shop-2026-05-12-ab", "path": "reports/shop/shop-2026-05-12-ab.html"},
    "promote": {"mlflow_version": "3"},
    "validate": {"data_docs": "data_docs/shop/validations/shop/cutoff-2026-05-13/x/rows.html"},
}


def test_the_buttons_of_a_task_lead_to_what_its_run_made(airflow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlsys.orchestration.page import buttons as links

    monkeypatch.setattr(links, "_handed_on", lambda dag, run, task: MADE[task])
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://localhost:8080/team/")
    found = [link.get_link(None, ti_key=Key("retrain_shop")) for link in all_links()]
    assert found == [
        "/team/plugin/mlsys/team/mlsys/reports/shop/shop-2026-05-12-ab.html",
        "http://127.0.0.1:5000/#/models/shop/versions/3",
        "/team/plugin/mlsys/team/mlsys/data_docs/shop/validations/shop/cutoff-2026-05-13/x/rows.html",
    ]


def all_links() -> list[Any]:
    from mlsys.orchestration.page.buttons import DataDocsLink, MlflowLink, ReportCardLink

    return [ReportCardLink(), MlflowLink(), DataDocsLink()]


def test_a_run_that_made_nothing_yet_has_no_button(airflow: Any) -> None:
    assert [link.get_link(None, ti_key=Key("retrain_shop")) for link in all_links()] == ["", "", ""]


def test_a_run_without_mlflow_or_data_docs_has_no_such_button(airflow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlsys.orchestration.page import buttons as links

    monkeypatch.setattr(links, "_handed_on", lambda dag, run, task: {"mlflow_version": None, "data_docs": None})
    assert [link.get_link(None, ti_key=Key("retrain_shop")) for link in all_links()[1:]] == ["", ""]


def test_other_dags_are_not_even_looked_up(airflow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlsys.orchestration.page import buttons as links

    def never(dag: str, run: str, task: str) -> None:
        raise AssertionError(dag)

    monkeypatch.setattr(links, "_handed_on", never)
    assert [link.get_link(None, ti_key=Key("somebody_elses")) for link in all_links()] == ["", "", ""]
