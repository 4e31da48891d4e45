"""The pages that are made from code say what the code says: spec reference, command line, Python interface."""

from __future__ import annotations

import sys
from pathlib import Path

from findings import Finding, main
from reference_pages import PAGES

REMEDY = "make reference"


def check(root: Path) -> list[Finding]:
    """Return which of the pages below `root` is not what the code gives."""
    findings = []
    for name, page in PAGES.items():
        path = root / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != page():
            findings.append(Finding(path, 1, "the page is not that of the code", REMEDY))
    return findings


if __name__ == "__main__":
    sys.exit(main(check))
