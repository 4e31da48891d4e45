"""The champion for whoever uses it: what it wants to be given, and what it answers.

What a source did to raw columns before a model was fitted is done to the rows of a caller, too: the declared types,
the spellings of missing values, the marks of numbers. So a column means the same in training and afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys.errors import DataError, UsageError
from mlsys.schema import ARRIVAL, EVENT_TIME, ColumnSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from mlsys.sources.reading.values import Values
    from mlsys.spec.joins import AsOfJoin


@dataclass(frozen=True)
class Champion:
    """The model that served when it was loaded, and what it wants to be given.

    Attributes:
        version: semantic version, as `mlsys history` shows it.
        candidate_id: what the ledger and MLflow call it.
        cutoff: end of the data that it knows, exclusive, UTC.
        task: the learning task: `binary`, `multiclass`, `regression` or `policy`.
        target: the column that it predicts.
        positive: of two classes the one whose probability it gives, by its name as text; else None.
        threshold: a probability that reaches it counts as positive: `metrics.threshold` of the spec, or the one chosen
            for this model by cost. None without a positive class.
        classes: of several classes those that it knows, in the order of their probabilities; else empty.
        actions: names of the actions that a policy chooses from; empty of other models.
        features: the columns that it reads, with their declared types, in the model's order.
        joins: the tables that some of them come from; `joined` takes them from rows of yours.
        model: the fitted estimator of scikit-learn; it takes what `prepare` returns.
        folder: where it lies, with its metrics, spec and requirements.
    """

    pipeline: str
    version: str
    candidate_id: str
    cutoff: datetime
    task: str
    target: str
    positive: str | None
    threshold: float | None
    classes: tuple[str, ...]
    features: Mapping[str, ColumnSpec]
    joins: tuple[AsOfJoin, ...]
    model: Any
    folder: Path
    actions: tuple[str, ...] = ()

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows, n_classes)` float64 probabilities, a column for each of `classes`.

        Of two classes there are two columns; the second one is that of the positive class.

        Raises:
            UsageError: the champion predicts numbers, which have no probability.
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import numpy as np

        if self.threshold is None and not self.classes:
            raise UsageError(
                f"This champion predicts {'actions' if self.actions else 'numbers'}, not probabilities",
                where=f"{self.pipeline} {self.version}",
                remedy="Use `predict`",
            )
        frame = self.prepare(rows)
        if frame.empty:  # scikit-learn refuses to predict nothing
            return np.empty((0, len(self.classes) or 2))
        return np.asarray(self.model.predict_proba(frame), dtype="float64")

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows,)` predictions: of two classes int8, 1 where the probability of the positive one reaches the
        threshold, else 0; of several the name of the most probable one; of numbers float64, in the target's unit; of
        actions their names as objects.

        Raises:
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import numpy as np

        if self.threshold is not None:
            y_pred: np.ndarray = (self.predict_proba(rows)[:, 1] >= self.threshold).astype("int8")
            return y_pred
        if self.actions:
            chosen = self.values(rows)["action"].to_numpy(dtype=object)
            return np.asarray(chosen)
        frame, kind = self.prepare(rows), "str" if self.classes else "float64"
        return np.asarray([] if frame.empty else self.model.predict(frame), dtype=kind)

    def values(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the action a policy chooses in each row, its alternatives, and what each action is worth.

        Columns are `action`, `alternatives` (a tuple of the other actions' names, the best one first), and one of
        each action's value, with the index of the rows. Values rank the actions of a row, and are no forecast.

        Raises:
            UsageError: the champion chooses no actions.
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import numpy as np
        import pandas as pd

        if not self.actions:
            raise UsageError("This champion chooses no actions", where=self.pipeline, remedy="Use `predict`")
        frame = self.prepare(rows)
        shape = (len(frame), len(self.actions))
        worth = np.empty(shape) if frame.empty else np.asarray(self.model.predict(frame), dtype="float64")
        best_first = np.array(self.actions, dtype=object)[np.argsort(-worth, axis=1, kind="stable")]
        found = pd.DataFrame({"action": best_first[:, 0]}, index=rows.index)
        found["alternatives"] = pd.Series([tuple(names[1:]) for names in best_first], index=rows.index, dtype=object)
        return found.join(pd.DataFrame(worth, columns=list(self.actions), index=rows.index))

    def answers(self, rows: pd.DataFrame) -> np.ndarray:
        """Return float64 answers in the layout of the task: `(n_rows,)` scores of the positive class, or numbers;
        `(n_rows, n_classes)` probabilities; `(n_rows, n_actions)` values of actions.

        Raises:
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import numpy as np

        if self.threshold is not None:
            scores: np.ndarray = self.predict_proba(rows)[:, 1]
            return scores
        if self.classes:
            return self.predict_proba(rows)
        frame = self.prepare(rows)
        width = (len(self.actions),) if self.actions else ()
        return np.empty((0, *width)) if frame.empty else np.asarray(self.model.predict(frame), dtype="float64")

    def prepare(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the features as the model takes them, in the order and with the index of the rows.

        Numbers become float64, NaN where missing; texts become objects, None where missing. Columns that are no
        features are left alone.

        Raises:
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import pyarrow as pa

        from mlsys.dataset.dataset import feature_frame

        missing = [name for name in self.features if name not in rows.columns]
        if missing:
            raise DataError(
                f"The rows lack {len(missing)} of the champion's {len(self.features)} features: "
                f"{', '.join(missing[:10])}{', ...' if len(missing) > 10 else ''}",
                where=f"{self.pipeline} {self.version}",
                got=[str(name) for name in rows.columns],
                remedy="Select these columns, too, under the names that the spec has",
            )
        table = pa.table({name: _typed(rows[name], column) for name, column in self.features.items()})
        return feature_frame(table, self.features).set_index(rows.index)

    def unreadable(self, values: pd.Series) -> list[int]:
        """Return the positions of raw values that the type of the feature they are called by can't be made of."""
        _, bad = _read(values, self.features[str(values.name)])
        return [] if bad is None else [place for place, is_bad in enumerate(bad.to_pylist()) if is_bad]

    def joined(self, rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame], *, at: pd.Series) -> pd.DataFrame:
        """Return rows with the columns that the spec joins, as of each row's time: what training would have seen.

        Args:
            rows: with the key of each join; their other columns stay.
            tables: raw rows of each joined table, by its name in the spec, in any order. They have the table's key, the
                columns that something is taken of, `known`, and the time: a column called as the source's
                `event_time`, or `_event_time` where it has none.
            at: `(n_rows,)` times of the rows, with an offset; pandas' UTC will do.

        Raises:
            UsageError: a table is missing.
            DataError: a column is missing, or holds what its type can't be made of; a time has no offset.
        """
        import pyarrow as pa

        from mlsys.snapshot.as_of import as_of

        found = rows.copy(deep=False)
        times = _typed(at.rename(EVENT_TIME), ColumnSpec(type="timestamp"))
        for join in self.joins:
            if join.name not in tables:
                raise UsageError(
                    f"The champion joins rows of '{join.name}', and `tables` has none by that name",
                    where=f"{self.pipeline} {self.version}",
                    got=list(tables),
                )
            key = _typed(_column(rows, join.key, "rows"), join.columns[join.key])
            mine = pa.table({join.key: key, EVENT_TIME: times})
            for name, values in as_of(join, mine, _raw_table(join, tables[join.name])).items():
                found[name] = values.to_pandas().set_axis(rows.index)
        return found


