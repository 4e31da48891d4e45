"""How good each version was at what it answered live: as champion, for a share of the keys, or in the shadow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mlsys.errors import IntegrityError
from mlsys.evaluation.champion import threshold_of
from mlsys.live import kept_rows
from mlsys.live.answered_rows import KEYED, described, known_labels, newest_by_key
from mlsys.live.judging import model_named
from mlsys.monitoring.metric_values import all_metrics, values_of
from mlsys.records import Snapshot
from mlsys.records.versions import ArmScore
from mlsys.schema import CHAMPION, KEY, SCORE
from mlsys.spec import Spec
from mlsys.workspace import Workspace

_ARMS = ("champion", "challenger", "shadow")
_READ = (*(kept_rows.REQUEST, kept_rows.PLACE, kept_rows.AT, kept_rows.SHADOW), CHAMPION, KEY, SCORE)
_NAMED = (kept_rows.ARM, kept_rows.VERSION)


def measure_arms(
    work: Workspace, spec: Spec, snapshot: Snapshot, *, days: tuple[date, date], mature: date
) -> tuple[ArmScore, ...]:
    """Return the metrics of what each version answered in each role, by the labels of a snapshot.

    A key that was asked about several times counts once, with its newest answer. Rows of days that a version was made
    from never count for it, nor do answers later than `mature`.

    Args:
        work: the installation.
        spec: of the pipeline.
        snapshot: that has the labels.
        days: first and last UTC day of the answers.
        mature: last day whose labels are due.
    """
    wanted = [days[0] + timedelta(days=n) for n in range((days[1] - days[0]).days + 1)]
    table = kept_rows.live_rows(work.home, spec.pipeline, wanted, columns=[*_READ, *_NAMED])
    if table is None:
        return ()
    champion = work.ledger.champion(spec.pipeline)
    present = None if champion is None else champion.candidate_id
    live = _Live(work, spec, snapshot, table, mature)
    found = [
        live.measured(rows, ArmScore(serves=candidate == present, **named)) for candidate, rows, named in _groups(table)
    ]
    return tuple(sorted(found, key=lambda each: (_ARMS.index(each.arm), not each.serves, each.version)))


def _groups(table: pa.Table) -> Iterator[tuple[str, pd.DataFrame, dict[str, Any]]]:
    """Yield each candidate in each role, with what its rows are found by."""
    frame = described(table)
    silent, others = frame[kept_rows.SHADOW], table[kept_rows.ARM].to_pandas() != "champion"
    role = np.select([silent.to_numpy(bool), others.to_numpy(bool)], ["shadow", "challenger"], "champion")
    frame = frame.assign(role=role, version=table[kept_rows.VERSION].to_pandas())
    for (candidate, arm), rows in frame.groupby([CHAMPION, "role"], sort=True):
        named = {"champion": str(candidate), "version": str(rows["version"].iloc[-1]), "arm": str(arm)}
        yield str(candidate), rows, named


@dataclass(frozen=True)
class _Live:
    """Kept answers, and what judges them."""

    work: Workspace
    spec: Spec
    snapshot: Snapshot
    table: pa.Table
    mature: date

    def measured(self, rows: pd.DataFrame, blank: ArmScore) -> ArmScore:
        """Return the score of one version in one role, whose answers `rows` are found by."""
        counted = newest_by_key(rows)
        day = counted[kept_rows.AT].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[D]")
        due = day <= np.datetime64(self.mature, "D")
        counts = {"n_rows": int(due.sum()), "n_immature": int((~due).sum()), "n_keyless": int((~rows[KEYED]).sum())}
        if day.size:
            counts |= {"first_day": day.min().item(), "last_day": day.max().item()}
        score = blank.model_copy(update=counts)
        try:
            return self._valued(score, counted[due], day[due])
        except IntegrityError as error:  # an old model may be gone
            return score.model_copy(update={"reason": str(error)})

    def _valued(self, score: ArmScore, counted: pd.DataFrame, day: np.ndarray) -> ArmScore:
        model = model_named(self.work, score.champion)
        if model is None:
            return score.model_copy(update={"reason": "its records are gone"})
        target = self.spec.target.about(model.candidate.classes)
        cutoff = self.work.ledger.plan(str(self.work.ledger.run_of(score.champion))).cutoff
        labels = known_labels(self.work, self.spec, target, self.snapshot, since=cutoff)
        known = np.isin(counted[KEY].to_numpy(), labels.index.to_numpy())
        mine = self.table.take(pa.array(counted.index.to_numpy()[known], pa.int64()))
        if not mine.num_rows:
            return score.model_copy(update={"reason": "no label of its answers is known yet"})
        y, answers = labels.loc[mine[KEY].to_numpy()].to_numpy(), target.unfiled(mine[SCORE])
        predictions = target.predictions.of(y, answers, threshold=threshold_of(self.spec, model))
        values = values_of(self.spec, predictions, day[known], all_metrics(self.spec))
        return score.model_copy(update={"n_labelled": mine.num_rows, "values": values})
