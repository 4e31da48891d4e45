"""The table of gates."""

from mlsys.gates.base import Gate
from mlsys.components import Table

GATES = Table("gate", "mlsys.gates", Gate, [])
