"""Every page of docs/ is reached from the README; links between pages, and names of Python, lead somewhere."""

from __future__ import annotations

import pkgutil
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "changelog.d" / "README.md"]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAME = re.compile(r"`(mlsys\.[\w.]*\w)")


def links(page: Path) -> list[str]:
    """Return what a page links to here, addresses elsewhere left out; code is no text."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [link for link in _LINK.findall(text) if "://" not in link]


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in links(page):
        name, _, place = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not place or place in anchors(target), link


def test_the_readme_leads_to_every_page() -> None:
    reached = {(ROOT / link.partition("#")[0]).resolve() for link in links(ROOT / "README.md")}
    pages = set((ROOT / "docs").glob("*.md")) | {ROOT / "CHANGELOG.md"}
    assert {page.name for page in pages - reached} == set()


@pytest.mark.slow
def test_names_of_python_on_the_pages_are_names_of_mlsys() -> None:
    """What else is written so are tags of MLflow and files, which stand as texts in the code or lie beside it."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "mlsys").rglob("*.py"))
    files = {path.name for path in (ROOT / "include").rglob("mlsys*")}
    for page in PAGES:
        for name in _NAME.findall(page.read_text(encoding="utf-8")):
            assert name in files or f'"{name}' in code or _is_there(name), f"{page.name}: {name}"


def _is_there(name: str) -> bool:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
