"""What a flaw may look at: the rows of a run, some of them column by column, and what models say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mlsys.flaws.digests import Digests
from mlsys.metrics.predictions import Predictions
from mlsys.schema import LogicalType

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LEAST_ROWS = 100  # labelled rows below which single columns are not judged
LEAST_OF_CLASS = 20
ENOUGH_NEW = 60  # of the newest rows, to hold against the older ones
MOST_CLASSES = 10  # the largest, each of which is held against the rest


@dataclass(frozen=True)
class LabelledRows:
    """Some rows; all arrays are `(n_rows,)` in one order.

    Attributes:
        frame: `(n_rows, n_columns)` features: float64 with NaN, or objects (str or None).
        y: int64 class codes, -1 without a label; or float64, NaN without one.
        side: int8 side of the split, 0 for none.
        day: datetime64[D].
        key: uint64 hash of each row's key.
    """

    frame: pd.DataFrame
    y: np.ndarray
    side: np.ndarray
    day: np.ndarray
    key: np.ndarray

    def where(self, mask: np.ndarray) -> LabelledRows:
        """Return the rows of a mask."""
        frame = self.frame[mask].reset_index(drop=True)
        return LabelledRows(frame, self.y[mask], self.side[mask], self.day[mask], self.key[mask])


@dataclass(frozen=True)
class Truths:
    """Keys and labels of all rows of a reading, `(n_rows,)` each; `classes` names the codes."""

    key: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Answers:
    """What one model says of the rows that it is judged on.

    Attributes:
        measure: of predictions the primary metric, None where it is undefined.
        metric: its name for people.
    """

    validation: Predictions | None
    holdout: Predictions
    measure: Callable[[Predictions], float | None]
    metric: str


@dataclass(frozen=True)
class FeatureValues:
    """A column of the sample.

    Attributes:
        numbers: `(n_rows,)` float64, NaN where missing; None of a column of texts.
        codes: `(n_rows,)` whole numbers of the different values, -1 where missing.
        n_distinct: different values.
    """

    name: str
    type: LogicalType
    numbers: np.ndarray | None
    codes: np.ndarray
    n_distinct: int

    @property
    def known(self) -> np.ndarray:
        """`(n_rows,)` bool: the rows that have a value."""
        found: np.ndarray = self.codes >= 0
        return found


@dataclass(frozen=True)
class Inspected:
    """The rows of a run.

    Attributes:
        types: the features, by name.
        texts: those of them that are taken apart as text.
        classes: names of the class codes; empty where labels are numbers.
        timed: rows have times of their own; else their days only say when they were read.
        sample: labelled rows on a side of the split, drawn with a fixed seed, of the newest day more
            than its share.
        unlabelled: rows whose label is not known at the cutoff, some of them.
        digests: of all rows on a side, in the snapshot's order.
        truths: of the same rows; `before` of rows that an earlier run read otherwise, None without such a run.
        past: of the earlier run's rows some, where the source has no times; else None.
        holdout_day: `(n_holdout,)` datetime64[D] of the rows that models were judged on, in their order.
        challenger, champion: what they say of the holdout; None where there is none, or none that can be scored.
        trusted: columns that may tell the label by themselves.
    """

    types: Mapping[str, LogicalType]
    texts: frozenset[str]
    classes: tuple[str, ...]
    timed: bool
    sample: LabelledRows
    unlabelled: LabelledRows
    digests: Digests
    truths: Truths
    holdout_day: np.ndarray
    before: Truths | None = None
    past: LabelledRows | None = None
    challenger: Answers | None = None
    champion: Answers | None = None
    trusted: frozenset[str] = frozenset()
    _seen: dict[str, FeatureValues] = field(default_factory=dict, compare=False, repr=False)

    def columns(self) -> Iterator[FeatureValues]:
        """Yield the features that are not taken apart as text, over the sample."""
        for name in self.types:
            if name not in self.texts:
                yield self.values(name)

    def values(self, name: str) -> FeatureValues:
        """Return a column of the sample."""
        import numpy as np
        import pandas as pd

        if name not in self._seen:
            column = self.sample.frame[name]
            codes, different = pd.factorize(column)
            numbers = column.to_numpy(dtype=np.float64) if column.dtype.kind == "f" else None
            self._seen[name] = FeatureValues(name, self.types[name], numbers, codes, len(different))
        return self._seen[name]

    @cached_property
    def one_against_rest(self) -> dict[str, np.ndarray]:
        """By class `(n_sampled,)` float64, 1 for its rows, of classes with enough rows; of two classes one is enough.

        Labels that are numbers give nothing.
        """
        import numpy as np

        y = self.sample.y
        counts = np.bincount(y, minlength=len(self.classes)) if self.classes and len(y) else np.zeros(0, int)
        enough = [
            c for c in np.argsort(-counts, kind="stable") if LEAST_OF_CLASS <= counts[c] <= len(y) - LEAST_OF_CLASS
        ]
        if len(enough) == 2 and (counts > 0).sum() == 2:
            enough = enough[1:]  # the rarer one
        return {self.classes[c]: (y == c).astype(np.float64) for c in enough[:MOST_CLASSES]}

    @cached_property
    def judgeable(self) -> bool:
        """Whether the sample has labels enough to judge single columns by."""
        import numpy as np

        enough = len(self.sample.y) >= LEAST_ROWS
        if self.classes:
            return enough and bool(self.one_against_rest)
        return enough and bool(np.ptp(self.sample.y) > 0)

    @cached_property
    def newest(self) -> np.ndarray:
        """`(n_sampled,)` bool: rows of the last day, or of as many days as hold 60; none where rows have no times."""
        import numpy as np

        day = self.sample.day
        if not self.timed or len(day) < 2 * ENOUGH_NEW:
            return np.zeros(len(day), dtype=bool)
        return np.asarray(day >= np.sort(day)[-ENOUGH_NEW])

    @cached_property
    def change(self) -> tuple[LabelledRows, LabelledRows] | None:
        """Older rows, and those to hold against them: the newest, or all where an earlier reading is known."""
        if self.timed:
            return self.sample.where(~self.newest), self.sample.where(self.newest)
        return None if self.past is None else (self.past, self.sample)
