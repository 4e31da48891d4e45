"""From a snapshot to rows that models can be fitted on: usable rows, their sides, features and target.

A row without a label is counted and left out, never filled.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsys.clock import last_day_before
from mlsys.dataset.dataset import days_of, keys_of, quarantined
from mlsys.errors import DataError
from mlsys.events import get_logger
from mlsys.records import CheckReport, Snapshot, Split, SplitCounts
from mlsys.schema import DAY, KEY
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT, LEFT_OUT, TRAINING, VALIDATION, SplitRows, refuse_empty
from mlsys.store import Store
from mlsys.targets.truth import Truth
from mlsys.wording import counted

log = get_logger(__name__)


def split(spec: Spec, snapshot: Snapshot, checks: CheckReport, *, store: Store) -> Split:
    """Give every usable row a side by the spec's rule and store the assignment.

    Raises:
        DataError: labels of which nothing can be learnt, or an empty side.
        SpecError: the rule names a column that the schema does not have.
    """
    group = spec.split.group_column
    columns = [*spec.target.made_of.names, DAY, KEY, *([group] if group else [])]
    table = read_rows(snapshot.manifest, store, list(dict.fromkeys(columns)))
    truth = spec.target.truth(spec.target.made_of.of(table))
    last_day = last_day_before(snapshot.cutoff - spec.label.delay)
    day, key_hash = days_of(table), keys_of(table)
    unusable = {
        **truth.unusable,
        "quarantined": quarantined(snapshot, checks, store),
        "label not final": day > np.datetime64(last_day, "D"),
    }
    group_hash = None
    if group:
        unusable["no group"] = pc.is_null(table[group]).to_numpy(zero_copy_only=False)
        group_hash = _hashes(table[group])
    usable, left_out = _usable(unusable)
    spec.target.require_learnable(truth, truth.known & ~unusable["quarantined"])
    _refuse_nothing_usable(usable, left_out)
    rows = SplitRows(day=day, key_hash=key_hash, group_hash=group_hash, usable=usable, last_day=last_day)
    assignment = spec.split.assign(rows)
    side, n_repeated = without_repeated_keys(assignment.side, key_hash)
    left_out.update(assignment.left_out)
    if n_repeated:
        left_out["repeated key"] = n_repeated
    if group_hash is not None:
        side, n_earlier = without_groups_that_judge(side, group_hash)
        left_out.update({f"earlier row of a judging {group}": n_earlier} if n_earlier else {})
    if spec.target.made_of.unit is not None:
        side, n_divided = without_repeated_keys(side, _hashes(table[spec.target.made_of.unit]))
        left_out.update({f"{spec.target.made_of.unit} of an earlier side": n_divided} if n_divided else {})
    refuse_empty(
        side,
        detail=f"all its rows repeat a key of an earlier side ({counted(n_repeated, 'row')})",
        remedy="Let `key` name one row (an id with its day, say), or use `split: {kind: hash}`",
    )
    return _record(spec, truth, side, left_out, sentence=assignment.sentence, store=store)


def without_repeated_keys(side: np.ndarray, key_hash: np.ndarray) -> tuple[np.ndarray, int]:
    """Leave out rows whose key stands on an earlier side (training < validation < holdout), and count them.

    A model that was fitted on a row must not be judged on its duplicate. Rules by hash never give such rows.
    """
    clean = side.copy()
    training = key_hash[side == TRAINING]
    clean[(side == VALIDATION) & np.isin(key_hash, training)] = LEFT_OUT
    earlier = key_hash[(side == TRAINING) | (side == VALIDATION)]
    clean[(side == HOLDOUT) & np.isin(key_hash, earlier)] = LEFT_OUT
    return clean, int((clean != side).sum())


def without_groups_that_judge(side: np.ndarray, group_hash: np.ndarray) -> tuple[np.ndarray, int]:
    """Leave out training rows of groups that stand on a later side, and count them; `side` and hashes `(n_rows,)`.

    A rule that sets groups aside in the newest days alone would else train on their older rows.
    """
    clean = side.copy()
    judging = group_hash[(side == VALIDATION) | (side == HOLDOUT)]
    clean[(side == TRAINING) & np.isin(group_hash, judging)] = LEFT_OUT
    return clean, int((clean != side).sum())


def _usable(unusable: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, int]]:
    # Each row is counted under its first reason, so that the counts add up.
    usable = ~np.zeros_like(next(iter(unusable.values())))
    counts: dict[str, int] = {}
    for reason, mask in unusable.items():
        n_rows = int((mask & usable).sum())
        if n_rows:
            counts[reason] = n_rows
        usable &= ~mask
    return usable, counts


def _refuse_nothing_usable(usable: np.ndarray, left_out: Mapping[str, int]) -> None:
    if not usable.any():
        raise DataError(
            f"No row of the snapshot can be used: {', '.join(f'{n} {why}' for why, n in left_out.items())}",
            where="split",
            remedy="Look at `label.delay`, `label.arrival` and the check report",
        )


def _record(
    spec: Spec, truth: Truth, side: np.ndarray, left_out: dict[str, int], *, sentence: str, store: Store
) -> Split:
    buffer = io.BytesIO()
    np.save(buffer, side.astype(np.int8), allow_pickle=False)

    def counts(number: int) -> SplitCounts:
        mask = side == number
        return SplitCounts(n_rows=int(mask.sum()), classes=truth.counts(mask))

    record = Split(
        kind=spec.split.kind,
        assignment=store.put_bytes(buffer.getvalue()),
        training=counts(TRAINING),
        validation=counts(VALIDATION),
        holdout=counts(HOLDOUT),
        left_out=left_out,
        sentence=sentence,
    )
    log.info(
        "split",
        kind=record.kind,
        training=record.training.n_rows,
        validation=record.validation.n_rows,
        holdout=record.holdout.n_rows,
        left_out=sum(left_out.values()),
    )
    return record


def _hashes(column: pa.ChunkedArray) -> np.ndarray:
    # By each value's text, so that the hash is the same in every snapshot; null is 0 and its rows are left out.
    encoded = pc.dictionary_encode(column.combine_chunks())
    texts = pc.cast(encoded.dictionary, pa.string()).to_pylist()
    known = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") for text in texts]
    hashes = np.array([*known, 0], dtype=np.uint64)
    codes = encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    found: np.ndarray = hashes[codes]
    return found
