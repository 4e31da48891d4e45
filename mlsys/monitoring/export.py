"""What monitors look at, as two files: for a page of another tool's, or a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlsys.errors import UsageError
from mlsys.store import write_atomically

if TYPE_CHECKING:
    import pandas as pd

    from mlsys.monitors.base import Window

THEN, NOW = "reference.parquet", "current.parquet"


def export(window: Window, folder: Path) -> tuple[Path, Path]:
    """Write the champion's training rows and the current ones below a folder, and return both files.

    Columns are the champion's features; current rows have its answers (`y_score`, or one for each class
    of several, such as `y_score red`) and their day (`_day`).
    Files of an earlier export are replaced.

    Raises:
        UsageError: the folder can't be made, or is a file.
    """
    from mlsys.schema import DAY, SCORE

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder can't be made: {error.strerror}", where="--export", got=str(folder)) from error
    names, table = window.target.names, window.y_score
    scores = {f"{SCORE} {name}": table[:, i] for i, name in enumerate(names)} if names else {SCORE: table}
    now = window.rows.assign(**scores, **{DAY: window.day})
    return _written(window.reference, folder / THEN), _written(now, folder / NOW)


def _written(rows: pd.DataFrame, path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    # By their kind: a column of texts without any value would be one of nulls.
    types = {"O": pa.string(), "f": pa.float64(), "M": pa.date32()}
    fields = [(str(name), types[kind.kind]) for name, kind in rows.dtypes.items()]
    pq.write_table(pa.Table.from_pandas(rows, pa.schema(fields), preserve_index=False).replace_schema_metadata(), sink)
    write_atomically(path, sink.getvalue().to_pybytes())
    return path
