"""What a model has seen in training, as its release keeps it, and where the rows of a request are like none of that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlsys.registries.files import GOLDEN
from mlsys.schema import ColumnSpec
from mlsys.server.rows import GivenRow
from mlsys.serving.column_rows import ColumnRows


@dataclass(frozen=True)
class TrainedOn:
    """Rows like those a model was trained with.

    Attributes:
        examples: rows of its holdout, as a request would give them; empty of a release of an earlier version.
        columns: what each column held in training: `missing`, and `lowest`, `highest` and `points`, or `values`.
    """

    examples: tuple[dict[str, Any], ...] = ()
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def beside(cls, folder: Path, features: Mapping[str, ColumnSpec]) -> TrainedOn:
        """Return what the folder of a release knows; nothing where its golden rows are gone."""
        try:
            found = json.loads((folder / GOLDEN).read_bytes())
            values = {name: [_given(value, features[name]) for value in found["rows"][name]] for name in features}
        except (OSError, ValueError, LookupError, TypeError):
            return cls()
        rows = (dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True))
        return cls(tuple(rows), found.get("seen", {}))

    def watch(self) -> Watch:
        """Return who looks at rows of requests."""
        numbers = {n: (c["lowest"], c["highest"]) for n, c in self.columns.items() if "lowest" in c}
        values = {n: frozenset(c["values"]) for n, c in self.columns.items() if "values" in c}
        return Watch(numbers, values)

    def values_of(self, column: str) -> list[Any]:
        """Return values that a column had, numbers in their order and categories by their frequency."""
        known = self.columns.get(column, {})
        if "values" in known:
            return list(known["values"])
        there = [row[column] for row in self.examples if row[column] is not None]
        found = [*known.get("points", ()), *there]
        numbers = found and not isinstance(found[0], str)
        return sorted(set(found)) if numbers else list(dict.fromkeys(found))


@dataclass(frozen=True)
class Watch:
    """Counts the values of a request that are missing, out of the range of training, or were never seen there."""

    limits: Mapping[str, tuple[float, float]]
    values: Mapping[str, frozenset[Any]]

    def noticed(self, rows: Sequence[GivenRow]) -> dict[str, dict[str, int]]:
        """Return `{"missing" | "out_of_range" | "unseen": {column: rows}}`, without what there is none of.

        A number or a truth value given as text is not looked at; neither is a category with very many values.
        """
        found: dict[str, dict[str, int]] = {}
        for name, values in ColumnRows.of(rows, rows[0] if rows else ()).columns.items():
            there = [value for value in values if value is not None]
            counts = {"missing": len(values) - len(there)}
            if name in self.limits:
                counts["out_of_range"] = _outside(there, *self.limits[name])
            elif name in self.values:
                counts["unseen"] = _unseen(there, self.values[name])
            for what, n_rows in counts.items():
                if n_rows:
                    found.setdefault(what, {})[name] = n_rows
        return found


def _outside(values: Sequence[Any], lowest: float, highest: float) -> int:
    """Return how many numbers lie outside of limits."""
    if not _NUMBERS.issuperset(map(type, values)):
        values = [value for value in values if type(value) in _NUMBERS]
    if not values or (lowest <= min(values) and max(values) <= highest):
        return 0
    return sum(not lowest <= value <= highest for value in values)


def _unseen(values: Sequence[Any], known: frozenset[Any]) -> int:
    """Return how many truth values or categories are none of the known ones; blanks around these do not count."""
    if True in known or False in known:
        return sum(type(value) is bool and value not in known for value in values)
    others = (str(value).strip() for value in values if value not in known)
    return sum(bool(text) and text not in known for text in others)


_NUMBERS = frozenset({int, float})


def _given(value: Any, column: ColumnSpec) -> Any:
    """Return a golden value, which is a float64 or a text, as a request has it."""
    if value is None or column.type not in ("boolean", "integer"):
        return value
    return bool(value) if column.type == "boolean" else int(value)
