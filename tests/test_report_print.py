"""The report card on paper: few pages, nothing folded up, light whatever theme its reader has on the screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from given import records_samples
from given.records_samples import Story

from mlsys.report import card
from mlsys.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

MOST_PAGES = 6
STORIES: tuple[Story, ...] = ("promote", "reject", "error")
# What stands in tables and lists that are folded up on the screen.
FOLDED = ("Checks that passed", "models.3.n_estimators", "Snapshot fingerprint")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the system; Playwright brings only the means to drive it."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    yield opened
    opened.close()


def show(page: Page, folder: Path, story: Story) -> None:
    path = folder / "card.html"
    store = Store(folder / "store")
    path.write_text(card.render(records_samples.card(store, story), store=store), encoding="utf-8")
    page.goto(path.as_uri())


def n_pages(pdf: bytes) -> int:
    return pdf.replace(b"/Type /Pages", b"").count(b"/Type /Page")


@pytest.mark.parametrize("story", STORIES)
def test_a_printed_card_has_few_pages(page: Page, tmp_path: Path, story: Story) -> None:
    show(page, tmp_path, story)
    assert n_pages(page.pdf(prefer_css_page_size=True)) <= MOST_PAGES


def test_what_is_folded_up_on_the_screen_stands_on_paper(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, "promote")
    page.emulate_media(media="print")
    for text in FOLDED:
        assert page.get_by_text(text, exact=False).first.is_visible(), text


def test_paper_is_white_in_a_dark_room(page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, "promote")
    read = "['--bg', '--ink', '--good'].map(n => getComputedStyle(document.documentElement).getPropertyValue(n).trim())"
    page.emulate_media(media="screen", color_scheme="dark")
    on_screen = page.evaluate(read)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(read) == ["#fff", "#000", "#17703f"]
    assert page.evaluate(read) != on_screen
