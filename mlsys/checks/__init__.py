"""The table of checks."""

from mlsys.checks.base import Check
from mlsys.components import Table

CHECKS = Table("check", "mlsys.checks", Check, [])
