"""The Models page as a person meets it: a real Airflow, a real Chromium, real clicks.

The first test is the whole story: a run from Airflow's own form waits for a person, is approved, and serves; then the
champion before it is let serve again.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from given.airflows import wait
from given.ports import free_ports
from given.shop import day, edit_spec, make_shop
from given.visits import DAG, PAGE_MS, RUN_MS, Visit, chromium

from mlsys import pipeline
from mlsys.cli import operating
from mlsys.orchestration.stack import stack
from mlsys.planning.plan import RunRequest
from mlsys.settings import Settings, load_settings
from mlsys.workspace import open_workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def settings(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A shop with a champion of day 9 and two more days of data, and a pipeline that never ran."""
    home = tmp_path_factory.mktemp("browser") / "home"
    make_shop(home, home / "pipelines", days=12)
    # Every new model is good enough, and a person has the last word.
    edit_spec(home / "pipelines", gates=["min_rows"], approval={"required": True})
    shop = (home / "pipelines" / "shop.yaml").read_text(encoding="utf-8")
    (home / "pipelines" / "later.yaml").write_text(shop.replace("pipeline: shop", "pipeline: later"), encoding="utf-8")
    airflow, mlflow = free_ports(2)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "HOME": home,
            "PIPELINES": home / "pipelines",
            "DAGS": shutil.copytree(ROOT / "dags", home / "dags", ignore=shutil.ignore_patterns("__pycache__")),
            "PLUGINS": ROOT / "plugins",
            "AIRFLOW_PORT": airflow,
            "MLFLOW_PORT": mlflow,
        }.items():
            patch.setenv(f"MLSYS_{name}", str(value))
        with open_workspace() as work:
            pipeline.run(work, RunRequest("shop", day=day(9), approval=False))
        yield load_settings()


@pytest.fixture(scope="module")
def access(settings: Settings) -> Iterator[stack.Access]:
    try:
        found = stack.up(settings, progress=lambda _: None)
        with stack.connect(settings) as api:
            for dag_id in (DAG, "rollback"):
                api.wait_for_dag(dag_id, seconds=180)
                api.pause(dag_id, paused=False)
        yield found
    finally:
        stack.down(settings, progress=lambda _: None)


@pytest.fixture(scope="module")
def dry_run(settings: Settings, access: stack.Access) -> str:
    """A run of Airflow that came to its end and changed nothing."""
    with stack.connect(settings) as api:
        run_id = api.trigger(DAG, conf={"day": str(day(10)), "mode": "dry"})
        assert api.wait_for_run(DAG, run_id, seconds=240)["state"] == "success"
    return run_id


