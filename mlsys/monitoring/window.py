"""The rows that monitors look at: those a champion has not seen, its scores of them, and the labels known by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import numpy as np
import pandas as pd

from mlsys import clock
from mlsys.dataset import dataset
from mlsys.errors import IntegrityError
from mlsys.evaluation.champion import ChampionModel, model_of
from mlsys.evaluation.comparison import ComparisonRules, Contender, assess
from mlsys.ledger import ChampionChange
from mlsys.metrics import METRICS
from mlsys.metrics.predictions import Predictions
from mlsys.monitoring.leaning import changes
from mlsys.monitoring.reference import Reference, as_text, evaluation_of, reference_of
from mlsys.monitoring.scoring import predictions_of, read_predictions
from mlsys.monitors.base import Past, Window, WindowAnswers
from mlsys.monitors.holdout import Holdout
from mlsys.records import Candidate, MetricValue, Snapshot
from mlsys.records.monitoring import PredictionFile
from mlsys.schema import DAY, KEY, SCORE
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.spec.blocks import MetricChoice
from mlsys.targets.base import Target
from mlsys.training import model_file
from mlsys.workspace import Workspace


def window_of(
    work: Workspace,
    spec: Spec,
    change: ChampionChange,
    snapshot: Snapshot,
    *,
    length: timedelta,
    reach: timedelta = timedelta(0),
    slices: Sequence[str] = (),
) -> Window:
    """Return the last days of a snapshot as the champion sees them; all of them have its scores already.

    Answers and labels are those of `reach`, where that is longer than `length`, which the features are of.

    `slices` names columns whose values may be slices; they go with the answers and with the holdout.

    Days before the champion's cutoff are left out, and so are rows whose key it was fitted or judged on. Labels that
    arrived after the snapshot's cutoff, or are younger than the spec's `label.delay`, count as not known.

    Raises:
        IntegrityError: a stored file is missing or damaged, or a day has other rows than those scored.
    """
    reference = reference_of(work, change, slices=slices)
    made_by = work.spec_of(work.ledger.plan(change.run_id))
    champion = model_of(work, change)
    primary, last_day = spec.metrics.primary, clock.last_day_before(snapshot.cutoff)
    seen = Window(
        last_day=last_day,
        reference=reference.rows,
        holdout_scores=reference.holdout_scores,
        rows=reference.rows.iloc[:0],
        day=np.empty(0, "datetime64[D]"),
        y_score=reference.holdout_scores[:0],
        y_true=np.empty(0),
        target=spec.target,
        evaluation=evaluation_of(work, change),
        primary=primary,
        directions={name: METRICS.find(name).direction for name in {*spec.task_metrics, primary}},
        threshold=champion.threshold,
        texts=made_by.features.texts,
        measure=partial(measured, choice=spec.metrics, seed=spec.training.seed),
        leaning=partial(_leaning, work, champion.candidate, spec.target),
    )
    files = _files(work, spec, change, snapshot, first=last_day - max(length, reach) + timedelta(days=1))
    if not files:
        return seen
    return _filled(work, spec, change, snapshot, files=files, reference=reference, empty=seen, length=length)


def measured(metric: str, rows: Predictions, *, choice: MetricChoice, seed: int) -> MetricValue:
    """Return a metric on `(n_rows,)` rows with its 95 % interval; the order of rows plays no part."""
    # Draws go by position: rows alike in label and score are interchangeable, so this order is as good as any.
    entry = Contender("", "", "champion", holdout=rows.in_order())
    chosen = choice.metric(metric)
    rules = ComparisonRules(primary=metric, n_replicates=choice.replicates, seed=seed)
    found = assess([entry], None, metrics=[chosen], rules=rules)
    return found.evaluations[0].holdout[0]


def _leaning(
    work: Workspace, candidate: Candidate, target: Target, rows: pd.DataFrame, others: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Return what the answers of a candidate owe to each column; its model is loaded when it is asked."""
    model = model_file.load(str(candidate.model), work.store)
    return changes(rows, others, model=model, target=target.about(candidate.classes))


def weighted(metric: str, rows: Predictions, weights: np.ndarray, *, choice: MetricChoice) -> np.ndarray:
    """Return a metric's `(n_replicates,)` values under `(n_replicates, n_rows)` weightings, NaN where undefined."""
    found: np.ndarray = choice.metric(metric).replicates(rows.resampled(weights))
    return found


