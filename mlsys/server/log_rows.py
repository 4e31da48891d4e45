"""Answered requests as rows of the log: values in their declared types, as partitions hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from mlsys.live import kept_rows
from mlsys.live.rules import LiveRules
from mlsys.schema import CHAMPION, KEY, SAID, SCORE, ColumnSpec
from mlsys.server.answered import Answered
from mlsys.server.log_columns import numbers_column, texts_column, typed_column
from mlsys.serving.champion import Champion, typed_table
from mlsys.serving.column_rows import ColumnRows, column_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def table_of(answers: Sequence[Answered], rules: LiveRules) -> pa.Table:
    """Return the rows of requests that one arm has answered with one model.

    Raises:
        DataError: a value can't be made of its type, which the model's answer has not told.
    """
    import numpy as np
    import pyarrow as pa

    first, sizes = answers[0], [len(each.rows) for each in answers]
    n_rows, champion = sum(sizes), first.model.champion
    at = np.array([_microseconds(each.at) for each in answers])
    columns: dict[str, Any] = {
        kept_rows.REQUEST: texts_column([each.request_id for each in answers for _ in range(len(each.rows))]),
        kept_rows.PLACE: numbers_column(np.concatenate([np.arange(size, dtype="int32") for size in sizes])),
        kept_rows.AT: numbers_column(np.repeat(at, sizes), kind=pa.timestamp("us", tz="UTC")),
        kept_rows.ARM: texts_column([first.arm] * n_rows),
        kept_rows.SHADOW: typed_column([first.silent] * n_rows, ColumnSpec(type="boolean")),
        CHAMPION: texts_column([champion.candidate_id] * n_rows),
        kept_rows.VERSION: texts_column([champion.version] * n_rows),
        kept_rows.SECONDS: numbers_column(np.repeat([each.seconds for each in answers], sizes)),
        KEY: _keys(answers, rules.key, n_rows),
        **_filed(champion, np.concatenate([each.answers for each in answers])),
    }
    if not first.silent:
        features = {name: column for name, column in champion.features.items() if name not in rules.left_out}
        parts = [ColumnRows.of(each.rows, features).columns for each in answers]
        columns |= _typed(
            {name: list(chain.from_iterable(part[name] for part in parts)) for name in features}, features
        )
    return pa.table(columns)


def _keys(answers: Sequence[Answered], key: Mapping[str, ColumnSpec], n_rows: int) -> pa.Array:
    """Return the hashes of the rows' keys, the same as in snapshots; null where a request did not give all of one."""
    import numpy as np
    import pyarrow as pa

    from mlsys.errors import DataError
    from mlsys.snapshot.fingerprint import row_hashes

    given = {
        name: list(chain.from_iterable(column_of(each.given or [{}] * len(each.rows), name) for each in answers))
        for name in key
    }
    known = np.full(n_rows, bool(key))
    for values in given.values():
        known &= np.array([value is not None for value in values], dtype=bool)
    if not known.any():
        return pa.nulls(n_rows, pa.uint64())
    try:
        table = pa.table(_typed(ColumnRows(given, n_rows).at(np.flatnonzero(known).tolist()).columns, key))
    except DataError:  # a client's mistake: the answer is kept, and can't be judged
        return pa.nulls(n_rows, pa.uint64())
    hashes = np.zeros(n_rows, np.uint64)
    hashes[known] = row_hashes(table, list(key))
    return numbers_column(hashes, known)


def _filed(champion: Champion, answers: np.ndarray) -> dict[str, pa.Array]:
    """Return answers as prediction files hold them: a number, or a struct with a field for each class or action."""
    import numpy as np
    import pyarrow as pa

    names = champion.classes or champion.actions
    if answers.ndim == 1:
        return {SCORE: numbers_column(answers)}
    columns = [numbers_column(column) for column in answers.T]
    said = texts_column([names[place] for place in np.argmax(answers, axis=1)])
    return {SAID: said, SCORE: pa.StructArray.from_arrays(columns, names=list(names))}


def _typed(values: Mapping[str, list[Any]], columns: Mapping[str, ColumnSpec]) -> dict[str, pa.Array]:
    """Return columns of raw values in their declared types.

    Raises:
        DataError: a value can't be made of its type.
    """
    found = {}
    for name, column in columns.items():
        typed = typed_column(values[name], column)
        found[name] = _read(name, values[name], column) if typed is None else typed
    return found


def _read(name: str, values: list[Any], column: ColumnSpec) -> pa.Array:
    """Return values of other types, read as a source's are: whole numbers beside missing ones stay whole."""
    import pandas as pd

    return typed_table(pd.DataFrame({name: pd.Series(values, dtype=object)}), {name: column}).column(0).combine_chunks()


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