def _typed(values: pd.Series, column: ColumnSpec) -> pa.Array:
    """Return a raw column in its declared type.

    Raises:
        DataError: a value can't be made of it.
    """
    from mlsys.sources.reading.number_marks import what_to_do

    where = f"column '{values.name}'"
    read, bad = _read(values, column)
    if bad is not None:
        places = bad.to_pylist()
        first = places.index(True)
        hint = what_to_do(values.iloc[first], column)
        raise DataError(
            f"{sum(places)} of {len(places)} values are no {column.type}, the first in row {first}",
            where=where,
            got=values.iloc[first],
            remedy="Correct them, or leave these rows out" + (f"; {hint}" if hint else ""),
        )
    return read


def _read(values: pd.Series, column: ColumnSpec) -> Values:
    """Return a raw column in its declared type, and which of its values can't be read; None where all can."""
    from mlsys.sources.reading.values import logical_values

    return logical_values(_raw(values, column), column, f"column '{values.name}'")


def _raw_table(join: AsOfJoin, frame: pd.DataFrame) -> pa.Table:
    """Return raw rows of a joined table as `as_of` wants them."""
    import pyarrow as pa

    from mlsys.sources.base import ReadRequest
    from mlsys.sources.reading.conform import columns_to_read

    time = getattr(join.source, "event_time", None) or EVENT_TIME
    zone = getattr(join.source, "timezone", None)
    columns = columns_to_read(ReadRequest(join.columns, join.known), time, zone)
    wanted = {name for _, name in join.named()} | {time}
    read = {name: _typed(_column(frame, name, join.name), columns[name]) for name in columns if name in wanted}
    of_it = {name: read[name] for name in read if name in join.columns}
    return pa.table({**of_it, EVENT_TIME: read[time], **({ARRIVAL: read[join.known]} if join.known else {})})


def typed_table(rows: pd.DataFrame, columns: Mapping[str, ColumnSpec]) -> pa.Table:
    """Return raw columns as partitions hold them: in their declared types, null where missing.

    Raises:
        DataError: a value can't be made of its type.
    """
    import pyarrow as pa

    return pa.table({name: _typed(rows[name], column) for name, column in columns.items()})


def _column(frame: pd.DataFrame, name: str, what: str) -> pd.Series:
    if name not in frame.columns:
        rule = f"{what} have no column '{name}', which the join reads"
        raise DataError(rule, where="joined", got=[str(each) for each in frame.columns])
    return frame[name]


def _raw(values: pd.Series, column: ColumnSpec) -> pa.Array:
    """Return a column as Arrow has it; one of mixed Python objects as a database driver's rows are read."""
    import pyarrow as pa

    from mlsys.sources.reading.rows import record_batch

    if getattr(values.dtype, "tz", None) is not None:  # pandas warns where Arrow takes such times from it
        instants = pa.array(values.dt.tz_convert(None).to_numpy(), from_pandas=True)
        return instants.cast(pa.timestamp("us"), safe=False).cast(pa.timestamp("us", tz="UTC"))
    try:
        found = pa.Array.from_pandas(values)
    except UnicodeEncodeError as error:  # JSON may hold one half of a pair of surrogates
        raise DataError("A text is not valid Unicode", where=f"column '{values.name}'", got=error.object) from error
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        texts = values.astype(object).where(values.notna(), None)
        return record_batch([(value,) for value in texts], {str(values.name): column}).column(0)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