def _files(
    work: Workspace, spec: Spec, change: ChampionChange, snapshot: Snapshot, *, first: date
) -> dict[date, PredictionFile]:
    """Return the champion's prediction files of the days since `first` that lie at or after its cutoff."""
    found = {}
    for entry in read_manifest(snapshot.manifest, work.store).partitions:
        day = entry.day
        if day < first or clock.cutoff_of(day) <= change.cutoff:
            continue
        known = predictions_of(work.home, spec.pipeline, day)
        file = known.champions.get(change.candidate_id) if known else None
        if file is None or file.partition != entry.fingerprint:
            raise IntegrityError(
                f"{change.candidate_id} has not scored the rows of {day} as they are now",
                where=spec.pipeline,
                remedy="Score them, then look again",
            )
        found[day] = file
    return found


def _filled(
    work: Workspace,
    spec: Spec,
    change: ChampionChange,
    snapshot: Snapshot,
    *,
    files: Mapping[date, PredictionFile],
    reference: Reference,
    empty: Window,
    length: timedelta,
) -> Window:
    champion = model_of(work, change)
    classes = champion.candidate.classes
    sliced = as_text(reference.sliced.columns)
    names = list(dict.fromkeys([*spec.target.made_of.names, KEY, DAY, *sliced]))
    table = read_rows(snapshot.manifest, work.store, names, days=files)
    scores = [read_predictions(file, work, [KEY, SCORE]) for file in files.values()]
    key = table[KEY].to_numpy()
    if not np.array_equal(key, np.concatenate([part[KEY].to_numpy() for part in scores])):
        raise IntegrityError("Prediction files do not fit the rows they were made for", where=spec.pipeline)
    day = table[DAY].to_numpy().astype("datetime64[D]")
    final = day <= np.datetime64(clock.last_day_before(snapshot.cutoff - spec.label.delay), "D")
    unseen = ~np.isin(key, reference.keys)
    labels = spec.target.made_of.of(table)
    truth = spec.target.truth(labels)
    # A class that the champion does not know is a label all the same, where there may be several.
    target = spec.target.about([*classes, *truth.counts(final & unseen)])
    known = target.names or reference.classes
    answers = np.concatenate([spec.target.about(classes).unfiled(part[SCORE]) for part in scores])
    y_true = target.truth(labels).among(known, final)
    beside = dataset.feature_frame(table, sliced) if sliced else None
    answered = WindowAnswers(day, target.arranged(answers, classes), y_true, beside).where(unseen)
    inside = day > np.datetime64(empty.last_day - length, "D")
    newest = answered.newest(length, empty.last_day)
    days = [found for found in files if found > empty.last_day - length]
    features = _features(work, snapshot, champion, days) if days else empty.rows
    return replace(
        empty,
        rows=features[unseen[inside]].reset_index(drop=True),
        day=newest.day,
        y_score=newest.y_score,
        y_true=newest.y_true,
        answered=answered,
        holdout_scores=target.arranged(reference.holdout_scores, classes),
        target=target,
        holdout=_held(reference, target, classes, spec.metrics),
        unknown=tuple(name for name in target.names if name not in classes),
        past=past_of(reference, target, classes),
    )


def _held(reference: Reference, target: Target, classes: tuple[str, ...], choice: MetricChoice) -> Holdout:
    """Return the holdout about the classes of a target; rows of a class that it does not have are left out."""
    held, y = reference.held, reference.held_true
    if target.names:
        places = {name: place for place, name in enumerate(target.names)}
        y = np.array([places.get(name, -1) for name in reference.names] + [-1])[y]
    known = target.labelled(y)
    return Holdout(
        held[known].reset_index(drop=True),
        target.arranged(reference.holdout_scores, classes)[known],
        y[known],
        partial(weighted, choice=choice),
        reference.holdout_day[known],
        reference.sliced[known].reset_index(drop=True) if reference.sliced.columns.size else None,
    )


def _features(work: Workspace, snapshot: Snapshot, champion: ChampionModel, days: Sequence[date]) -> pd.DataFrame:
    """Return the champion's features of the rows of some days."""
    table = read_rows(snapshot.manifest, work.store, list(champion.columns), days=days)
    return dataset.feature_frame(table, champion.columns)


def past_of(reference: Reference, target: Target, classes: tuple[str, ...]) -> Past:
    """Return what is known of the champion's days, its labels and answers in the order of the window's classes."""
    labels = reference.y_true
    if target.names and reference.names:
        places = np.array([target.names.index(name) if name in target.names else -1 for name in reference.names])
        labels = np.where(labels >= 0, places[labels], -1)
    return Past(
        day=reference.day,
        y_score=target.arranged(reference.y_score, classes),
        y_true=labels,
        holdout_day=reference.holdout_day,
        leans=reference.leans,
    )
