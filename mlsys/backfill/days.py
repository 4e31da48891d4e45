"""What the ledger knows of simulated days: the runs of one spec, one per day, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from mlsys.errors import SpecError
from mlsys.ledger import RunRow
from mlsys.records import Candidate, CheckReport, Evaluation, EvaluationSet, Plan, Prepared, Snapshot, Split
from mlsys.spec import Spec, resolve
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np

_NO_DATA = "the source has no rows of it"
_NOT_KEPT = "its files were removed by housekeeping"


@dataclass(frozen=True)
class SimulatedDay:
    """A simulated run that came to its end.

    Attributes:
        best: the candidate chosen on validation rows.
        evaluation: its metrics on the day's own holdout, as recorded.
        environment: SHA-256 of the versions and code that it ran with.
    """

    prepared: Prepared
    best: Candidate
    evaluation: Evaluation
    environment: str

    @property
    def plan(self) -> Plan:
        """What the run was going to do."""
        return self.prepared.plan

    @property
    def day(self) -> date:
        """The last day of data that the run saw."""
        return self.plan.day

    @property
    def model(self) -> str:
        """SHA-256 of the best candidate's model file."""
        assert self.best.model is not None
        return self.best.model

    @property
    def threshold(self) -> float | None:
        """The model's own threshold, None for the spec's."""
        return self.best.threshold

    def adjusted(self, answers: np.ndarray) -> np.ndarray:
        """Return what the model says, of what its file says."""
        return answers


