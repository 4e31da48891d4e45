"""Before a run: problems of a spec and its data, and the outlook of a run. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mlsys import clock
from mlsys.durations import in_words
from mlsys.errors import DataError, MlsysError, SpecError, near_match
from mlsys.planning import obstacles
from mlsys.planning.libraries import is_complete, missing_libraries, require_libraries
from mlsys.planning.trial import judge_newest
from mlsys.promotion.envelope import spec_outside
from mlsys.records import CheckResult
from mlsys.snapshot import snapshot
from mlsys.snapshot.joined import table_specs
from mlsys.snapshot.partitioning import layout_of
from mlsys.spec import Origin, ResolvedSpec, Spec, flatten, resolve
from mlsys.wording import counted
from mlsys.workspace import Workspace

_AS_OF = {"row": "row's time", "day": "row's day", "monday": "row's Monday"}


@dataclass(frozen=True)
class SpecValue:
    """A value of the spec by its key path, and where it comes from."""

    key: str
    value: Any
    origin: Origin


@dataclass(frozen=True)
class Outlook:
    """What a run would do: sentences for people, and every value of the spec."""

    sentences: tuple[str, ...]
    values: tuple[SpecValue, ...]


@dataclass(frozen=True)
class Problem:
    """Something wrong with a spec or its data.

    Attributes:
        exit_code: 0 for what would not stop a run.
        misspelt: a name that the spec has, and the one that the data have.
    """

    sentence: str
    exit_code: int
    misspelt: tuple[str, str] | None = None


def problems_of(work: Workspace, name: str, *, full: bool) -> list[Problem]:
    """Return what is wrong with a pipeline, its spec first; empty when a run would find nothing to say.

    `full` reads the whole source again and names the days that differ from what is stored.
    """
    found: list[Problem] = []
    try:
        resolved = resolve(work.settings.spec_path(name))
        spec = resolved.spec
        found += [_problem(error) for error in _promises(resolved)]
        found += [_problem(error) for error in missing_libraries(spec)]
        work.require_registries(spec)
        warnings = (
            obstacles.without_key(spec),
            *(obstacles.relative_source(each, work.home) for each in (spec, *table_specs(spec))),
            obstacles.of_champion(work, spec),
            spec_outside(work, spec),
        )
        found += [Problem(warning, 0) for warning in warnings if warning]
        if is_complete(spec.source):
            found += _data_problems(work, spec)
        if full:
            for each in (spec, *table_specs(spec)):
                changed = snapshot.problems(each, catalog=work.ledger, store=work.store)
                which = "" if each is spec else f"{each.pipeline}: "
                found += [Problem(f"{which}{text}.", DataError.exit_code) for text in changed]
    except MlsysError as error:
        found.append(_problem(error))
    return found


def _problem(error: MlsysError) -> Problem:
    name, meant = error.misspelt or ("", None)
    return Problem(str(error), error.exit_code, (name, meant) if meant else None)


def _data_problems(work: Workspace, spec: Spec) -> list[Problem]:
    trial = judge_newest(work, spec)
    if trial is None:
        return [Problem("The newest day has no rows: a run would be skipped.", 0)]
    refused = trial.checks.state in ("fail", "error")
    found = [
        Problem(_in_words(result), DataError.exit_code if refused and result.severity == "critical" else 0)
        for result in trial.checks.results
        if result.state != "pass"
    ]
    found += [_problem(trial.refusal)] if trial.refusal else []
    return found + [Problem(sentence, 0) for sentence in trial.identifiers]


def _in_words(result: CheckResult) -> str:
    examples = f" (for example {', '.join(result.examples)})" if result.examples else ""
    return f"check `{result.name}`: {result.sentence}{examples}."


def outlook(work: Workspace, name: str, *, day: str | None, overrides: tuple[str, ...]) -> Outlook:
    """Return what a run of this day would read, train and could promote.

    Raises:
        UsageError, SpecError, DataError: the run could not start.
    """
    resolved = resolve(work.settings.spec_path(name), overrides)
    spec = resolved.spec
    require_libraries(spec)
    work.require_registries(spec)
    chosen = clock.resolve_day(parameter=day, newest_complete=lambda: snapshot.newest_complete_day(spec, work.store))
    champion = work.ledger.champion(name)
    stored = work.ledger.partitions(name, layout_of(spec).fingerprint)
    known = [partition for partition in stored if partition.day <= chosen.day]
    if champion is None:
        against = "the absolute gates alone: there is no champion yet"
    elif champion.cutoff > chosen.cutoff:
        against = f"nobody: the champion knows newer data (up to {champion.last_day}), the run is for the record"
    else:
        against = f"{champion.candidate_id} (version {champion.version}, data up to {champion.last_day})"
    gates = spec.gates_in_force
    sentences = (
        f"{name}, day {chosen.day} ({chosen.source}): rows before {chosen.cutoff:%Y-%m-%d %H:%M} UTC.",
        _reads(spec, known, chosen.day, moved=work.ledger.newest_layout(name) is not None),
        *_joins(work, spec, chosen.day),
        *_moves(work, spec, chosen.cutoff),
        f"Trains: {', '.join(model.label for model in spec.models)}; best on validation by {spec.metrics.primary}.",
        f"Compares with {against}.",
        f"Promotes only if all {len(gates)} gates pass: {', '.join(gate.kind for gate in gates)}."
        if len(gates) > 1
        else f"Promotes only if its one gate passes: {gates[0].kind}.",
    )
    leaves = flatten(spec.dump())
    return Outlook(sentences, tuple(SpecValue(key, value, resolved.origins[key]) for key, value in leaves.items()))


def _reads(spec: Spec, known: list[Any], day: date, *, moved: bool) -> str:
    if not known and moved:
        return "Reads: everything before that anew, because `schema` or `source` have changed."
    if not known:
        return "Reads: everything before that, for the first time."
    rows = counted(sum(partition.n_rows for partition in known), "row")
    return (
        f"Reads: what is new or changed in the last {in_words(spec.ingest.lookback)}; "
        f"{rows} of {counted(len(known), 'day')} "
        f"(newest {known[-1].day}{'' if known[-1].day < day else ', this day among them'}) are stored."
    )


def _joins(work: Workspace, spec: Spec, day: date) -> Iterator[str]:
    for join, table in zip(spec.joins, table_specs(spec), strict=True):
        stored = work.ledger.partitions(table.pipeline, layout_of(table).fingerprint)
        known = [partition for partition in stored if partition.day <= day]
        rows = counted(sum(partition.n_rows for partition in known), "row")
        yield (
            f"Joins: {join.name} by {join.key}, {in_words(join.window)} back from each {_AS_OF[join.as_of]}, as "
            f"{', '.join(join.joined)}; "
            + (f"{rows} of {counted(len(known), 'day')} are stored." if known else "nothing of it is stored yet.")
        )


def _moves(work: Workspace, spec: Spec, cutoff: datetime) -> list[str]:
    found = []
    for each in (spec, *table_specs(spec)):
        gone = snapshot.moving(each, cutoff, catalog=work.ledger, store=work.store)
        what = f"{gone.text} that the source{'' if each is spec else f' of {each.pipeline}'} no longer has"
        if gone.problem:
            found.append(f"Would lose: {what}, and wants `--accept-loss`; {gone.problem}.")
        elif gone.partitions:
            found.append(f"Carries over: {what}; a column that is new is missing in them.")
    return found


def _promises(resolved: ResolvedSpec) -> list[MlsysError]:
    spec, place = resolved.spec, resolved.document.place
    found: list[MlsysError] = []
    if spec.source.timed and spec.ingest.lookback < spec.label.delay:
        found.append(
            SpecError(
                f"Labels may arrive {in_words(spec.label.delay)} late, "
                f"but only the last {in_words(spec.ingest.lookback)} are read again",
                where=place("ingest.lookback"),
                remedy="Make it at least `label.delay`",
            )
        )
    if spec.label.arrival and spec.label.arrival not in spec.columns:
        rule = f"No such column in `schema`. {near_match(spec.label.arrival, spec.columns)}"
        found.append(SpecError(rule, where=place("label.arrival")))
    if all(model.baseline for model in spec.models):
        found.append(SpecError("Only baselines: nothing could ever be promoted", where=place("models")))
    return found
