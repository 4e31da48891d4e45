"""The columns that a label is made of: most labels are one column, some need more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class LabelColumns:
    """Columns by the key of the target that names them, the target's own first.

    Attributes:
        hidden: those among them that are no features.
        unit: the column whose rows of one value are never divided between sides of a split, or None.
    """

    named: Mapping[str, str]
    hidden: tuple[str, ...]
    unit: str | None = None

    @property
    def names(self) -> list[str]:
        """The columns, each once."""
        return list(dict.fromkeys(self.named.values()))

    def of(self, table: pa.Table) -> pa.ChunkedArray:
        """Return the column of a table, or one struct per row where there are more."""
        names = self.names
        return table[names[0]] if len(names) == 1 else table.select(names).to_struct_array()
