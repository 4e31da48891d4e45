"""CHANGELOG.md has every fragment of changelog.d/, and every fragment a name that says where it belongs."""

from __future__ import annotations

import sys
from pathlib import Path

import changelog
from findings import Finding, main

REMEDY = "make changelog"


def check(root: Path) -> list[Finding]:
    """Return what of the changelog below `root` is not what the fragments give."""
    found = changelog.fragments(root)
    wrong = [path for path in found if changelog.misnamed(path)]
    findings = [Finding(path, 1, "no <subject>.<kind>.md", f"a kind of {', '.join(changelog.KINDS)}") for path in wrong]
    page = root / changelog.PAGE
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    if text != changelog.page_with(text, found):
        findings.append(Finding(page, 1, "it does not say what the fragments say", REMEDY))
    return findings


if __name__ == "__main__":
    sys.exit(main(check))
