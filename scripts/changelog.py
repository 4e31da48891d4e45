"""Gathers the fragments of changelog.d/ into CHANGELOG.md.

`make changelog` writes what is not released yet; `check_changelog.py` holds it to the fragments. `make changelog
RELEASE=1.2.0` gives that part the version and the day, and removes the fragments.
"""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path

from findings import ROOT

PAGE, FRAGMENTS = "CHANGELOG.md", "changelog.d"
BEGIN, END = "<!-- made by `make changelog`: begin -->\n", "<!-- made by `make changelog`: end -->\n"
KINDS = {"added": "Added", "changed": "Changed", "fixed": "Fixed", "removed": "Removed"}
_NAME = re.compile(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md")
_INTRODUCTION = """# Changelog

What users and operators can see, by release; [upgrading](docs/upgrading.md) says how to get there.

"""


def fragments(root: Path) -> list[Path]:
    """Return the fragments below `root` by name; the folder's own README is none."""
    return sorted(path for path in (root / FRAGMENTS).glob("*.md") if path.name != "README.md")


def misnamed(path: Path) -> bool:
    """Whether a fragment's name is not `<subject>.<kind>.md`, so that nobody knows where it belongs."""
    return _NAME.fullmatch(path.name) is None


def gathered(found: list[Path]) -> str:
    """Return the fragments as lists by kind, one item each."""
    parts = []
    for kind, title in KINDS.items():
        items = [path for path in found if not misnamed(path) and path.name.split(".")[1] == kind]
        if items:
            lines = [f"- {' '.join(path.read_text(encoding='utf-8').split())}\n" for path in items]
            parts.append(f"### {title}\n\n{''.join(lines)}")
    return "\n".join(parts)


def page_with(text: str, found: list[Path]) -> str:
    """Return the changelog with its part of what is not released yet made anew; releases stay as they are."""
    before, mark, rest = text.partition(BEGIN)
    released = rest.partition(END)[2]
    new = gathered(found)
    return (
        (before if mark else _INTRODUCTION) + BEGIN + (f"## Not released yet\n\n{new}" if new else "") + END + released
    )


def released(text: str, found: list[Path], title: str) -> str:
    """Return the changelog with a release that has all fragments, and nothing that is not released.

    Raises:
        ValueError: there is no fragment, or the title stands there already.
    """
    new = gathered(found)
    if not new or f"\n## {title.split(maxsplit=1)[0]} " in text:
        raise ValueError(f"There is nothing to release as {title}: no fragment, or that version is out")
    head, _, earlier = page_with(text, []).partition(END)
    return f"{head}{END}\n## {title}\n\n{new}{earlier}"


def main() -> None:
    """Write the changelog."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", metavar="VERSION", help="make a release of the fragments, and remove them")
    version = parser.parse_args().release
    page = ROOT / PAGE
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    found = fragments(ROOT)
    if version is None:
        page.write_text(page_with(text, found), encoding="utf-8")
        return
    page.write_text(released(text, found, f"{version} ({datetime.now(UTC):%Y-%m-%d})"), encoding="utf-8")
    for path in found:
        path.unlink()


if __name__ == "__main__":
    main()
