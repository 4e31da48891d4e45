"""Kept answers joined with the labels that are known by now, by the key of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsys import clock
from mlsys.ledger import ChampionChange, LiveTrial
from mlsys.live import kept_rows
from mlsys.records import Snapshot
from mlsys.schema import CHAMPION, KEY, SCORE
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.targets.base import Target
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_READ = (kept_rows.REQUEST, kept_rows.PLACE, kept_rows.AT, kept_rows.SHADOW, CHAMPION, KEY, SCORE)
KEYED = "keyed"  # whether the request gave the row's key


@dataclass(frozen=True)
class LabelledAnswers:
    """Rows with a known label that a model has scored.

    Attributes:
        y: `(n_rows,)` labels as the task has them.
        answers: what the model said, in the layout of the task.
        days: `(n_rows,)` datetime64[D] of the answers, UTC.
    """

    y: np.ndarray
    answers: np.ndarray
    days: np.ndarray


@dataclass(frozen=True)
class JoinedAnswers:
    """Two models' rows since both answer: the same ones in the same order for a shadow, else each its own.

    Attributes:
        n_answers: rows that the candidate scored, with or without a label.
        n_keyless: of them, those whose request did not give their key.
    """

    candidate: LabelledAnswers
    champion: LabelledAnswers
    target: Target
    n_answers: int
    n_keyless: int


def side_by_side(
    work: Workspace,
    spec: Spec,
    champion: ChampionChange,
    trial: LiveTrial,
    snapshot: Snapshot,
    *,
    classes: Sequence[str] = (),
) -> JoinedAnswers:
    """Return what champion and candidate answered since both do, with the labels of a snapshot.

    A row that was asked about several times counts once, with its newest answer.
    """
    since = since_of(champion, trial)
    days = [day for day in kept_rows.days_kept(work.home, trial.pipeline) if day >= since.date()]
    found = kept_rows.live_rows(work.home, trial.pipeline, days, columns=_READ)
    target = spec.target.about(classes)
    if found is None:
        nothing = LabelledAnswers(np.empty(0), np.empty(0), np.empty(0, "datetime64[D]"))
        return JoinedAnswers(nothing, nothing, target, 0, 0)
    table = found.filter(pc.greater_equal(found[kept_rows.AT], pa.scalar(since, found.schema.field(kept_rows.AT).type)))
    frame = described(table)
    silent = trial.role == "shadow"
    of_candidate = frame[(frame[CHAMPION] == trial.candidate_id) & (frame[kept_rows.SHADOW] == silent)]
    of_champion = frame[(frame[CHAMPION] == champion.candidate_id) & ~frame[kept_rows.SHADOW]]
    if silent:
        asked = [kept_rows.REQUEST, kept_rows.PLACE]
        both = of_candidate.reset_index().merge(of_champion.reset_index()[[*asked, "index"]], on=asked)
        both = newest_by_key(both.set_index("index_x"))
        places = both.index.to_numpy(), both["index_y"].to_numpy()
    else:
        places = newest_by_key(of_candidate).index.to_numpy(), newest_by_key(of_champion).index.to_numpy()
    labels = known_labels(work, spec, target, snapshot)
    known = [np.isin(frame[KEY].to_numpy()[side], labels.index.to_numpy()) for side in places]
    sides = [_scored(table, side[mask], labels, target) for side, mask in zip(places, known, strict=True)]
    return JoinedAnswers(sides[0], sides[1], target, len(of_candidate), int((~of_candidate[KEYED]).sum()))


def since_of(champion: ChampionChange, trial: LiveTrial) -> datetime:
    """Return when both began to answer."""
    return max(at for at in (champion.at, trial.at, datetime.min.replace(tzinfo=UTC)) if at is not None)


def described(table: pa.Table) -> pd.DataFrame:
    """Return what kept rows are found by, and whether they are `KEYED`; a row without a key has 0 for its hash."""
    # A hash beside a missing one would become a float and lose its digits.
    names = (kept_rows.REQUEST, kept_rows.PLACE, kept_rows.AT, kept_rows.SHADOW, CHAMPION)
    frame: pd.DataFrame = table.select(names).to_pandas()
    frame[KEY] = pc.fill_null(table[KEY], pa.scalar(0, pa.uint64())).to_numpy()
    frame[KEYED] = pc.is_valid(table[KEY]).to_numpy()
    return frame


def newest_by_key(rows: pd.DataFrame) -> pd.DataFrame:
    """Return of each key's rows the newest; those without a key are left out."""
    keyed = rows[rows[KEYED]].sort_values(kept_rows.AT, kind="stable")
    return keyed.drop_duplicates(KEY, keep="last").sort_index()


def known_labels(
    work: Workspace, spec: Spec, target: Target, snapshot: Snapshot, *, since: datetime | None = None
) -> pd.Series:
    """Return known labels by the hash of the row's key; a key of several rows has the newest day's.

    With `since` those of rows whose day ends later.
    """
    import pandas as pd

    days = [entry.day for entry in read_manifest(snapshot.manifest, work.store).partitions]
    days = [day for day in days if since is None or clock.cutoff_of(day) > since]
    table = read_rows(snapshot.manifest, work.store, [*spec.target.made_of.names, KEY], days=days)
    truth = target.truth(target.made_of.of(table))
    labels = pd.Series(truth.y[truth.known], index=table[KEY].to_numpy()[truth.known])
    return labels[~labels.index.duplicated(keep="last")]


def _scored(table: pa.Table, places: np.ndarray, labels: pd.Series, target: Target) -> LabelledAnswers:
    rows = table.take(pa.array(places, pa.int64()))
    keys = rows[KEY].to_numpy()
    days = rows[kept_rows.AT].cast(pa.date32()).to_numpy()
    return LabelledAnswers(labels.loc[keys].to_numpy(), target.unfiled(rows[SCORE]), days)
