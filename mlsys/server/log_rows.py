"""Answered requests as rows of the log: values in their declared types, as partitions hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlsys.live import kept_rows
from mlsys.live.rules import LiveRules
from mlsys.schema import CHAMPION, KEY, SAID, SCORE, ColumnSpec
from mlsys.server.answered import Answered
from mlsys.serving.champion import Champion, typed_table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def table_of(answers: Sequence[Answered], rules: LiveRules) -> pa.Table:
    """Return the rows of requests that one arm has answered with one model.

    Raises:
        DataError: a value can't be made of its type, which the model's answer has not told.
    """
    import numpy as np
    import pyarrow as pa

    first, sizes = answers[0], [len(each.rows) for each in answers]
    n_rows, champion = sum(sizes), first.model.champion
    stamps = pa.array([each.at for each in answers], pa.timestamp("us", tz="UTC"))
    of_request = np.repeat(np.arange(len(answers)), sizes)
    columns: dict[str, Any] = {
        kept_rows.REQUEST: pa.array([each.request_id for each in answers]).take(of_request),
        kept_rows.PLACE: pa.array(np.concatenate([np.arange(size, dtype="int32") for size in sizes])),
        kept_rows.AT: stamps.take(of_request),
        kept_rows.ARM: pa.repeat(pa.scalar(first.arm), n_rows),
        kept_rows.SHADOW: pa.repeat(pa.scalar(first.silent), n_rows),
        CHAMPION: pa.repeat(pa.scalar(champion.candidate_id), n_rows),
        kept_rows.VERSION: pa.repeat(pa.scalar(champion.version), n_rows),
        kept_rows.SECONDS: pa.array([each.seconds for each in answers]).take(of_request),
        KEY: _keys(answers, rules.key, n_rows),
        **_filed(champion, np.concatenate([each.answers for each in answers])),
    }
    if not first.silent:
        features = {name: column for name, column in champion.features.items() if name not in rules.left_out}
        given = _frame([row for each in answers for row in each.rows], features)
        columns |= dict(zip(features, typed_table(given, features).columns, strict=True))
    return pa.table(columns)


def _keys(answers: Sequence[Answered], key: Mapping[str, ColumnSpec], n_rows: int) -> pa.Array:
    """Return the hashes of the rows' keys, the same as in snapshots; null where a request did not give all of one."""
    import numpy as np
    import pyarrow as pa

    from mlsys.errors import DataError
    from mlsys.snapshot.fingerprint import row_hashes

    given = [row for each in answers for row in (each.given or [{}] * len(each.rows))]
    known = np.array([bool(key) and all(row.get(name) is not None for name in key) for row in given])
    if not known.any():
        return pa.nulls(n_rows, pa.uint64())
    try:
        table = typed_table(_frame([row for row, whole in zip(given, known, strict=True) if whole], key), key)
    except DataError:  # a client's mistake: the answer is kept, and can't be judged
        return pa.nulls(n_rows, pa.uint64())
    hashes = np.zeros(n_rows, np.uint64)
    hashes[known] = row_hashes(table, list(key))
    return pa.array(hashes, mask=~known)


def _filed(champion: Champion, answers: np.ndarray) -> dict[str, pa.Array]:
    """Return answers as prediction files hold them: a number, or a struct with a field for each class or action."""
    import numpy as np
    import pyarrow as pa

    names = champion.classes or champion.actions
    if answers.ndim == 1:
        return {SCORE: pa.array(answers)}
    columns = [pa.array(np.ascontiguousarray(column)) for column in answers.T]
    said = pa.array(np.array(names)[np.argmax(answers, axis=1)], pa.string())
    return {SAID: said, SCORE: pa.StructArray.from_arrays(columns, names=list(names))}


def _frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, ColumnSpec]) -> Any:
    """Return columns of raw rows as Python's own objects: whole numbers beside missing ones stay whole."""
    import pandas as pd

    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in columns})
