"""Batch scoring: what the champion says about the rows of each day, as files that never change, and an index by day.

A prediction file names the model and its data cutoff in every row, so that nobody has to ask later whose score it was.
It holds the scores of the rows as they were; when late rows make a new version of a day, the day is scored anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys import clock
from mlsys.errors import IntegrityError, RunError, UsageError
from mlsys.events import get_logger
from mlsys.records import Snapshot
from mlsys.records.monitoring import DayPredictions, PredictionFile, ScoreReport
from mlsys.store import canonical_json, write_atomically
from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from mlsys.evaluation.champion import ChampionModel
    from mlsys.ledger import ChampionChange
    from mlsys.snapshot.manifest import ManifestEntry
    from mlsys.spec import Spec
    from mlsys.targets.base import Target
    from mlsys.workspace import Workspace

log = get_logger(__name__)

_DAYS_AT_ONCE = 30
_LISTED = 60


def score(
    work: Workspace, pipeline: str, *, day: str | date | None = None, days: Collection[date] | None = None
) -> ScoreReport:
    """Let the champion score days that it has not scored as they are now; a second call finds nothing to do.

    Args:
        work: the installation.
        pipeline: name of the spec.
        day: last day of data to look at; default the newest complete one.
        days: those to score; default all from the champion's cutoff on, and those of the lookback window, whose rows
            may have changed. Older days were scored by the champion of their time.

    Raises:
        UsageError: no such pipeline, or `days` names one without rows.
        DataError, TransientError: the source is refused, locked or unreachable.
        RunError: the champion can't be loaded, is not what was promoted under the packages that are installed, can't
            read the schema, or gives no probabilities.
    """
    from mlsys.snapshot import snapshot
    from mlsys.spec import resolve

    spec = resolve(work.settings.spec_path(pipeline)).spec
    champion = work.ledger.champion(pipeline)
    if champion is None:
        sentence = f"{pipeline} has no champion yet: there is nothing to score with."
        return ScoreReport(pipeline=pipeline, reason="no_champion", sentence=sentence)
    asked = snapshot.newest_complete_day(spec, work.store) if day is None else clock.parse_day(day)
    taken = snapshot.take(spec, clock.cutoff_of(asked), catalog=work.ledger, store=work.store)
    if taken is None:
        sentence = f"The source has no rows of {asked}."
        return ScoreReport(pipeline=pipeline, day=asked, reason="no_data_for_day", sentence=sentence)
    entries = _wanted(work, spec, champion, taken.snapshot, days)
    task = _task(work, spec, champion, taken.snapshot) if entries else None
    scored: dict[date, PredictionFile] = {}
    for start in range(0, len(entries), _DAYS_AT_ONCE):
        assert task is not None
        found = task.score(entries[start : start + _DAYS_AT_ONCE])
        _list(work, pipeline, found)
        scored.update(found)
    return _report(champion, taken.snapshot, asked, scored)


def score_as(
    work: Workspace, spec: Spec, change: ChampionChange, snapshot: Snapshot, days: Collection[date]
) -> dict[date, PredictionFile]:
    """Return what a champion, present or past, says of days as their rows are now; it scores those that it has not.

    Who scored a day last by `score` stays its `latest`.

    Raises:
        RunError: it can't be loaded, is not what was promoted, or can't read the schema.
        IntegrityError: a stored file is missing or damaged.
    """
    from mlsys.snapshot.manifest import read_manifest

    found: dict[date, PredictionFile] = {}
    missing = []
    for entry in read_manifest(snapshot.manifest, work.store).of(days):
        known = predictions_of(work.home, spec.pipeline, entry.day)
        file = known.champions.get(change.candidate_id) if known else None
        if file is not None and file.partition == entry.fingerprint:
            found[entry.day] = file
        else:
            missing.append(entry)
    task = _task(work, spec, change, snapshot) if missing else None
    for start in range(0, len(missing), _DAYS_AT_ONCE):
        assert task is not None
        scored = task.score(missing[start : start + _DAYS_AT_ONCE])
        _list(work, spec.pipeline, scored, again=True)
        found.update(scored)
    return found


def predictions_of(home: Path, pipeline: str, day: date) -> DayPredictions | None:
    """Return what is known of a day's scores, or None; reads one small file."""
    path = _index_path(home, pipeline, day)
    return DayPredictions.load_json(path.read_bytes()) if path.exists() else None


def read_predictions(file: PredictionFile, work: Workspace, columns: Sequence[str]) -> pa.Table:
    """Return columns of a prediction file, its rows in the order of the partition's.

    Raises:
        IntegrityError: the file is missing, damaged or too short.
    """
    from mlsys.snapshot.segments import read_slices

    return read_slices(file.predictions, [(0, file.n_rows)], work.store, columns)[0]


def _index_path(home: Path, pipeline: str, day: date) -> Path:
    return home / "predictions" / pipeline / f"{day}.json"


def _wanted(
    work: Workspace, spec: Spec, champion: ChampionChange, snapshot: Snapshot, days: Collection[date] | None
) -> list[ManifestEntry]:
    """Return the manifest's entries of the days to score."""
    from mlsys.snapshot.manifest import read_manifest

    entries = {entry.day: entry for entry in read_manifest(snapshot.manifest, work.store).partitions}
    if days is None:
        recent = (snapshot.cutoff - spec.ingest.lookback).date()
        days = [day for day in entries if day >= min(recent, champion.cutoff.date())]
    for day in sorted(days):
        if day not in entries:
            raise UsageError(f"There are no rows of {day}", where="days", got=str(day), remedy="Ask for other days")
    return [
        entries[day]
        for day in sorted(days)
        if not _stands(predictions_of(work.home, spec.pipeline, day), champion, entries[day])
    ]


