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
        for row in rows:
            for name, value in row.items():
                what = self._what(name, value)
                if what is not None:
                    counts = found.setdefault(what, {})
                    counts[name] = counts.get(name, 0) + 1
        return found

    def _what(self, name: str, value: Any) -> str | None:
        if value is None:
            return "missing"
        limits = self.limits.get(name)
        if limits is not None:
            return "out_of_range" if type(value) in _NUMBERS and not limits[0] <= value <= limits[1] else None
        values = self.values.get(name)
        if values is None or value in values:
            return None
        if True in values or False in values:
            return "unseen" if type(value) is bool else None
        text = str(value).strip()  # blanks around a category do not count
        return None if text in values or not text else "unseen"


_NUMBERS = frozenset({int, float})


def _given(value: Any, column: ColumnSpec) -> Any:
    """Return a golden value, which is a float64 or a text, as a request has it."""
    if value is None or column.type not in ("boolean", "integer"):
        return value
    return bool(value) if column.type == "boolean" else int(value)
