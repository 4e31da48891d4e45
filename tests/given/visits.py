"""A person in front of Airflow's pages: a Chromium, real clicks."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from mlsys.orchestration.stack import stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Locator, Page

DAG = "retrain_shop"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
RUN_MS = 180_000  # a run on a busy machine
PAGE_MS = 60_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a Chromium; without one the test is skipped."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed here")
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with sync_api.sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        if found is None and not own.exists():
            pytest.skip("no Chromium here: install one (Debian: apt-get install chromium) to run the browser test")
        # Its own sandbox refuses to start as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        launched = playwright.chromium.launch(executable_path=found or own, args=arguments)
        yield launched
        launched.close()


class Visit:
    """A person in front of Airflow's pages."""

    def __init__(self, page: Page, access: stack.Access) -> None:
        self.page = page
        self.access = access
        self.hosts: set[str] = set()
        self.wrong: list[str] = []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def log_in(self) -> None:
        self.page.goto(self.access.airflow)
        self.page.fill("input[name=username]", self.access.login)
        self.page.fill("input[name=password]", self.access.password)
        self.page.get_by_role("button", name="Sign in").click()
        self.navigation().wait_for()

    def frame(self) -> FrameLocator:
        """Return the frame in which Airflow shows our pages."""
        return self.page.frame_locator('iframe[title="Models"]')

    def models(self) -> FrameLocator:
        """Open the page of all pipelines."""
        self.page.goto(f"{self.access.airflow}/plugin/mlsys")
        self.frame().get_by_role("heading", name="Models", exact=True).wait_for()
        return self.frame()

    def one(self) -> FrameLocator:
        """Open the page of the shop."""
        frame = self.models()
        frame.get_by_role("link", name="shop", exact=True).click()
        frame.get_by_role("heading", name="Who served").wait_for()
        return frame

    def card(self, frame: FrameLocator, name: str) -> Locator:
        """Return what the page of all pipelines shows of one."""
        return frame.get_by_role("rowgroup", name=name, exact=True)

    def reads(self, name: str, text: str) -> bool:
        """Return whether the page of all pipelines says so of one, once Airflow has answered it."""
        frame = self.models()
        frame.locator("body").evaluate("() => new Promise(done => setTimeout(done, 3000))")
        return self.card(frame, name).get_by_text(text).count() == 1

    def navigation(self) -> Locator:
        """Return Airflow's own link to the page."""
        return self.page.get_by_role("link", name="Models", exact=True)

    def answer(self, frame: FrameLocator, choice: str, reason: str) -> None:
        """Answer the run that waits for a person."""
        frame.get_by_role("button", name=f"{choice}…").click(timeout=RUN_MS)
        dialog = frame.get_by_role("dialog")
        dialog.get_by_label("Reason").fill(reason)
        dialog.get_by_role("button", name="Send").click()

    def trigger(self) -> None:
        """Start a run with Airflow's own form."""
        self.page.goto(f"{self.access.airflow}/dags/{DAG}")
        self.page.get_by_role("button", name="Trigger").first.click()
        self.page.get_by_role("dialog").get_by_role("button", name="Trigger").last.click()
        self.page.wait_for_url(re.compile(r"/runs/"))