@pytest.fixture(scope="module")
def visit(browser: Browser, access: stack.Access) -> Iterator[Visit]:
    """A logged-in browser window."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(PAGE_MS)
    made = Visit(context.new_page(), access)
    made.log_in()
    yield made
    context.close()


def champions() -> list[tuple[str, str]]:
    with open_workspace() as work:
        return [(change.version, change.kind) for change in work.ledger.champion_changes("shop")]


def test_a_run_from_airflows_form_is_approved_serves_and_is_rolled_back(visit: Visit) -> None:
    visit.trigger()
    frame = visit.models()
    frame.get_by_text("Waits for a person.").wait_for(timeout=RUN_MS)
    visit.card(frame, "shop").get_by_role("link", name="Decide…").click()
    visit.page.set_viewport_size({"width": 390, "height": 800})
    box = frame.get_by_role("region", name="Shall", exact=False)
    box.get_by_text("holdout rows").first.wait_for()
    assert box.get_by_role("rowheader", name="roc_auc").count() == 1
    assert "1.0.0 serves on" in box.inner_text()
    assert frame.locator("html").evaluate("html => html.scrollWidth <= html.clientWidth")
    visit.answer(frame, "Let it serve", "looks good to me")
    visit.page.set_viewport_size({"width": 1280, "height": 900})
    frame.get_by_text("promoted by admin").first.wait_for(timeout=RUN_MS)
    assert "1.0.1" in visit.card(visit.models(), "shop").inner_text()

    frame = visit.one()
    frame.get_by_role("button", name="Let it serve again…").first.click()
    dialog = frame.get_by_role("dialog")
    dialog.get_by_role("button", name="Roll back").click()
    assert dialog.is_visible()  # without a reason it is not sent
    dialog.get_by_label("Reason").fill("the new one is worse in the shop")
    dialog.get_by_role("button", name="Roll back").click()
    visit.answer(frame, "Roll back", "yes, back")
    frame.get_by_text("brought back").first.wait_for(timeout=RUN_MS)
    assert champions() == [("1.0.0", "promote"), ("1.0.1", "promote"), ("1.0.0", "rollback")]


def test_a_pipeline_is_held_and_released(visit: Visit) -> None:
    frame = visit.one()
    frame.get_by_role("button", name="Hold…").click()
    dialog = frame.get_by_role("dialog")
    dialog.get_by_role("button", name="Hold").click()
    assert dialog.is_visible()  # without a reason it is not sent
    dialog.get_by_label("Reason").fill("audit week")
    dialog.get_by_role("button", name="Hold").click()
    frame.get_by_text("Held by admin", exact=True).wait_for(timeout=RUN_MS)
    frame.get_by_role("button", name="Release…").click()
    dialog.get_by_label("Reason").fill("it is over")
    dialog.get_by_role("button", name="Release").click()
    frame.get_by_role("button", name="Hold…").wait_for(timeout=RUN_MS)
    with open_workspace() as work:
        assert [(hold.held, hold.who, hold.reason) for hold in work.ledger.holds("shop")] == [
            (True, "admin", "audit week"),
            (False, "admin", "it is over"),
        ]


def test_a_run_from_the_page_is_followed_to_its_end(visit: Visit) -> None:
    frame = visit.models()
    shop = visit.card(frame, "shop")
    shop.get_by_role("button", name="Retrain…").click()
    dialog = frame.get_by_role("dialog")
    dialog.get_by_label("Day of data").fill(str(day(20)))
    dialog.get_by_label("Reason").fill("<b>new</b> data")
    dialog.get_by_role("button", name="Start").click()
    shop.get_by_text("no_data_for_day").wait_for(timeout=RUN_MS)


def test_what_airflow_does_not_allow_is_said_in_the_dialog(visit: Visit) -> None:
    frame = visit.models()
    visit.page.route("**/api/v2/dags/*/dagRuns", lambda route: route.fulfill(status=403, json={"detail": "Forbidden"}))
    visit.card(frame, "shop").get_by_role("button", name="Retrain…").click()
    frame.get_by_role("dialog").get_by_role("button", name="Start").click()
    frame.get_by_role("alert").get_by_text("Airflow does not allow you to do this.").wait_for()
    visit.page.keyboard.press("Escape")
    visit.page.unroute_all()


def test_airflows_navigation_leads_to_the_page_from_outside_and_from_within(visit: Visit) -> None:
    visit.page.goto(visit.access.airflow)
    for _ in range(2):
        visit.navigation().click()
        visit.frame().get_by_role("heading", name="Models", exact=True).wait_for()
        visit.frame().get_by_role("link", name="shop", exact=True).click()
        visit.frame().get_by_role("heading", name="Who served").wait_for()


def test_a_pipeline_that_never_ran_says_what_to_do(visit: Visit) -> None:
    assert "No run yet" in visit.card(visit.models(), "later").inner_text()


def test_the_list_is_filtered_by_words_and_by_state_and_stays_so(visit: Visit) -> None:
    frame = visit.models()
    shop, later = visit.card(frame, "shop"), visit.card(frame, "later")
    frame.get_by_role("searchbox").fill("lat")
    later.wait_for()
    assert not shop.is_visible()
    visit.page.reload()
    later.wait_for()
    assert not shop.is_visible()
    frame.get_by_role("searchbox").fill("nothing is called so")
    frame.get_by_role("button", name="Show all").click()
    assert shop.is_visible()
    frame.get_by_role("button", name="1 never ran").click()
    assert not shop.is_visible()
    frame.get_by_role("button", name="1 never ran").click()
    assert shop.is_visible()


def test_who_served_today_is_told(visit: Visit) -> None:
    frame = visit.one()
    with open_workspace() as work:
        made = work.ledger.champion_changes("shop")[-1].at
    assert made is not None
    frame.get_by_label("Who served on this day?").fill(str(made.date()))
    frame.get_by_role("button", name="Show").click()
    frame.locator(".answer p").last.get_by_text("until now").wait_for()
    assert frame.locator(".answer b").first.inner_text() == "1.0.0"


def test_mlflow_report_card_and_dag_run_are_one_click_away(visit: Visit, dry_run: str) -> None:
    frame = visit.one()
    decision = frame.locator("details.decision").filter(has_text="mode dry")
    decision.locator("summary").click()
    with visit.page.expect_popup() as opened:
        decision.get_by_role("link", name="MLflow").click()
    assert opened.value.url.startswith(visit.access.mlflow)
    opened.value.close()
    decision.get_by_role("link", name="Report card").click()
    frame.get_by_role("heading", name="Would be promoted").wait_for()
    here = visit.page.url
    for link in (frame.get_by_role("link", name="The run", exact=True), decision.get_by_role("link", name="DAG run")):
        link.click()  # of the card, and of the page
        visit.page.wait_for_url(lambda url: url.endswith(f"/dags/{DAG}/runs/{quote(dry_run, safe='')}"))
        visit.page.goto(here)
        frame.get_by_role("link", name="shop", exact=True).click()
        decision.locator("summary").click()


def test_data_docs_are_one_click_away_and_lead_back(visit: Visit) -> None:
    frame = visit.one()
    frame.get_by_role("link", name="Data Docs").click()
    frame.get_by_role("heading", name="Data Docs of shop").wait_for()
    frame.get_by_role("link", name="Models", exact=True).click()
    frame.get_by_role("heading", name="Models", exact=True).wait_for()


def test_a_page_of_the_frame_has_an_address_that_can_be_opened_again(visit: Visit) -> None:
    visit.one()
    visit.page.wait_for_url("**/plugin/mlsys/mlsys/pipelines/shop")
    visit.page.reload()
    visit.frame().get_by_role("heading", name="Who served").wait_for()


def test_a_task_has_buttons_for_what_its_run_made(visit: Visit, dry_run: str) -> None:
    page = visit.page
    page.goto(f"{visit.access.airflow}/dags/{DAG}/runs/{quote(dry_run, safe='')}/tasks/decide/details")
    for name in ("Data Docs", "MLflow"):
        page.get_by_role("link", name=name, exact=True).wait_for()
    page.get_by_role("link", name="Report card", exact=True).click()
    visit.frame().get_by_role("heading", name="Would be promoted").wait_for()


def test_a_tab_beside_airflows_list_of_runs_has_their_days_and_outcomes(visit: Visit, dry_run: str) -> None:
    visit.page.goto(f"{visit.access.airflow}/dags/{DAG}/runs")
    listed = visit.page.get_by_role("row").filter(has_text=dry_run)
    listed.get_by_role("button", name="Note").click()
    visit.page.get_by_role("dialog").get_by_text("mlsys:").wait_for()
    visit.page.keyboard.press("Escape")
    visit.page.get_by_role("link", name="Outcomes", exact=True).click()
    frame = visit.page.frame_locator('iframe[title="Outcomes"]')
    row = frame.get_by_role("row").filter(has_text=str(day(10))).filter(has_text="dry").first
    assert row.get_by_text("passes the gates").count() == 1
    row.get_by_role("link", name="DAG run").click()
    visit.page.wait_for_url(f"**/dags/{DAG}/runs/{quote(dry_run, safe='')}*")


def test_the_page_is_dark_when_airflow_is(visit: Visit) -> None:
    frame = visit.models()

    def lightness() -> float:
        found = frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        return float(re.findall(r"[\d.]+", str(found))[0])

    assert lightness() > 0.9
    visit.page.evaluate("localStorage.setItem('theme', 'dark')")
    frame.locator('html[data-theme="dark"]').wait_for()
    assert lightness() < 0.3
    visit.page.evaluate("localStorage.setItem('theme', 'light')")


def test_the_keyboard_opens_and_closes_a_dialog_and_comes_back_to_its_button(visit: Visit) -> None:
    frame = visit.models()
    button = visit.card(frame, "shop").get_by_role("button", name="Retrain…")
    button.focus()
    visit.page.keyboard.press("Enter")
    frame.get_by_role("dialog").get_by_label("Day of data").wait_for()
    visit.page.keyboard.press("Escape")
    assert button.evaluate("button => document.activeElement === button")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 800})
    for frame in (visit.models(), visit.one()):
        assert frame.locator("html").evaluate("html => html.scrollWidth <= html.clientWidth")
    visit.page.set_viewport_size({"width": 1280, "height": 900})


def test_a_session_that_ended_leads_to_the_login_and_back(visit: Visit) -> None:
    frame = visit.models()
    visit.page.context.clear_cookies()
    frame.get_by_role("link", name="shop", exact=True).click()
    frame.locator("input[name=username]").fill(visit.access.login)
    frame.locator("input[name=password]").fill(visit.access.password)
    frame.get_by_role("button", name="Sign in").click()
    frame.get_by_role("heading", name="Who served").wait_for()


def test_no_script_fails_and_nothing_comes_from_elsewhere(visit: Visit) -> None:
    visit.one()
    assert visit.wrong == []
    ours = {urlsplit(address).netloc for address in (visit.access.airflow, visit.access.mlflow)}
    assert visit.hosts - {""} <= ours


def test_a_champion_below_its_own_minimum_and_old_data_are_said(visit: Visit, settings: Settings) -> None:
    assert visit.card(visit.models(), "shop").get_by_text("below its minimum").count() == 0
    minimum = {"kind": "minimum", "metric": "roc_auc", "at_least": 0.9999}
    edit_spec(settings.pipelines, gates=["min_rows", minimum, {"kind": "freshness", "max_age": "3d"}])
    shop = visit.card(visit.models(), "shop")
    shop.get_by_text("the spec wants at least 0.9999").wait_for()
    assert shop.get_by_text("old", exact=True).count() == 1
    assert visit.one().get_by_text("old", exact=True).count() == 2
    edit_spec(settings.pipelines, gates=["min_rows"])


def test_a_paused_dag_is_said_where_its_pipeline_is(visit: Visit, settings: Settings) -> None:
    with stack.connect(settings) as api:
        api.pause(DAG, paused=True)
        frame = visit.models()
        visit.card(frame, "shop").get_by_text("Its DAG is paused").wait_for()
        assert visit.card(frame, "later").get_by_text("Its DAG is paused").count() == 0
        assert [found.subject for found in operating._stack(settings) if not found.ok] == [f"dag {DAG}"]
        api.pause(DAG, paused=False)
    assert all(found.ok for found in operating._stack(settings))


def test_a_dag_that_airflow_cant_read_any_more_is_said(visit: Visit, settings: Settings) -> None:
    file = settings.dags / "retrain.py"
    before = file.read_text(encoding="utf-8")
    file.write_text(f"{before}\nraise RuntimeError('half an upgrade')\n", encoding="utf-8")
    try:
        wait(lambda: visit.reads("shop", "Airflow does not know its DAG: no run starts"), seconds=200)
        (found,) = [found for found in operating._stack(settings) if not found.ok]
        assert "retrain.py" in found.subject
        assert "half an upgrade" in found.sentence
    finally:
        file.write_text(before, encoding="utf-8")
    wait(lambda: not visit.reads("shop", "Airflow does not know its DAG: no run starts"), seconds=200)


def test_a_dead_dag_processor_and_a_dag_that_it_never_read_are_said(visit: Visit, settings: Settings) -> None:
    processor = next(part for part in stack.status(settings) if part.name == "dag-processor")
    assert processor.pid is not None
    os.killpg(processor.pid, signal.SIGKILL)
    shop = (settings.pipelines / "shop.yaml").read_text(encoding="utf-8")
    new = settings.pipelines / "unseen.yaml"
    new.write_text(shop.replace("pipeline: shop", "pipeline: unseen"), encoding="utf-8")
    try:
        with stack.connect(settings) as api:
            wait(lambda: api.health()["dag_processor"] != "healthy", seconds=120)
        frame = visit.models()
        frame.get_by_role("alert").get_by_text("Airflow's dag-processor is not running.").wait_for()
        visit.card(frame, "unseen").get_by_text("Airflow does not know its DAG: no run starts").wait_for()
        assert visit.card(frame, "later").get_by_text("does not know").count() == 0
    finally:
        new.unlink()
        stack.up(settings, progress=lambda _: None)


def test_a_dead_scheduler_is_said_above_everything(visit: Visit, settings: Settings) -> None:
    scheduler = next(part for part in stack.status(settings) if part.name == "scheduler")
    assert scheduler.pid is not None
    os.killpg(scheduler.pid, signal.SIGKILL)
    with stack.connect(settings) as api:
        wait(lambda: api.health()["scheduler"] != "healthy", seconds=120)
    frame = visit.models()
    frame.get_by_role("alert").get_by_text("Airflow's scheduler is not running. No run starts").wait_for()
    stack.up(settings, progress=lambda _: None)
    with stack.connect(settings) as api:
        wait(lambda: api.health()["scheduler"] == "healthy", seconds=120)
    assert visit.models().get_by_role("alert").filter(has_text="not running").count() == 0
