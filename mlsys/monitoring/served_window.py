"""The rows that the champion has answered live, as a window for monitors: what was asked, and what it said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mlsys.dataset import dataset
from mlsys.evaluation.champion import model_of
from mlsys.ledger import ChampionChange
from mlsys.live import kept_rows
from mlsys.live.answered_rows import KEYED, described, newest_by_key
from mlsys.monitoring.reference import reference_of
from mlsys.monitoring.window import past_of
from mlsys.monitors.base import Window
from mlsys.schema import CHAMPION, KEY, SCORE
from mlsys.spec import Spec
from mlsys.workspace import Workspace

_FOUND_BY = (kept_rows.REQUEST, kept_rows.PLACE, kept_rows.AT, kept_rows.SHADOW, CHAMPION, KEY, SCORE)


def served_window(work: Workspace, spec: Spec, change: ChampionChange, seen: Window, *, length: timedelta) -> Window:
    """Return a window with what the champion answered in its last days, in place of the source's rows.

    Days are the UTC days of the answers. A key that was asked about several times counts once, with its newest answer,
    and none that the champion was fitted or judged on. Labels count as not known. Columns whose values are not kept are
    left out of both sides.

    Raises:
        IntegrityError: a stored file of the champion is missing or damaged.
    """
    champion, reference = model_of(work, change), reference_of(work, change)
    target = spec.target.about(champion.candidate.classes)
    left_out = {*spec.serving.log.leave_out}
    days = [seen.last_day - timedelta(days=back) for back in range(length.days)]
    wanted = [name for name in champion.columns if name not in left_out]
    table = kept_rows.live_rows(work.home, spec.pipeline, days, columns=[*_FOUND_BY, *wanted])
    rows = None if table is None else _counted(table, change.candidate_id, reference.keys)
    columns = {name: champion.columns[name] for name in wanted if rows is None or name in rows.column_names}
    made = replace(
        seen,
        reference=reference.rows[list(columns)],
        rows=reference.rows[list(columns)].iloc[:0],
        day=np.empty(0, "datetime64[D]"),
        y_score=target.arranged(reference.holdout_scores, champion.candidate.classes)[:0],
        y_true=np.empty(0),
        holdout_scores=target.arranged(reference.holdout_scores, champion.candidate.classes),
        target=target,
        unknown=(),
        holdout=None,
        answered=None,
        past=past_of(reference, target, champion.candidate.classes),
    )
    if rows is None or not rows.num_rows:
        return made
    return replace(
        made,
        rows=dataset.feature_frame(rows, columns),
        day=rows[kept_rows.AT].cast(pa.date32()).to_numpy().astype("datetime64[D]"),
        y_score=target.arranged(target.unfiled(rows[SCORE]), champion.candidate.classes),
        y_true=np.full(rows.num_rows, np.nan),
    )


def _counted(table: pa.Table, candidate_id: str, keys: np.ndarray) -> pa.Table:
    """Return the rows that a model answered to somebody, each key once and none of some keys, by their time."""
    mine = pc.and_(pc.equal(table[CHAMPION], candidate_id), pc.invert(table[kept_rows.SHADOW]))
    rows = table.filter(mine)
    frame = described(rows)
    counted = pd.concat([newest_by_key(frame), frame[~frame[KEYED]]])
    fresh = counted[~(counted[KEYED] & np.isin(counted[KEY].to_numpy(), keys))]
    order = fresh.sort_values([kept_rows.AT, kept_rows.REQUEST, kept_rows.PLACE]).index.to_numpy()
    return rows.take(pa.array(order, pa.int64()))
