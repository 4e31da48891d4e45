"""Made-up rows of the rarer class, among the rows that a candidate learns from and nowhere else.

SMOTE (Chawla and others, JAIR 16, 2002) puts a new row somewhere between one of the rarer class and one of its nearest
neighbours; SMOTENC, from the same paper, gives it the category that most neighbours have. The rows here are raw ones,
before any feature is made of them, so that every model learns from them in its own way, and the fitted pipeline
does not need the library that made them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.components import Component
from mlsys.models.optional import optional
from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_NONE = object()  # equal to no value that a column may hold


class Resampling(Component):
    """Made-up rows of the rarer class; scores are then too high, and `calibrate` brings them down again.

    Attributes:
        kind: `smote`: between neighbours. Categories, marks of missing values and yes or no come from most neighbours.
        share: of the rarer class among the rows to learn from, afterwards.
        neighbours: between how many of the nearest rows of its class a new row may lie.
    """

    kind: Literal["smote"] = "smote"
    libraries: ClassVar = {"imblearn": "imbalance"}
    share: float = Field(default=0.2, gt=0, le=0.5)
    neighbours: int = Field(default=5, ge=1, le=100)

    def made_up(self, rows: pd.DataFrame, y: np.ndarray, *, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
        """Return new rows of the rarer class and their labels; none where it has its share already.

        Args:
            rows: `(n_rows, n_columns)` raw feature columns, numbers as float64 and texts as objects.
            y: `(n_rows,)` class codes of two classes.
            seed: the only source of randomness.

        Raises:
            ValueError: the rarer class has too few rows for so many neighbours.
            UsageError: imbalanced-learn is not installed.
        """
        import numpy as np

        classes, counts = np.unique(y, return_counts=True)
        if classes.size != 2:
            raise ValueError(f"`resample` balances two classes, and the rows to learn from are of {classes.size}")
        rarer, fewest, most = classes[counts.argmin()], int(counts.min()), int(counts.max())
        wanted = math.ceil(self.share / (1 - self.share) * most - 1e-9)
        if wanted <= fewest:
            return rows.iloc[:0], y[:0]
        if fewest <= self.neighbours:
            raise ValueError(
                f"`resample` looks for the {counted(self.neighbours, 'nearest neighbour')} of a row within the rarer "
                f"class, and it has only {counted(fewest, 'row')} to learn from: lower `neighbours` to at most "
                f"{fewest - 1}, or take in more days"
                if fewest > 1
                else "`resample` makes rows between two of the rarer class, and it has only 1 row to learn from: "
                "take in more days, or leave `resample` out"
            )
        space = _Space.of(rows)
        sampler = self._sampler(space, {rarer: wanted}, seed)
        found, labels = sampler.fit_resample(space.encoded(rows), y)
        return space.decoded(found[len(rows) :]), np.asarray(labels[len(rows) :], dtype=y.dtype)

    def _sampler(self, space: _Space, wanted: dict[int, int], seed: int) -> Any:
        made = optional("imblearn.over_sampling", extra="imbalance", needed_by="models: resample")
        shared = {"sampling_strategy": wanted, "random_state": seed, "k_neighbors": self.neighbours}
        if not space.n_numbers:
            return made.SMOTEN(**shared)
        if not space.n_categories:
            return made.SMOTE(**shared)
        places = list(range(space.n_numbers, space.n_numbers + space.n_categories))
        return made.SMOTENC(categorical_features=places, **shared)


@dataclass(frozen=True)
class _Space:
    """Where neighbours are looked for: numbers in interquartile ranges, and everything else by a code.

    Attributes:
        numbers: columns with more than two values; between two of these there is something.
        scale: the middle of each, and its interquartile range, by which distances are measured.
        codes: the values of each other column, the missing one among them.
        marked: those of the numbers that are missing somewhere; each has a mark of its own.
        types: of all columns.
    """

    types: dict[str, Any]
    numbers: tuple[str, ...]
    scale: Any
    codes: dict[str, dict[Any, int]]
    marked: tuple[str, ...]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> _Space:
        from sklearn.preprocessing import RobustScaler

        types = {str(name): column.dtype for name, column in rows.items()}
        numbers = tuple(name for name, kind in types.items() if kind.kind == "f" and rows[name].nunique() > 2)
        others = [str(name) for name in rows.columns if name not in numbers]
        codes = {name: {value: i for i, value in enumerate(_plain(rows[name]).unique())} for name in others}
        scale = RobustScaler().fit(rows[list(numbers)]) if numbers else None
        marked = tuple(name for name in numbers if rows[name].isna().any())
        return cls(types, numbers, scale, codes, marked)

    @property
    def n_numbers(self) -> int:
        return len(self.numbers)

    @property
    def n_categories(self) -> int:
        return len(self.codes) + len(self.marked)

    def encoded(self, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows, n_numbers + n_categories)` float64; a missing number stands in the middle, and is marked."""
        import numpy as np

        parts: list[np.ndarray] = []
        if self.numbers:
            parts.append(np.nan_to_num(self.scale.transform(rows[list(self.numbers)]), nan=0.0))
        parts += [_plain(rows[name]).map(codes).to_numpy("float64")[:, None] for name, codes in self.codes.items()]
        parts += [rows[name].isna().to_numpy("float64")[:, None] for name in self.marked]
        return np.hstack(parts)

    def decoded(self, found: np.ndarray) -> pd.DataFrame:
        """Return raw rows, with the columns in their order and of their types."""
        import numpy as np
        import pandas as pd

        made: dict[str, Any] = {}
        if self.numbers:
            numbers = self.scale.inverse_transform(pd.DataFrame(found[:, : self.n_numbers], columns=self.numbers))
            made |= {name: numbers[:, i] for i, name in enumerate(self.numbers)}
        for i, (name, codes) in enumerate(self.codes.items(), start=self.n_numbers):
            values = pd.Series([None if value is _NONE else value for value in codes], dtype=object)
            made[name] = values.astype(self.types[name]).to_numpy()[found[:, i].astype(int)]
        for i, name in enumerate(self.marked, start=self.n_numbers + len(self.codes)):
            made[name] = np.where(found[:, i] == 1, np.nan, made[name])
        return pd.DataFrame({name: pd.Series(made[name], dtype=kind) for name, kind in self.types.items()})


def _plain(column: pd.Series) -> pd.Series:
    """Return the values as objects, one and the same for every missing one."""
    return column.astype(object).where(column.notna(), _NONE)
