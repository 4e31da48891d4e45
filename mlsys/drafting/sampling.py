"""Sampled rows in their declared types: what columns say about each other, and about the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlsys.drafting.declaring import Column
from mlsys.flaws.association import auc, orderings, rank_correlation
from mlsys.sources.reading.values import logical_values
from mlsys.targets.labels import labels_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from mlsys.drafting.target import TargetFound

_LEAST_ROWS, _LEAST_OF_CLASS = 50, 10
_ALONE = 0.99  # ROC-AUC of one column from which on it knows the answer
_TOGETHER = 0.999  # rank correlation of a number with the target
_MISSING_TELLS = 0.5  # difference of the positive share where a value is missing
_WITH_LABEL = 0.7  # share of the unlabelled rows from which on a column seems to come with the label
_MOST_CLASSES = 10


class Sample:
    """Rows of a table, `n_rows` of them, column by column."""

    def __init__(self, rows: pa.Table, columns: Mapping[str, Column], *, whole: bool) -> None:
        self._rows, self._columns, self._whole = rows, columns, whole
        self._typed: dict[str, Any] = {}

    def values(self, name: str) -> pa.Array:
        """Return the `(n_rows,)` values of a column in its declared type, null where missing or unreadable."""
        import pyarrow as pa

        if name not in self._typed:
            raw = self._rows[name].combine_chunks()
            raw = raw.combine_chunks() if isinstance(raw, pa.ChunkedArray) else raw
            column = self._columns[name].spec
            if column.type == "timestamp" and column.timezone is None:
                column = column.model_copy(update={"timezone": "UTC"})
            self._typed[name] = logical_values(raw, column, name)[0]
        return self._typed[name]

    def precedes(self, first: str, second: str) -> bool:
        """Return whether the times of one column lie before those of another, or at them, in all but a few rows."""
        import pyarrow.compute as pc

        share: float | None = pc.mean(pc.less_equal(self.values(first), self.values(second)).cast("float64")).as_py()
        return share is None or bool(share >= 0.99)

    def unique(self, names: Sequence[str]) -> bool:
        """Return whether no two sampled rows have the same values in these columns."""
        import pyarrow as pa

        if len(names) == 1 and not self._whole:
            return self._columns[names[0]].profile.unique
        table = pa.table({str(place): self._as_plain(name) for place, name in enumerate(names)})
        n_rows: int = table.num_rows
        n_different: int = table.group_by(table.column_names).aggregate([]).num_rows
        return n_different == n_rows

    def spread(self, name: str) -> float:
        """Return the standard deviation of a column of numbers."""
        import pyarrow.compute as pc

        return float(pc.stddev(self.values(name)).as_py() or 0.0)

    def _as_plain(self, name: str) -> pa.Array:
        import pyarrow as pa

        values = self.values(name)
        return values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values

    def leaks(self, target: TargetFound, features: Sequence[str]) -> dict[str, str]:
        """Return the features that know the target, with the reason."""
        judge = _Judge(self, target)
        return {name: reason for name in features if (reason := judge.reason(name))}

    def tell_by_missing(self, target: TargetFound, features: Sequence[str]) -> dict[str, str]:
        """Return the features of which a missing value gives the label away, with a sentence on it."""
        judge = _Judge(self, target)
        return {name: note for name in features if (note := judge.by_missing(name))}


class _Judge:
    """The labelled rows of a sample, against which each column is held."""

    def __init__(self, sample: Sample, target: TargetFound) -> None:
        self._sample, self._target = sample, target

    @cached_property
    def _known(self) -> np.ndarray:
        import numpy as np

        values = self._sample.values(self._target.column.name)
        return np.asarray(values.is_valid().to_numpy(zero_copy_only=False))

    @cached_property
    def _number(self) -> np.ndarray:
        """`(n_labelled,)` float64: the number that is to be predicted."""
        import numpy as np

        values = self._sample.values(self._target.column.name).drop_null()
        return np.asarray(values.cast("float64").to_numpy(zero_copy_only=False))

    @cached_property
    def _classes(self) -> dict[str, np.ndarray]:
        """By class `(n_labelled,)` float64, 1 where a row is of it and else 0: of two the positive one alone."""
        import numpy as np
        import pyarrow as pa

        target = self._target
        labels = labels_of(pa.chunked_array([self._sample.values(target.column.name).drop_null()]))
        largest = sorted(target.counts, key=lambda name: -target.counts[name])[:_MOST_CLASSES]
        named = {
            name: labels.binary(labels.resolve(name)) for name in ([target.positive] if target.positive else largest)
        }
        known = {name: (y == 1).astype(np.float64) for name, y in named.items()}
        return {name: y for name, y in known.items() if min(y.sum(), len(y) - y.sum()) >= _LEAST_OF_CLASS}

    @cached_property
    def _judgeable(self) -> bool:
        return int(self._known.sum()) >= _LEAST_ROWS and bool(self._classes if self._target.counts else True)

    def reason(self, name: str) -> str:
        """Return why a column knows the target, or nothing."""
        if not self._judgeable:
            return ""
        if not self._target.counts:
            scores = self._scores(name, self._number)
            best = max((abs(rank_correlation(score, self._number)) for score in scores), default=0.0)
            return f"a leak? It follows the target: rank correlation {best:.4f}" if best >= _TOGETHER else ""
        # What tells one class of several from the rest is a good feature; a leak tells them all.
        told = (max((auc(y, score) for score in self._scores(name, y)), default=0.5) for y in self._classes.values())
        best = min(told)
        if best >= 1.0:
            return "a leak? It alone tells every row's class"
        return f"a leak? It alone tells the class: ROC-AUC {best:.4f}" if best >= _ALONE else ""

    def by_missing(self, name: str) -> str:
        """Return in words that a missing value gives the label away, or comes with the label, or nothing."""
        import numpy as np

        if not self._judgeable:
            return ""
        everywhere = ~np.asarray(self._sample.values(name).is_valid().to_numpy(zero_copy_only=False))
        missing, unlabelled = everywhere[self._known], everywhere[~self._known]
        if len(unlabelled) >= _LEAST_OF_CLASS and unlabelled.mean() >= _WITH_LABEL and missing.mean() <= 0.01:
            return "missing mostly where the label is: known only afterwards?"
        if not self._target.counts or min(missing.sum(), (~missing).sum()) < _LEAST_OF_CLASS:
            return ""
        shares = [(name, y[~missing].mean(), y[missing].mean()) for name, y in self._classes.items()]
        of, there, absent = max(shares, key=lambda share: abs(share[1] - share[2]))
        if abs(there - absent) < _MISSING_TELLS:
            return ""
        what = "positive" if self._target.positive else f"'{of}'"
        return f"where it is missing {absent:.0%} are {what}, elsewhere {there:.0%}: known only afterwards?".replace(
            "%", " %"
        )

    def _scores(self, name: str, y: np.ndarray) -> Iterator[np.ndarray]:
        """Yield numbers by which a column could order the labelled rows, whose truth is `y`."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        values = self._sample.values(name).filter(pa.array(self._known))
        codes = np.asarray(values.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False))
        numbers = None
        if self._sample._columns[name].type not in ("category", "text"):
            numbers = np.asarray(pc.cast(values, "float64").fill_null(np.nan).to_numpy(zero_copy_only=False))
        # A class may lie between two others.
        yield from orderings(numbers, codes, y, by_bins=len(self._classes if self._target.counts else ()) > 1)
