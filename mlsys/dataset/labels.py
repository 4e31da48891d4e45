"""The target column: its classes by name, and which of them is positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsys.errors import DataError, near_match, nearest
from mlsys.spec import Spec
from mlsys.wording import counted


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


def require_two_classes(labels: Labels, mask: np.ndarray, spec: Spec) -> None:
    """Refuse labels of the rows of `mask` that are not of two classes, the positive one and another.

    Raises:
        DataError: no labels, not exactly two classes, or the positive one is not among them.
    """
    counts = labels.counts(mask)
    where = f"column {spec.target.column}"
    shown = ", ".join(f"'{name}' ({counted(n, 'row')})" for name, n in list(counts.items())[:10])
    if not counts:
        raise DataError("No row has a label", where=where, remedy="See whether labels arrive before the cutoff")
    if len(counts) == 1:
        raise DataError(
            f"All labelled rows are of one class: {shown}", where=where, remedy="Take in rows of the other class too"
        )
    if len(counts) > 2:
        more = ", ..." if len(counts) > 10 else ""
        raise DataError(
            f"The target has {len(counts)} classes, and two are supported: {shown}{more}",
            where=where,
            remedy="Quarantine stray values by a check of kind `in_set`, or derive a column with two classes",
        )
    positive = labels.resolve(spec.target.positive)
    if positive not in counts:
        raise DataError(
            f"The positive class '{spec.target.positive}' does not occur. {near_match(positive, counts)}",
            where=where,
            remedy=_remedy(spec.target.positive),
            misspelt=(spec.target.positive, nearest(positive, counts)),
        )


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


def _remedy(positive: str) -> str:
    if positive in ("True", "False"):
        return "Set `target.positive`; YAML reads a bare yes, no, on or off as a truth value: quote it"
    return "Set `target.positive` to one of the classes"
