"""The step `validate`: the spec's checks over a snapshot, bad rows set aside, one verdict.

A critical rule about rows quarantines the rows that break it. The run stops when too large a share is bad
(`checks.tolerated_share`), when a critical rule about a whole table fails, or when a critical rule can't be
applied. A warning is reported and changes nothing. The verdict depends on the snapshot and the rules alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlsys.checks.base import Check
from mlsys.errors import DataError
from mlsys.events import get_logger
from mlsys.records import BadRows, CheckReport, CheckResult, Plan, Snapshot, State
from mlsys.snapshot.manifest import ManifestEntry, read_manifest
from mlsys.snapshot.tolerance import BadShare
from mlsys.spec import Spec
from mlsys.store import Store, canonical_json
from mlsys.validation.apart import Looking, here
from mlsys.validation.column_profiles import profiles
from mlsys.validation.joined_tables import over_joined
from mlsys.validation.judged import (
    ALL_ROWS,
    JudgedRule,
    over_rows,
    over_summaries,
    summaries_of,
    unread,
    within_tolerance,
    worst_bad_share,
)
from mlsys.validation.learnt import learnt
from mlsys.validation.oddities import oddities
from mlsys.validation.partition_checks import Examination, examine

logger = get_logger(__name__)

_MAX_RESULTS = 40
_MAX_RESULT_BYTES = 12 * 1024  # leaves room for the other fields of a record
_MAX_NAMED_ROWS = 1000


def validate(
    spec: Spec, snapshot: Snapshot, *, store: Store, home: Path, looking: Looking = here, paged: bool = True
) -> CheckReport:
    """Return what the checks of `spec` say about `snapshot`; rows of partitions seen before are not read again.

    The rules are asked by `looking`: in this process, or in a child. A page of Data Docs is written where it is to be
    `paged`.
    """
    manifest = read_manifest(snapshot.manifest, store)
    partitions = manifest.partitions
    rules = [rule for rule in spec.checks.rules if rule.scope == "partition"]
    found = examine(spec, rules, snapshot.manifest, store=store, home=home, looking=looking, paged=paged)
    quarantine, reasons = _quarantine(rules, found, partitions)
    share = worst_bad_share(partitions, quarantine)
    summaries = summaries_of(partitions, snapshot.cutoff, n_duplicate_keys=snapshot.n_duplicate_keys)
    past = _past(spec, snapshot, partitions, quarantine, store=store, home=home)
    judged = [
        *(over_rows(rule, i, found, partitions) for i, rule in enumerate(rules)),
        *over_summaries(spec.checks.rules, summaries),
        *past,
        within_tolerance(share, spec.checks.tolerated_share),
        *(JudgedRule(odd, stops=False) for odd in oddities(spec, snapshot.manifest, store=store, home=home)),
        *unread(partitions),
        *over_joined(spec, manifest, store=store, home=home),
    ]
    judged.sort(key=_rank)
    results = [item.result for item in judged]
    columns = profiles(spec, snapshot.manifest, store=store, home=home)
    details = {"results": [each.model_dump(mode="json") for each in results], "rows": reasons, "columns": columns}
    results += [_docs_missing(found)] if found.docs_problem else []
    n_rules = len(spec.checks.rules) + sum(len(join.rules) for join in spec.joins)
    report = CheckReport(
        state=_verdict(judged),
        results=_fitting(results),
        n_checks=n_rules,
        n_own=len(results) - n_rules,
        n_rows=snapshot.n_rows,
        n_partitions=snapshot.n_partitions,
        n_quarantined=sum(len(offsets) for offsets in quarantine),
        quarantined_share=share.value,
        bad=_bad_rows(share),
        tolerated_share=spec.checks.tolerated_share,
        quarantine=_stored_quarantine(partitions, quarantine, store),
        details=store.put_json(details),
        data_docs=found.docs,
    )
    _log(spec.pipeline, report, found)
    return report


def refusal(plan: Plan, checks: CheckReport) -> DataError | None:
    """Return the error that stops the run, with the rule that most rows break; None when the data may be used."""
    if checks.state not in ("fail", "error"):
        return None
    worst = next(result for result in checks.results if result.state in ("fail", "error"))
    rules = [r for r in checks.results if r is not worst and r.severity == "critical" and r.n_failed]
    broken = max(rules, key=lambda r: r.n_failed or 0, default=None)
    often = f"; most often by `{broken.name}`: {broken.sentence}" if broken else ""
    return DataError(
        f"The data of {plan.day} was refused: {worst.sentence}{often}",
        where=f"{plan.pipeline}, check `{worst.name}`",
        remedy=f"`mlsys report {plan.run_id}` shows all checks; mend the data, or the rule in the spec",
    )


def _log(pipeline: str, report: CheckReport, found: Examination) -> None:
    logger.info(
        "validated",
        pipeline=pipeline,
        state=report.state,
        checks=report.n_checks,
        quarantined=report.n_quarantined,
        partitions=report.n_partitions,
        new_partitions=found.n_partitions,
    )


def _quarantine(
    rules: Sequence[Check], found: Examination, partitions: Sequence[ManifestEntry]
) -> tuple[list[list[int]], list[dict[str, Any]]]:
    """Return per partition the offsets to set aside, and the reasons of the first 1,000 rows (newest first)."""
    strict = [(i, rule) for i, rule in enumerate(rules) if rule.rowwise and rule.severity == "critical"]
    quarantine = [
        sorted({offset for i, _ in strict for offset in findings.rules[i].failed}) for findings in found.partitions
    ]
    reasons: list[dict[str, Any]] = []
    newest_first = reversed(list(zip(partitions, found.partitions, quarantine, strict=True)))
    for partition, findings, offsets in newest_first:
        failed = [(rule.title, set(findings.rules[i].failed)) for i, rule in strict]
        reasons += [
            {
                "day": partition.day.isoformat(),
                "partition": partition.fingerprint,
                "offset": offset,
                "key": findings.keys.get(offset, ""),
                "reasons": [title for title, broken in failed if offset in broken],
            }
            for offset in offsets[: _MAX_NAMED_ROWS - len(reasons)]
        ]
    return quarantine, reasons


def _stored_quarantine(
    partitions: Sequence[ManifestEntry], quarantine: Sequence[list[int]], store: Store
) -> str | None:
    rows = {p.fingerprint: offsets for p, offsets in zip(partitions, quarantine, strict=True) if offsets}
    return store.put_json(rows) if rows else None


def _bad_rows(share: BadShare) -> BadRows:
    return BadRows(n_bad=share.n_bad, n_rows=share.n_rows, of="all" if share.of == ALL_ROWS else "newest day")


def _past(
    spec: Spec,
    snapshot: Snapshot,
    partitions: Sequence[ManifestEntry],
    quarantine: list[list[int]],
    *,
    store: Store,
    home: Path,
) -> list[JudgedRule]:
    """Return what the past says of the newest day; odd days before it are set aside whole, as no bad rows of a day."""
    found = learnt(spec, snapshot.manifest, store=store, home=home)
    for i in found.odd:
        quarantine[i] = list(range(partitions[i].n_rows))
    result = found.result
    if result is None:
        return []
    return [JudgedRule(result, result.severity == "critical" and result.state == "fail")]


def _docs_missing(found: Examination) -> CheckResult:
    return CheckResult(
        name="the Data Docs page is written",
        kind="data_docs",
        severity="warning",
        state="error",
        n_rows=found.n_rows,
        sentence=f"the page is missing, the results are not: {found.docs_problem}"[:300],
    )


def _rank(item: JudgedRule) -> tuple[bool, bool, int]:
    worst = ("error", "fail", "inconclusive", "pass").index(item.result.state)
    return (not item.stops, item.result.state == "pass" or item.result.severity != "critical", worst)


def _verdict(judged: Sequence[JudgedRule]) -> State:
    stopping = {item.result.state for item in judged if item.stops}
    if stopping:
        return "error" if "error" in stopping else "fail"
    open_question = any(i.result.state == "inconclusive" and i.result.severity == "critical" for i in judged)
    return "inconclusive" if open_question else "pass"


def _fitting(results: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Return as many of the worst results as a record may hold."""
    kept, size = [], 0
    for result in results[:_MAX_RESULTS]:
        size += len(canonical_json(result.model_dump(mode="json")))
        if size > _MAX_RESULT_BYTES:
            break
        kept.append(result)
    return tuple(kept)
