"""Report cards of runs that are over: where they lie, and how to write one again from the ledger."""

from __future__ import annotations

from pathlib import Path

from mlsys import keys, report
from mlsys.errors import UsageError, near_match
from mlsys.ledger import RunRow
from mlsys.records import CheckReport, ModelVersion, RunReport, Split
from mlsys.workspace import Workspace


def card_path(work: Workspace, run_id: str) -> Path:
    """Return the path of a run's card, written again from ledger and store.

    Raises:
        UsageError: no such run.
    """
    return work.home / write_card(work, run_id).path


def write_card(work: Workspace, run_id: str) -> RunReport:
    """Write the card of a run as far as it came: decided, skipped on the way, or failed.

    Raises:
        UsageError: no such run.
    """
    rows = work.ledger.run(run_id)
    begun = next((row for row in rows if row.plan is not None), None)
    if begun is None:
        known = [row.run_id for name in work.ledger.pipelines() for row in work.ledger.runs(name)]
        raise UsageError(f"There is no such run. {near_match(run_id, set(known))}", got=run_id)
    return report.write(_card(work, rows, begun), store=work.store, home=work.home)


def _card(work: Workspace, rows: list[RunRow], begun: RunRow) -> report.Card:
    assert begun.plan is not None  # noqa: S101 - the caller chose a row with a plan
    assert begun.snapshot is not None
    parts = {name: digest for row in rows for name, digest in row.parts.items()}
    decisions = work.ledger.decisions(begun.plan.pipeline, run_id=begun.run_id)
    found = work.ledger.decision(decisions[-1].decision_key) if decisions else None
    load = work.store.read_json
    return report.Card(
        plan=begun.plan,
        snapshot=begun.snapshot,
        checks=CheckReport.load(load(parts["checks"])) if "checks" in parts else None,
        split=Split.load(load(parts["split"])) if "split" in parts else None,
        candidates=work.ledger.candidates(begun.run_id),
        evaluations=found[0] if found else None,
        decision=found[1] if found else None,
        version=ModelVersion.load(load(parts["version"])) if "version" in parts else None,
        spec=work.dumped_spec(begun.plan),
        environment={"versions": keys.versions(), "code": keys.code_fingerprint()},
        failure=next((row.sentence for row in reversed(rows) if row.status == "failed"), None)
        if rows[-1].status == "failed"
        else None,
    )
