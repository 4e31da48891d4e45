"""How much the Models page takes of a screen, measured by a Chromium; without Airflow, whose frame is narrower."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from given.shop import day, edit_spec
from given.visits import chromium

from mlsys import pipeline
from mlsys.cli.main import invoke
from mlsys.orchestration.page import overview, rendering
from mlsys.orchestration.page.addresses import Places
from mlsys.orchestration.page.overview import Glance
from mlsys.orchestration.page.rendering import May
from mlsys.planning.plan import RunRequest
from mlsys.planning.refused import record_refused
from mlsys.upkeep.standing import StandingState
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLACES = Places("", "/mlsys", "")
ALL = May(retrain=True, answer=True, roll_back=True, hold=True)
STATES: dict[StandingState, int] = {"failed": 2, "waits": 1, "stale": 1, "fine": 29}
WIDTHS = (390, 1216)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1216, "height": 900})
    yield context.new_page()
    context.close()


def show(page: Page, html: str) -> None:
    """Show a page of ours; Airflow, which the page asks afterwards, is not there."""

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/mlsys/":
            route.fulfill(body=html, content_type="text/html")
        elif path.startswith("/mlsys/static/"):
            name = path.rpartition("/")[2]
            kind = "text/css" if name.endswith("css") else "text/javascript"
            route.fulfill(body=rendering.asset(name)[0].decode(), content_type=kind)
        else:
            route.fulfill(status=404, body="{}")

    page.route("**/*", answer)
    page.goto("http://models.test/mlsys/")


def box_of(page: Page, width: int) -> tuple[int, int]:
    """Return width and height of all that is on the page, on a screen so wide."""
    page.set_viewport_size({"width": width, "height": 900})
    size = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    return int(size[0]), int(size[1])


def thirty_three(work: Workspace) -> list[Glance]:
    """Return the shop under as many names, in the states of an ordinary morning."""
    one = overview.glance(work, "shop")
    states = [state for state, number in STATES.items() for _ in range(number)]
    happened = "2026-05-13 02:00 UTC, about 2026-05-12: failed before its run was begun: No such database file."
    return [
        replace(
            one,
            pipeline=f"customers_that_return_{number}",
            waiting=one.judged[-1] if state == "waits" else None,
            standing=replace(
                one.standing,
                state=state,
                happened=happened,
                todo="See why.",
                stale=happened if state == "stale" else None,
            ),
        )
        for number, state in enumerate(states)
    ]


def test_thirty_three_pipelines_fit_two_screens(work: Workspace, page: Page) -> None:
    found = thirty_three(work)
    show(page, rendering.list_page(work, found, dict.fromkeys((each.pipeline for each in found), ALL), PLACES))
    assert page.locator("tbody[data-state]").count() == 33
    assert page.get_by_text("2 failed", exact=True).count() == 1
    width, height = box_of(page, 1216)
    assert width <= 1216
    assert height <= 2 * 900
    assert box_of(page, 390)[0] <= 390


@pytest.mark.usefixtures("logging_as_before")
def test_a_night_whose_source_is_gone_stands_first_in_red_with_its_card(
    work: Workspace, shop: Path, page: Page
) -> None:
    (shop / "shop.db").unlink()
    assert invoke(["run", "shop", "--day", str(day(12))]) == 3
    show(page, rendering.list_page(work, [overview.glance(work, "shop")], {"shop": ALL}, PLACES))
    assert page.get_by_role("button", name="1 failed").is_visible()
    night = page.locator(".notice").filter(has_text="The newest run failed.")
    assert "no such database file" in night.inner_text()
    card = night.get_by_role("link", name="Report card").get_attribute("href")
    assert card is not None
    assert (shop / card.removeprefix("/mlsys/")).is_file()
    assert box_of(page, 390)[0] <= 390


@pytest.mark.parametrize("width", WIDTHS)
def test_outcomes_fit_any_screen_and_a_failure_is_no_green(work: Workspace, shop: Path, page: Page, width: int) -> None:
    asked = RunRequest(
        "shop", partition_key=str(day(12)), request_id="retrain_shop/s1", asked_by="airflow retrain_shop"
    )
    record_refused(work, asked, reason="data_refused", sentence=f"{shop}/shop.db: There is no such database file.")
    show(page, rendering.outcomes_page(work, "shop", PLACES))
    assert box_of(page, width)[0] <= width
    colours = {
        word: page.get_by_text(word, exact=True).evaluate("pill => getComputedStyle(pill).backgroundColor")
        for word in ("failed", "historical", "promoted 1.0.0")
    }
    assert len(set(colours.values())) == 3
    assert page.get_by_role("link", name="DAG run").get_attribute("href") == "/dags/retrain_shop/runs/s1"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_that_waits_is_decided_on_any_screen(work: Workspace, shop: Path, page: Page, width: int) -> None:
    edit_spec(shop / "pipelines", gates=["min_rows"], approval={"required": True, "timeout": "2d"})
    request = RunRequest("shop", day=day(11), request_id="retrain_shop/manual__1", asked_by="airflow retrain_shop")
    start = pipeline.take_snapshot(work, request)
    assert start.plan is not None
    assert start.snapshot is not None
    checks = pipeline.validate(work, start.plan, start.snapshot)
    prepared = pipeline.split(work, start.plan, start.snapshot, checks)
    found = pipeline.evaluate(work, prepared, candidates=pipeline.train_all(work, prepared))
    pipeline.decide(work, prepared, evaluations=found)
    show(page, rendering.pipeline_page(work, overview.detail(work, "shop"), ALL, PLACES, on=None))
    assert box_of(page, width)[0] <= width
    for choice in ("Let it serve…", "1.0.0 serves on…"):
        button = page.get_by_role("button", name=choice).bounding_box()
        assert button is not None
        assert 0 <= button["x"] <= button["x"] + button["width"] <= width
