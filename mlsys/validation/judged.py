"""What the rules about one table say of a snapshot, each as a result and whether it stops the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlsys.checks.base import Check, PartitionSummary, Summaries
from mlsys.records import CheckResult, State
from mlsys.snapshot.manifest import ManifestEntry
from mlsys.snapshot.tolerance import BadShare, DayCount, worst_share
from mlsys.validation.partition_checks import Examination
from mlsys.wording import counted

ALL_ROWS = "rows"  # what a share of all rows is a share of


@dataclass(frozen=True)
class JudgedRule:
    """A result and whether it stops the run by itself."""

    result: CheckResult
    stops: bool


def worst_bad_share(partitions: Sequence[ManifestEntry], quarantine: Sequence[list[int]]) -> BadShare:
    """Return the larger of the bad shares: of the newest day, of all rows.

    What happens to be new is no measure: asking again about data that was refused must not let it through, and a
    backfill must judge a day alike in any order.
    """
    days = [
        DayCount(partition.n_rows, partition.n_rejected, len(offsets))
        for partition, offsets in zip(partitions, quarantine, strict=True)
    ]
    return worst_share(days, newest="rows of the newest day", together=ALL_ROWS)


def over_rows(rule: Check, i: int, found: Examination, partitions: Sequence[ManifestEntry]) -> JudgedRule:
    """Return what the rule in place `i` of an examination found in all partitions."""
    findings = [partition.rules[i] for partition in found.partitions]
    n_rows = sum(partition.n_rows for partition in partitions)
    states = {finding.state for finding in findings}
    state: State = next((s for s in ("error", "fail") if s in states), "pass")
    n_failed = sum(len(finding.failed) for finding in findings)
    message = next((f.message for f in reversed(findings) if f.state == state and f.message), "")
    if state == "error":
        sentence = f"the rule could not be applied: {message}"
    elif not rule.rowwise:
        sentence = message or ("it holds" if state == "pass" else "it does not hold")
    else:
        last = len(findings[-1].failed) if findings else 0
        newest = f", {last:,} of them on {partitions[-1].day}" if n_failed else ""
        broken = f"{n_failed:,} of {counted(n_rows, 'row')} {'breaks' if n_failed == 1 else 'break'} it{newest}"
        sentence = broken if n_failed else "every row keeps it"
    examples = [example for finding in reversed(findings) for example in finding.examples]
    result = CheckResult(
        name=short(rule.title),
        kind=rule.kind,
        column=next(iter(rule.looks_at), None),
        severity=rule.severity,
        state=state,
        n_rows=n_rows,
        n_failed=n_failed if rule.rowwise and state != "error" else None,
        sentence=sentence,
        examples=tuple(examples[:3]),
    )
    stops = rule.severity == "critical" and (state == "error" or (state == "fail" and not rule.rowwise))
    return JudgedRule(result, stops)


def over_summaries(rules: Sequence[Check], summaries: Summaries) -> list[JudgedRule]:
    """Return what rules of scope `snapshot` say; those of another scope are passed over."""
    return [_over_summaries(rule, summaries) for rule in rules if rule.scope == "snapshot"]


def _over_summaries(rule: Check, summaries: Summaries) -> JudgedRule:
    finding = rule.judge(summaries)
    result = CheckResult(
        name=short(rule.title),
        kind=rule.kind,
        severity=rule.severity,
        state=finding.state,
        n_rows=sum(partition.n_rows for partition in summaries.partitions),
        sentence=finding.sentence,
    )
    return JudgedRule(result, rule.severity == "critical" and finding.state in ("fail", "error"))


def within_tolerance(share: BadShare, tolerated: float) -> JudgedRule:
    """Return whether a share of bad rows is one that does not stop the run."""
    failed = share.value > tolerated
    result = CheckResult(
        name=f"at most {tolerated:.2%} of the rows are bad",
        kind="tolerated_share",
        severity="critical",
        state="fail" if failed else "pass",
        n_rows=share.n_rows,
        n_failed=share.n_bad,
        sentence=f"{share.text} are bad, {tolerated:.2%} {'is' if failed else 'would be'} tolerated",
    )
    return JudgedRule(result, failed)


def unread(partitions: Sequence[ManifestEntry]) -> list[JudgedRule]:
    """Return that rows of the source could not be read; nothing where all could."""
    n_rejected = sum(partition.n_rejected for partition in partitions)
    if not n_rejected:
        return []
    n_rows = n_rejected + sum(partition.n_rows for partition in partitions)
    result = CheckResult(
        name="every row of the source can be read",
        kind="readable",
        severity="warning",
        state="fail",
        n_rows=n_rows,
        n_failed=n_rejected,
        sentence=f"{n_rejected:,} of {counted(n_rows, 'row')} could not be read; "
        + ("it counts as a bad row" if n_rejected == 1 else "they count as bad rows"),
    )
    return [JudgedRule(result, stops=False)]


def summaries_of(partitions: Sequence[ManifestEntry], cutoff: datetime, *, n_duplicate_keys: int = 0) -> Summaries:
    """Return what rules of scope `snapshot` look at."""

    def summary(partition: ManifestEntry) -> PartitionSummary:
        return PartitionSummary(
            day=partition.day,
            n_rows=partition.n_rows,
            n_labelled=partition.n_labelled,
            n_duplicate_keys=partition.n_duplicate_keys,
            newest_event=partition.newest_event,
        )

    return Summaries(tuple(map(summary, partitions)), cutoff, n_duplicate_keys)


def short(title: str) -> str:
    """Return a title of at most 120 characters."""
    return title if len(title) <= 120 else title[:117] + "..."
