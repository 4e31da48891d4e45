"""What a champion was made from, kept small and stored once: a champion does not change while it serves.

Reading its training rows again each night would cost what history costs. So the first look at a champion keeps a
sample of its training rows, its scores on its holdout, and the keys of all rows that it was fitted or judged on.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from mlsys.dataset import dataset
from mlsys.errors import IntegrityError, RunError
from mlsys.evaluation.champion import model_of
from mlsys.ledger import ChampionChange
from mlsys.monitoring.leaning import leans
from mlsys.records import Candidate, CheckReport, Evaluation, Prepared, Split
from mlsys.schema import ColumnSpec
from mlsys.snapshot.segments import read_slices, write_segment
from mlsys.splits.base import HOLDOUT, TRAINING, VALIDATION, uniform
from mlsys.store import canonical_json, write_atomically
from mlsys.training import model_file
from mlsys.workspace import Workspace

MAX_ROWS = 20_000
_EDITION = 2  # of what is stored; an older one is made again
_SALT = 0x5A3B1E  # another one than the split's, so that the sample is even


@dataclass(frozen=True)
class Reference:
    """What current rows are held against.

    Attributes:
        rows: at most `MAX_ROWS` training rows, sampled by the hash of their keys; columns as the model takes them.
        holdout_scores: `(n_holdout,)` float64, or `(n_holdout, n_classes)` of the classes that it knows.
        keys: `(n,)` uint64, rising: key hashes of all rows on any side of its split.
        day: `(n_rows,)` datetime64[D]; `y_true`: `(n_rows,)` labels; `y_score`: its answers, as those of the holdout.
        holdout_day: `(n_holdout,)` datetime64[D].
        held: `(n_holdout, n_columns)` its holdout; held_true: `(n_holdout,)` its labels.
        names: of the classes that labels count, where there are several.
        leans: which columns it leans on, as shares of 1.
        classes: the classes of the target by name, where it has some; another value is no label then.
        sliced: `(n_holdout, n_columns)` columns of the holdout whose values may be slices, as text or missing; those
            that its data do not have are left out.
    """

    rows: pd.DataFrame
    holdout_scores: np.ndarray
    keys: np.ndarray
    classes: tuple[str, ...]
    day: np.ndarray
    y_true: np.ndarray
    y_score: np.ndarray
    holdout_day: np.ndarray
    held: pd.DataFrame
    held_true: np.ndarray
    names: tuple[str, ...]
    leans: Mapping[str, float]
    sliced: pd.DataFrame


def reference_of(work: Workspace, change: ChampionChange, *, slices: Sequence[str] = ()) -> Reference:
    """Return the reference of the model that a change made champion; made at the first call, read at others.

    `slices` names columns whose values may be slices; those that were not asked for before are read now.

    Raises:
        IntegrityError: a file or row of the champion's run is missing or damaged.
        RunError: the champion can't be loaded or scored, or its run has not come to its end.
    """
    name = hashlib.sha256(change.candidate_id.encode()).hexdigest()  # an id may hold what a file's name may not
    path = work.home / "monitoring" / change.pipeline / "references" / f"{name[:16]}.json"
    columns = model_of(work, change).columns
    stored = json.loads(path.read_bytes()) if path.exists() else {}
    if stored.get("edition") != _EDITION:
        write_atomically(path, canonical_json(_make(work, change, columns)), begun_in=path.parents[1])
        stored = json.loads(path.read_bytes())
    if not {*slices} <= {*stored.get("sliced", {})}:
        stored["sliced"] = {**stored.get("sliced", {}), **_sliced(work, change, slices)}
        write_atomically(path, canonical_json(stored), begun_in=path.parents[1])
    held = read_slices(stored["held"], [(0, stored["n_held"])], work.store, list(columns))[0]
    table = read_slices(stored["rows"], [(0, stored["n_rows"])], work.store, list(columns))[0]
    return Reference(
        rows=dataset.feature_frame(table, columns),
        holdout_scores=_read_array(work, stored["holdout_scores"]),
        keys=_read_array(work, stored["keys"]),
        classes=tuple(stored["classes"]),
        held=dataset.feature_frame(held, columns),
        **{name: _read_array(work, stored[name]) for name in ("day", "y_true", "y_score", "holdout_day", "held_true")},
        names=tuple(stored["names"]),
        leans=stored["leans"],
        sliced=_read_sliced(work, {name: stored["sliced"][name] for name in slices}, stored["n_held"]),
    )


def evaluation_of(work: Workspace, change: ChampionChange) -> Evaluation | None:
    """Return how the champion did on its holdout when it was judged, or None when it never was."""
    found = work.ledger.decision(change.decision_key) if change.decision_key else None
    candidate = work.ledger.candidate(change.candidate_id)
    if found is None or candidate is None:
        return None
    plan = _prepared(work, change.run_id).plan
    # A refitted model was judged as the candidate that it was fitted again from.
    names = (change.candidate_id, Candidate.id_of(plan.training_key, candidate.name))
    judged = [Evaluation.load(e) for e in work.store.read_json(found[0].details)["evaluations"]]
    return next((e for e in judged if e.model_id in names), None)


def _make(work: Workspace, change: ChampionChange, columns: Mapping[str, ColumnSpec]) -> dict[str, object]:
    from threadpoolctl import threadpool_limits

    prepared = _prepared(work, change.run_id)
    spec, sides = work.spec_of(prepared.plan), (TRAINING, VALIDATION, HOLDOUT)
    data = dataset.load(spec, prepared.snapshot, prepared.split, store=work.store, sides=sides, columns=columns)
    candidate = model_of(work, change).candidate
    model, target = candidate.model, spec.target.about(candidate.classes)
    if model is None:
        raise IntegrityError("The ledger names no model file of the champion", got=change.candidate_id)
    training, held = np.flatnonzero(data.side == TRAINING), data.side == HOLDOUT
    sample = np.sort(training[np.argsort(uniform(data.key_hash[training], _SALT), kind="stable")[:MAX_ROWS]])
    known, pipeline = data.rows.iloc[sample].reset_index(drop=True), model_file.load(model, work.store)
    with threadpool_limits(limits=1):
        answers, before = target.answers(pipeline, data.rows[held]), target.answers(pipeline, known)
    arrays = {
        "holdout_scores": answers,
        "holdout_day": data.day[held],
        "held_true": data.y[held],
        "day": data.day[sample],
        "y_true": data.y[sample],
        "y_score": before,
        "keys": np.unique(data.key_hash),
    }
    return {
        "edition": _EDITION,
        "rows": _put_rows(work, known, columns),
        "held": _put_rows(work, data.rows[held], columns),
        "n_held": int(held.sum()),
        "n_rows": sample.size,
        **{name: _put_array(work, values) for name, values in arrays.items()},
        "classes": sorted(prepared.split.training.classes),
        "names": list(data.target.names),
        "leans": leans(pipeline, target, known),
    }


def _sliced(work: Workspace, change: ChampionChange, names: Sequence[str]) -> dict[str, str | None]:
    """Return by column the SHA-256 of its values on the holdout as text; None of one that its data do not have."""
    prepared = _prepared(work, change.run_id)
    spec = work.spec_of(prepared.plan)
    known = as_text(name for name in names if name in {**spec.columns, **spec.joined_columns()})
    data = dataset.load(spec, prepared.snapshot, prepared.split, store=work.store, sides=(HOLDOUT,), columns=known)
    stored = {name: _put_rows(work, data.rows, {name: column}) for name, column in known.items()}
    return {name: stored.get(name) for name in names}


def _read_sliced(work: Workspace, stored: Mapping[str, str | None], n_rows: int) -> pd.DataFrame:
    found = {name: digest for name, digest in stored.items() if digest is not None}
    tables = {name: read_slices(digest, [(0, n_rows)], work.store, [name])[0] for name, digest in found.items()}
    columns = {name: table[name] for name, table in tables.items()}
    return dataset.feature_frame(pa.table(columns), as_text(columns))


def as_text(names: Iterable[str]) -> dict[str, ColumnSpec]:
    """Return columns as they are read where their values are names, whatever they are of."""
    return {name: ColumnSpec(type="category") for name in names}


def _prepared(work: Workspace, run_id: str) -> Prepared:
    rows = work.ledger.run(run_id)
    started = next((row for row in rows if row.plan is not None and row.snapshot is not None), None)
    parts = {name: digest for row in rows for name, digest in row.parts.items()}
    if started is None or started.plan is None or started.snapshot is None:
        raise IntegrityError("The ledger has no run of that name", where=run_id)
    if not {"checks", "split"} <= set(parts):
        raise RunError(
            "The champion's run was interrupted before it wrote down its split",
            where=run_id,
            remedy="Let it come to its end: trigger it again, or clear its last task",
        )
    return Prepared(
        plan=started.plan,
        snapshot=started.snapshot,
        checks=CheckReport.load(work.store.read_json(parts["checks"])),
        split=Split.load(work.store.read_json(parts["split"])),
    )


def _put_rows(work: Workspace, rows: pd.DataFrame, columns: Mapping[str, ColumnSpec]) -> str:
    table = pa.table({name: pa.array(rows[name], from_pandas=True) for name in columns})
    return write_segment([table], work.store)


def _put_array(work: Workspace, values: np.ndarray) -> str:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return work.store.put_bytes(buffer.getvalue())


def _read_array(work: Workspace, digest: str) -> np.ndarray:
    values: np.ndarray = np.load(io.BytesIO(work.store.read_bytes(digest)), allow_pickle=False)
    return values