@dataclass(frozen=True)
class Simulation:
    """The simulated days of a range, all of one spec.

    Attributes:
        days: by day, at least one.
        missing: why the other days of the range have no model.
        notes: sentences on what was left out.
    """

    pipeline: str
    first: date
    last: date
    spec: Spec
    spec_fingerprint: str
    days: tuple[SimulatedDay, ...]
    missing: Mapping[date, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Run:
    """A run's plan and snapshot, and its newest transition."""

    plan: Plan
    snapshot: Snapshot
    environment: str
    end: RunRow


def collect(
    work: Workspace,
    pipeline: str,
    *,
    first: date | None = None,
    last: date | None = None,
    spec_fingerprint: str | None = None,
) -> Simulation | None:
    """Return the simulated days of a range (default: all), of the spec as it is now or else of the newest one.

    With `spec_fingerprint`, those of that spec alone.

    Of several runs about a day the one that ended last counts. None when no run of that spec came to its end.

    Raises:
        UsageError: no such pipeline.
    """
    work.settings.spec_path(pipeline)
    runs = [
        run
        for run in _runs(work, pipeline)
        if (first is None or run.plan.day >= first) and (last is None or run.plan.day <= last)
    ]
    chosen = spec_fingerprint or _chosen_spec(work, pipeline, runs)
    newest = {run.plan.day: run for run in runs if run.plan.spec_fingerprint == chosen}
    days = tuple(_simulated_days(work, newest))
    if not days:
        return None
    first, last = first or min(newest), last or max(newest)
    done = {simulated.day for simulated in days}
    why = {
        **dict.fromkeys(_empty_days(work, pipeline), _NO_DATA),
        **dict.fromkeys((run.plan.day for run in runs), "it was simulated with another spec"),
        **{day: _ending(work, run) for day, run in newest.items() if day not in done},
    }
    absent = [day for day in _every_day(first, last) if day not in done]
    missing = {day: why.get(day, "it was not simulated") for day in absent}
    return Simulation(
        pipeline=pipeline,
        first=first,
        last=last,
        spec=work.spec_of(days[-1].plan),
        spec_fingerprint=chosen,
        days=days,
        missing=missing,
        notes=(*_mixtures(runs, days, chosen), *_gaps(missing)),
    )


def spans(days: Iterable[date]) -> str:
    """Return days in words, neighbours as one span: `2026-03-01, 2026-03-05 to 2026-03-09`."""
    found: list[list[date]] = []
    for day in sorted(days):
        if found and day - found[-1][-1] == timedelta(days=1):
            found[-1][1:] = [day]
        else:
            found.append([day])
    return ", ".join(" to ".join(str(day) for day in span) for span in found)


def _runs(work: Workspace, pipeline: str) -> list[_Run]:
    """Return the simulated runs of a pipeline, in the order of their newest transitions."""
    begun: dict[str, RunRow] = {}
    ends: dict[str, RunRow] = {}
    for row in work.ledger.runs(pipeline):
        if row.plan is not None:
            begun.setdefault(row.run_id, row)
        ends.pop(row.run_id, None)
        ends[row.run_id] = row
    found = []
    for run_id, end in ends.items():
        start = begun.get(run_id)
        if start and start.plan and start.snapshot and start.plan.mode == "simulate":
            found.append(_Run(start.plan, start.snapshot, start.parts.get("environment", ""), end))
    return found


def _chosen_spec(work: Workspace, pipeline: str, runs: Sequence[_Run]) -> str:
    known = [run.plan.spec_fingerprint for run in runs]
    try:
        present = resolve(work.settings.spec_path(pipeline)).fingerprint
    except SpecError:
        present = ""  # a report about the past needs no valid file of today
    return present if present in known or not known else known[-1]


def _simulated_days(work: Workspace, newest: Mapping[date, _Run]) -> Iterator[SimulatedDay]:
    """Yield the finished runs that have a best candidate and all files, by day."""
    for _, run in sorted(newest.items()):
        judged = _judged(work, run) if run.end.status == "done" else None
        if judged is None or not _kept(work, run, *judged):
            continue
        evaluations, best = judged
        listed = work.store.read_json(evaluations.details)["evaluations"]
        yield SimulatedDay(
            prepared=Prepared(
                plan=run.plan,
                snapshot=run.snapshot,
                checks=CheckReport.load(work.store.read_json(run.end.parts["checks"])),
                split=Split.load(work.store.read_json(run.end.parts["split"])),
            ),
            best=best,
            evaluation=Evaluation.load(next(e for e in listed if e["model_id"] == best.candidate_id)),
            environment=run.environment,
        )


def _judged(work: Workspace, run: _Run) -> tuple[EvaluationSet, Candidate] | None:
    """Return a run's evaluations and its best candidate, or None when none could be scored."""
    decisions = work.ledger.decisions(run.plan.pipeline, of={run.plan.run_id})
    found = work.ledger.decision(decisions[-1].decision_key) if decisions else None
    best = work.ledger.candidate(found[0].best) if found and found[0].best else None
    return (found[0], best) if found and best else None


def _kept(work: Workspace, run: _Run, evaluations: EvaluationSet, best: Candidate) -> bool:
    """Whether housekeeping has left what the report needs; it does not touch it from now on."""
    small = [evaluations.details, run.end.parts["checks"], run.end.parts["split"]]
    if not all(work.store.renew(digest) for digest in [*small, run.snapshot.manifest, str(best.model)]):
        return False
    return work.store.renew(Split.load(work.store.read_json(run.end.parts["split"])).assignment)


def _ending(work: Workspace, run: _Run) -> str:
    """Return why a run left no model."""
    if run.end.status == "failed":
        return f"its run failed at `{run.end.step}`"
    if run.end.status != "done":
        return "its run was not finished"
    if _judged(work, run):
        return _NOT_KEPT
    decisions = work.ledger.decisions(run.plan.pipeline, of={run.plan.run_id})
    return f"no candidate was chosen ({decisions[-1].sentence})" if decisions else "nothing was decided"


def _empty_days(work: Workspace, pipeline: str) -> set[date]:
    return {
        date.fromisoformat(row.day)
        for row in work.ledger.requests(pipeline)
        if row.mode == "simulate" and row.reason == "no_data_for_day" and row.day
    }


def _every_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _mixtures(runs: Sequence[_Run], days: Sequence[SimulatedDay], chosen: str) -> Iterator[str]:
    if len({run.plan.spec_fingerprint for run in runs}) > 1:
        yield (
            f"The range was simulated with more than one spec. Only the days of spec {chosen[:10]} are shown; "
            "`mlsys backfill` simulates the others with the present one."
        )
    if len({simulated.environment for simulated in days}) > 1:
        yield "The days were not all simulated with the same version of mlsys and its libraries."


def _gaps(missing: Mapping[date, str]) -> Iterator[str]:
    by_reason: dict[str, list[date]] = {}
    for day, reason in missing.items():
        by_reason.setdefault(reason, []).append(day)
    for reason, days in by_reason.items():
        yield f"No model of {spans(days)}: {reason}."
