"""A column of classes: which row is of which, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Labels:
    """A target column as codes.

    Attributes:
        codes: `(n_rows,)` int64 positions in `names`, -1 for a missing label (NaN counts as missing).
        names: the classes as text: `phishing`, `True`, `-1`; a whole number has no decimal point.
    """

    codes: np.ndarray
    names: tuple[str, ...]
    kind: Literal["text", "boolean", "number"]

    def counts(self, mask: np.ndarray) -> dict[str, int]:
        """Return `{class: rows}` of the labelled rows in `mask`, by name, without empty classes."""
        codes = self.codes[mask]
        found = np.bincount(codes[codes >= 0], minlength=len(self.names))
        return {name: int(n) for name, n in sorted(zip(self.names, found, strict=True)) if n}

    def resolve(self, positive: str) -> str:
        """Return the class that `positive` names: of numbers also by `1.0`, of booleans also by `true`."""
        if self.kind == "boolean":
            return positive.capitalize()
        if self.kind == "number":
            try:
                return _text(float(positive)) or positive
            except ValueError:
                return positive
        return positive

    def binary(self, positive: str) -> np.ndarray:
        """Return `(n_rows,)` int8: 1 for the class named `positive`, 0 for another, -1 for no label."""
        is_positive = np.array([name == positive for name in self.names] + [False])
        return np.where(self.codes < 0, -1, is_positive[self.codes]).astype(np.int8)


def labels_of(column: pa.ChunkedArray) -> Labels:
    """Return the labels of a column of text, booleans, integers or numbers."""
    encoded = pc.dictionary_encode(column.combine_chunks())
    values = encoded.dictionary.to_pylist()
    texts = [_text(value) for value in values]
    names = tuple(sorted({text for text in texts if text is not None}))
    places = {name: place for place, name in enumerate(names)}
    codes = np.array([places[text] if text is not None else -1 for text in texts] + [-1], dtype=np.int64)
    indices = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return Labels(codes[indices], names, _kind(column.type))


def _text(value: object) -> str | None:
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    return None if value is None else str(value)


def _kind(arrow: pa.DataType) -> Literal["text", "boolean", "number"]:
    if pa.types.is_boolean(arrow):
        return "boolean"
    return "number" if pa.types.is_integer(arrow) or pa.types.is_floating(arrow) else "text"
