"""What stands in the way of a run beyond the checks: labels and sides, the champion, columns that name their row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from mlsys.dataset.assignment import split
from mlsys.dataset.dataset import quarantined
from mlsys.errors import MlsysError
from mlsys.evaluation.champion import model_of, obstacle_of, unlike
from mlsys.flaws.identifiers import as_identifier
from mlsys.ledger.rows import Partition
from mlsys.records import CheckReport, Snapshot
from mlsys.snapshot.rows import read_rows
from mlsys.snapshot.segments import read_entries
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.workspace import Workspace


def refused_by_split(
    spec: Spec, snapshot: Snapshot, checks: CheckReport, *, before: Sequence[Partition], store: Store
) -> MlsysError | None:
    """Return why no run could divide the rows, or None.

    Args:
        spec: names target and split.
        snapshot: the newest rows; all there are, where nothing is stored.
        checks: what was found in them.
        before: what is stored of earlier days; of those the labels alone are looked at, and only where the newest rows
            leave a doubt.
        store: holds all of it.
    """
    try:
        if before:
            _require_labels(spec, snapshot, checks, before=before, store=store)
        else:
            split(spec, snapshot, checks, store=store)
    except MlsysError as error:
        return error
    return None


def _require_labels(
    spec: Spec, snapshot: Snapshot, checks: CheckReport, *, before: Sequence[Partition], store: Store
) -> None:
    """Refuse labels of which nothing can be learnt, as a run would.

    Raises:
        DataError: as `Target.require_learnable`.
    """
    target = spec.target
    columns = target.made_of.names
    newest = target.made_of.of(read_rows(snapshot.manifest, store, columns))
    truth = target.truth(newest)
    kept = truth.known & ~quarantined(snapshot, checks, store)
    refused = target.refused(truth, kept)
    if refused is not None:
        raise refused
    if target.lacking(truth, kept) is None:
        return
    earlier = [target.made_of.of(table) for table in read_entries(before, store, columns)]
    truth = target.truth(pa.chunked_array([chunk for column in (*earlier, newest) for chunk in column.chunks]))
    lacking = target.lacking(truth, truth.known)
    if lacking is not None:
        raise lacking


def identifiers(spec: Spec, snapshot: Snapshot, store: Store) -> Iterator[str]:
    """Yield in words which features look like identifiers in the rows of a snapshot."""
    import pyarrow.compute as pc

    columns = [
        name
        for name, column in spec.feature_columns().items()
        if column.type in ("text", "category") and name not in spec.features.texts
    ]
    if not columns:
        return
    rows = read_rows(snapshot.manifest, store, columns)
    for name in columns:
        known = rows[name].drop_null()
        found = as_identifier(name, n_distinct=pc.count_distinct(known).as_py(), n_known=len(known))
        if found is not None:
            yield f"{found}."


def without_key(spec: Spec) -> str | None:
    """Return in words what it means that a spec names no key, or None where it does."""
    if spec.key:
        return None
    return (
        "The spec has no `key`: a row is named by all its values, so that a corrected row is another one, and two "
        "equal rows are one that is repeated. Write `key: <the column that names a row>`."
    )


def relative_source(spec: Spec, home: Path) -> str | None:
    """Return in words that another process would read other files than this one, or None.

    Raises:
        UsageError: a variable in `source` is not set.
    """
    path = spec.source.relative_path
    if path is None or Path.cwd() == home:
        return None
    return (
        f"`source` names {path!r}, relative to the folder that a process works in: here it is {Path.cwd() / path}, and "
        f"in tasks of `mlsys up` {home / path}. Write an absolute path, or one that begins with ${{MLSYS_HOME}}."
    )


def of_champion(work: Workspace, spec: Spec) -> str | None:
    """Return why the champion can't be compared under this schema and what that means, or None.

    Raises:
        IntegrityError, SpecError: its run or its candidate can't be read.
    """
    champion = work.ledger.champion(spec.pipeline)
    other = None if champion is None else unlike(work, champion)
    if champion is not None and other is not None:
        return f"The champion {champion.version} can't be compared in this environment: {other}."
    obstacle = None if champion is None else obstacle_of(spec, model_of(work, champion))
    if champion is None or obstacle is None:
        return None
    return (
        f"The champion {champion.version} can't be compared under this schema: {obstacle}. A gate that compares with "
        "it will be inconclusive, so that no run promotes. Keep in `schema` what it reads (`drop` hides it from new "
        f"models), or let a person promote: `mlsys promote {spec.pipeline} RUN --reason '...'`."
    )
