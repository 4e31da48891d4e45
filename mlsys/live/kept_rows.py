"""Where answered requests are kept, and how they are read back: one folder a day, small files that become larger ones.

`MLSYS_HOME/predictions-live/<pipeline>/<day>/` holds a file for each second that had requests (Arrow), written whole
under its name. From time to time these are merged into one (Parquet), which lists what it stands for: a process that
was killed between writing it and removing them leaves rows twice on disk, and a reader sees them once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import date
from itertools import chain
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from mlsys.events import get_logger
from mlsys.store import settle, write_atomically
from mlsys.temporary import locked_at_once, temporary_file

log = get_logger(__name__)

FOLDER = "predictions-live"
REQUEST = "_request"  # id of the request
PLACE = "_row"  # int32, the row's place in it
AT = "_at"  # timestamp[us, UTC] when it was answered
ARM = "_arm"  # who answered: `champion`, or the candidate that is tried beside it
SHADOW = "_shadow"  # whether the answer went out to nobody
VERSION = "_version"
SECONDS = "_seconds"  # how long the model took for the whole request
_COVERS = b"mlsys_covers"
_SMALL, _LARGE = ".arrow", ".parquet"
_GROUP = 50_000  # rows that are held in memory to write them
_MANY = 300  # small files of a day from which on they are merged


def pipeline_folder(home: Path, pipeline: str) -> Path:
    """Return where a pipeline's days lie."""
    return home / FOLDER / pipeline


def day_folder(home: Path, pipeline: str, day: date) -> Path:
    """Return where the rows of a UTC day lie."""
    return pipeline_folder(home, pipeline) / day.isoformat()


def days_kept(home: Path, pipeline: str) -> list[date]:
    """Return the days that have rows, oldest first."""
    found = []
    for folder in pipeline_folder(home, pipeline).glob("*/"):
        with suppress(ValueError):  # somebody else's folder
            found.append(date.fromisoformat(folder.name))
    return sorted(found)


def live_rows(
    home: Path, pipeline: str, days: Collection[date] | None = None, *, columns: Sequence[str] | None = None
) -> pa.Table | None:
    """Return the kept rows of days, default all, in no particular order; None where there are none.

    Columns are those named above, `_key` (uint64 hash of the row's key, null where the request did not give it), the
    answers as prediction files hold them (`y_score`, of several classes `y_class` too), the key's and the features in
    their declared types. A shadow's rows have null features: those of its request hold them. A column that no file has
    is left out of the result.

    Args:
        home: MLSYS_HOME.
        pipeline: name of the spec.
        days: UTC days of the answers.
        columns: only these; default all.
    """
    wanted = days_kept(home, pipeline) if days is None else sorted(days)
    tables = [table for day in wanted for table in _tables(day_folder(home, pipeline, day), columns)]
    return pa.concat_tables(tables, promote_options="permissive") if tables else None


def write_rows(folder: Path, name: str, rows: pa.Table) -> None:
    """Write the rows of a moment under `name` into the folder of their day, whole or not at all.

    Raises:
        RunError: the disk is full or not writable.
    """
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(sink, rows.schema, options=options) as writer:
        writer.write_table(rows)
    write_atomically(folder / f"{name}{_SMALL}", sink.getvalue().to_pybytes())


def rows_written(home: Path, process: str, *, after: int) -> int:
    """Return how many rows a process has kept in files numbered above `after`; their names tell it."""
    found = 0
    for path in (home / FOLDER).glob(f"*/*/{process}_*{_SMALL}"):
        _, number, n_rows = path.stem.rsplit("_", 2)
        found += int(n_rows) if int(number) > after else 0
    return found


def merge_if_many(folder: Path) -> bool:
    """Merge the small files of a day that goes on, where they are many; return whether it was done."""
    return len(_small(folder)) >= _MANY and merge(folder, _small(folder))


def merge_past(home: Path, pipeline: str, *, before: date) -> int:
    """Merge all files of each day before one; return how many days there were to merge."""
    n_merged = 0
    for day in days_kept(home, pipeline):
        folder = day_folder(home, pipeline, day)
        files = [*_small(folder), *sorted(folder.glob(f"*{_LARGE}"))]
        if day < before and len(files) > 1:
            n_merged += merge(folder, files)
    return n_merged


def merge(folder: Path, files: Sequence[Path]) -> bool:
    """Write one file in the place of several; False where another process is at it."""
    import pyarrow.parquet as pq

    with locked_at_once(folder) as alone:
        files = [path for path in files if path.exists()]
        if not alone or not files:
            return False
        covered = _covered(files)
        kept = [path for path in files if path.name not in covered]
        gone = sorted({path.name for path in files})
        if kept:
            schema = pa.unify_schemas(list(map(_schema, kept)), promote_options="permissive")
            schema = schema.with_metadata({_COVERS: json.dumps(gone).encode()})
            with temporary_file(folder) as path:
                with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                    for rows in _gathered(kept, schema):
                        writer.write_table(rows, row_group_size=_GROUP)
                settle(path, folder / f"{uuid4().hex}{_LARGE}")
        for name in gone:
            (folder / name).unlink(missing_ok=True)
        log.debug("live_rows_merged", folder=folder, files=len(gone))
    return True


def _schema(path: Path) -> pa.Schema:
    import pyarrow.parquet as pq

    if path.suffix == _LARGE:
        return pq.read_schema(path)
    with pa.OSFile(str(path)) as source:
        return pa.ipc.open_file(source).schema


def _gathered(files: Sequence[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the rows of files, some files' at once: a day in memory is what a server would hold for good."""
    waiting: list[pa.Table] = []
    for rows in chain.from_iterable(map(_pieces, files)):
        waiting.append(rows)
        if sum(map(len, waiting)) >= _GROUP:
            yield _together(waiting, schema)
            waiting = []
    if waiting:
        yield _together(waiting, schema)


def _pieces(path: Path) -> Iterator[pa.Table]:
    import pyarrow.parquet as pq

    if path.suffix != _LARGE:
        yield _read(path, None)
        return
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


def _together(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    rows = pa.concat_tables([schema.empty_table(), *tables], promote_options="permissive")
    return rows.replace_schema_metadata(schema.metadata)


def _tables(folder: Path, columns: Sequence[str] | None) -> list[pa.Table]:
    while True:
        files = [*_small(folder), *sorted(folder.glob(f"*{_LARGE}"))]
        try:
            covered = _covered(files)
            return [_read(path, columns) for path in files if path.name not in covered]
        except FileNotFoundError:  # merged meanwhile: its rows are in a file that was not listed
            continue


def _read(path: Path, columns: Sequence[str] | None) -> pa.Table:
    import pyarrow.parquet as pq

    if path.suffix == _LARGE:
        known = pq.read_schema(path).names
        return pq.read_table(path, columns=None if columns is None else [n for n in columns if n in known])
    with pa.OSFile(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    return table if columns is None else table.select([name for name in columns if name in table.column_names])


def _small(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{_SMALL}"))


def _covered(files: Sequence[Path]) -> set[str]:
    """Return the names of files whose rows stand in a larger one of these, too."""
    import pyarrow.parquet as pq

    large = [path for path in files if path.suffix == _LARGE]
    return {name for path in large for name in json.loads((pq.read_schema(path).metadata or {}).get(_COVERS, b"[]"))}
