"""The drawn architecture is the code's: `docs/architecture.md` and its picture say what the imports say."""

from __future__ import annotations

import sys
from pathlib import Path

import architecture
from findings import Finding, main

REMEDY = "make architecture"


def check(root: Path) -> list[Finding]:
    """Return which of the two files below `root` is not what the imports of mlsys/ give."""
    found = architecture.rooms(root)
    page, svg = root / architecture.PAGE, root / architecture.SVG
    findings = []
    if _text(svg) != architecture.picture(found):
        findings.append(Finding(svg, 1, "the picture is not that of the code", REMEDY))
    if _text(page) != architecture.page_with(_text(page), found):
        findings.append(Finding(page, 1, "the table is not that of the code", REMEDY))
    return findings


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(check))
