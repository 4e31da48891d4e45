"""Writes the pages that are made from code: the spec reference, the command line, the Python interface.

`make reference` writes all three; `check_reference.py` holds them to the code.
"""

from __future__ import annotations

import reference_commands
import reference_python
import reference_spec
from findings import ROOT

PAGES = {module.PAGE: module.page for module in (reference_spec, reference_commands, reference_python)}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
