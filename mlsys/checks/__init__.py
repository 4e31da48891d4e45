"""The table of checks."""

from mlsys.checks.base import Check
from mlsys.checks.column_type import OfType
from mlsys.checks.pairs import CompareColumns
from mlsys.checks.uniqueness import Unique, UniqueKey
from mlsys.checks.values import Between, InSet, Length, Matches, NotNull
from mlsys.checks.volume import Recency, RowCount
from mlsys.components import Table

CHECKS = Table(
    "check",
    "mlsys.checks",
    Check,
    [NotNull, Between, InSet, Matches, Length, OfType, Unique, CompareColumns, RowCount, Recency, UniqueKey],
    hints={
        "regex": "matches",
        "pattern": "matches",
        "range": "between",
        "nullability": "not_null",
        "required": "not_null",
        "missing": "not_null",
        "enum": "in_set",
        "allowed_values": "in_set",
        "dtype": "of_type",
        "text_length": "length",
        "duplicates": "unique_key",
        "freshness": "recency",
        "volume": "row_count",
        "cross_column": "compare_columns",
    },
)