def _stands(known: DayPredictions | None, champion: ChampionChange, entry: ManifestEntry) -> bool:
    """Whether the champion has scored exactly these rows, and nobody else after it."""
    if known is None or known.latest != champion.candidate_id:
        return False
    return known.champions[known.latest].partition == entry.fingerprint


@dataclass(frozen=True)
class _Task:
    """A loaded champion and the rows it may score."""

    work: Workspace
    spec: Spec
    change: ChampionChange
    champion: ChampionModel
    model: Any
    snapshot: Snapshot

    def score(self, entries: Sequence[ManifestEntry]) -> dict[date, PredictionFile]:
        """Score days at once and store one file for each."""
        # One thread makes sums independent of the machine.
        from threadpoolctl import threadpool_limits

        from mlsys.dataset import dataset
        from mlsys.snapshot.rows import read_rows

        days = [entry.day for entry in entries]
        names = dict.fromkeys([*self._carried(), *self.champion.columns])
        table = read_rows(self.snapshot.manifest, self.work.store, list(names), days=days)
        with threadpool_limits(limits=1):
            answers = self._target.answers(self.model, dataset.feature_frame(table, self.champion.columns))
        found, start = {}, 0
        for day, entry in zip(days, entries, strict=True):
            rows = table.select(self._carried()).slice(start, entry.n_rows)
            found[day] = self._stored(day, entry, rows, answers[start : start + entry.n_rows])
            start += entry.n_rows
        return found

    @property
    def _target(self) -> Target:
        return self.spec.target.about(self.champion.candidate.classes)  # type: ignore[no-any-return]

    def _carried(self) -> list[str]:
        from mlsys.schema import EVENT_TIME, KEY

        return [*self.spec.key, KEY, *([EVENT_TIME] if self.spec.source.timed else [])]

    def _stored(self, day: date, entry: ManifestEntry, rows: pa.Table, answers: np.ndarray) -> PredictionFile:
        import pyarrow as pa

        from mlsys.schema import CHAMPION, CUTOFF
        from mlsys.snapshot.segments import write_segment

        cutoff = pa.scalar(self.change.cutoff, pa.timestamp("us", tz="UTC"))
        for name, values in (
            *self._target.filed(answers).items(),
            (CHAMPION, pa.repeat(pa.scalar(self.change.candidate_id), rows.num_rows)),
            (CUTOFF, pa.repeat(cutoff, rows.num_rows)),
        ):
            rows = rows.append_column(name, values)
        return PredictionFile(
            champion=self.change.candidate_id,
            version=self.change.version,
            cutoff=self.change.cutoff,
            unseen=clock.cutoff_of(day) > self.change.cutoff,
            partition=entry.fingerprint,
            predictions=write_segment([rows], self.work.store),
            n_rows=rows.num_rows,
        )


def _task(work: Workspace, spec: Spec, change: ChampionChange, snapshot: Snapshot) -> _Task:
    from mlsys.evaluation.champion import model_of, obstacle_of, unlike
    from mlsys.training import model_file

    champion, other = model_of(work, change), unlike(work, change)
    if other is not None:
        raise RunError(f"The champion {change.version} is not what was promoted, and scores nothing: {other}")
    obstacle = obstacle_of(spec, champion)
    if obstacle is not None:
        raise RunError(
            f"The champion {change.candidate_id} can't score rows of this schema: {obstacle}",
            where=spec.pipeline,
            remedy=f"Retrain: mlsys run {spec.pipeline}",
        )
    if champion.candidate.model is None:
        raise IntegrityError("The ledger names no model file of the champion", got=change.candidate_id)
    return _Task(work, spec, change, champion, model_file.load(champion.candidate.model, work.store), snapshot)


def _list(work: Workspace, pipeline: str, found: Mapping[date, PredictionFile], *, again: bool = False) -> None:
    """Enter new files into the index; what other champions said of the same days stays, `again` as the latest, too."""
    with work.ledger.projecting(pipeline):
        for day, file in found.items():
            before = predictions_of(work.home, pipeline, day)
            champions = {**(before.champions if before else {}), file.champion: file}
            latest = before.latest if before and again else file.champion
            entry = DayPredictions(pipeline=pipeline, day=day, latest=latest, champions=champions)
            write_atomically(_index_path(work.home, pipeline, day), canonical_json(entry.model_dump(mode="json")))


def _report(
    champion: ChampionChange, snapshot: Snapshot, asked: date, scored: Mapping[date, PredictionFile]
) -> ScoreReport:
    n_rows = sum(file.n_rows for file in scored.values())
    listed = sorted(scored)[-_LISTED:]
    who = f"{champion.candidate_id} (version {champion.version})"
    what = (
        f"scored {counted(n_rows, 'row')} of {counted(len(scored), 'day')}"
        if scored
        else "has scored all these days before"
    )
    log.info("scored", pipeline=champion.pipeline, champion=who, days=len(scored), rows=n_rows)
    return ScoreReport(
        pipeline=champion.pipeline,
        day=asked,
        champion=champion.candidate_id,
        version=champion.version,
        n_days=len(scored),
        n_rows=n_rows,
        n_unseen_rows=sum(file.n_rows for file in scored.values() if file.unseen),
        days=tuple(listed),
        digests=tuple(scored[day].predictions for day in listed),
        snapshot=snapshot,
        sentence=f"{who} {what}.",
    )
