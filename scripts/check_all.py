"""All house rules, one after the other: `make checks`."""

from __future__ import annotations

import sys

import check_architecture
import check_changelog
import check_imports
import check_kinds
import check_lock
import check_names
import check_reference
import check_sizes
import check_tests
from findings import main

if __name__ == "__main__":
    modules = [check_imports, check_names, check_sizes, check_tests, check_kinds]
    modules += [check_architecture, check_reference, check_changelog, check_lock]
    sys.exit(max([main(module.check) for module in modules]))
