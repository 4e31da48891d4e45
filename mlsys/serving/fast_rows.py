"""JSON's values as numbers and texts of the declared types, without pandas where they are of these types already.

Whatever else a row holds (a number as text, a truth value as 0 or 1, a number that float64 has not) is read by
`Champion.prepare`, as in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsys.schema import ColumnSpec
from mlsys.serving.column_rows import ColumnRows
from mlsys.serving.plain_path import JsonRows, frame_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.serving.champion import Champion

_NUMBERS: dict[str, frozenset[type]] = {
    "integer": frozenset({int, float, type(None)}),
    "number": frozenset({int, float, type(None)}),
    "boolean": frozenset({bool, type(None)}),
}
_TEXTS = frozenset({str, type(None)})
_EXACT = 2.0**53  # whole numbers up to here are the same in float64


@dataclass(frozen=True)
class ReadValues:
    """JsonRows in the types that models take.

    Attributes:
        numbers: `(n_rows, n_numeric)` float64, NaN for missing, columns in the order of `RowReader.numeric`.
        texts: of each other column `(n_rows,)` str, None for missing.
    """

    numbers: np.ndarray
    texts: Mapping[str, list[str | None]]

    def __len__(self) -> int:
        return len(self.numbers)

    def part(self, begin: int, end: int) -> ReadValues:
        """Return some of the rows."""
        return ReadValues(self.numbers[begin:end], {name: texts[begin:end] for name, texts in self.texts.items()})


class RowReader:
    """Reads rows of a champion's features."""

    def __init__(self, champion: Champion) -> None:
        self.champion = champion
        self.numeric = tuple(name for name, column in champion.features.items() if column.type in _NUMBERS)
        self._kinds = [(name, _NUMBERS[champion.features[name].type]) for name in self.numeric]
        self._whole = [i for i, name in enumerate(self.numeric) if champion.features[name].type == "integer"]
        self._textual = [
            (name, column.stripped, frozenset(column.nulls))
            for name, column in champion.features.items()
            if column.type not in _NUMBERS
        ]

    def read(self, rows: JsonRows) -> ReadValues:
        """Return what the rows hold.

        Raises:
            DataError: a value can't be read as its column's type.
        """
        found = self._plain(rows)
        return self.of_frame(self.champion.prepare(frame_of(self.champion, rows))) if found is None else found

    def of_frame(self, prepared: pd.DataFrame) -> ReadValues:
        """Return what a prepared frame holds."""
        numbers = prepared[list(self.numeric)].to_numpy("float64")
        return ReadValues(numbers, {name: prepared[name].tolist() for name, _, _ in self._textual})

    def _plain(self, rows: JsonRows) -> ReadValues | None:
        """Return the rows' values where all are of the declared types as JSON has them, else None."""
        import numpy as np

        given = ColumnRows.of(rows, self.champion.features).columns
        columns = [given[name] for name in self.numeric]
        if not all(kinds.issuperset(map(type, given[name])) for name, kinds in self._kinds):
            return None
        try:
            numbers = np.array(columns, dtype="float64").reshape(len(columns), len(rows)).T
        except OverflowError:
            return None
        if (np.abs(numbers) > _EXACT).any():
            return None
        if self._whole:
            whole = numbers[:, self._whole]
            if (whole != np.rint(whole)).sum() != np.isnan(whole).sum():
                return None
        texts = {}
        for name, stripped, nulls in self._textual:
            read = read_texts(given[name], stripped, nulls)
            if read is None:
                return None
            texts[name] = read
        return ReadValues(numbers, texts)


def read_texts(values: list[Any], stripped: bool, nulls: frozenset[str]) -> list[str | None] | None:
    """Return texts without blanks around them, None for missing; None where there are values of other types."""
    kinds = set(map(type, values))
    if not kinds <= _TEXTS:
        return None
    there = [text for text in values if text is not None] if type(None) in kinds else values
    together = "".join(there)
    if not together.isascii() and not _is_unicode(together):
        return None
    found = [text if text is None else text.strip() for text in values] if stripped else values
    return found if nulls.isdisjoint(found) else [None if text in nulls else text for text in found]


def _is_unicode(text: str) -> bool:
    """Return whether a text can be written down: JSON may hold one half of a pair of surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def given_rows(features: Mapping[str, ColumnSpec], prepared: pd.DataFrame) -> list[dict[str, Any]]:
    """Return prepared rows as JSON would have them: no value for missing, truth values, whole numbers."""
    columns = []
    for name, column in features.items():
        values = [None if value is None or value != value else value for value in prepared[name].tolist()]
        of = {"boolean": bool, "integer": int}.get(column.type)
        columns.append(values if of is None else [None if value is None else of(value) for value in values])
    return [dict(zip(features, values, strict=True)) for values in zip(*columns, strict=True)]
