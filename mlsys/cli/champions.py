"""`mlsys history`, `champion`, `report`, `promote` and `rollback`: who serves, since when, why, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mlsys.cli.terminal import say, show_table
from mlsys.errors import UsageError

if TYPE_CHECKING:
    from mlsys.ledger import ChampionChange


@click.command()
@click.argument("name")
@click.option("--last", default=20, show_default=True, help="How many requests, and how many champions, to show.")
def history(name: str, last: int) -> None:
    """Show the requests, decisions and champions of NAME, newest last."""
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        requests = work.ledger.requests(name, last=last)
        asked = {request.run_id for request in requests if request.run_id}
        rows = work.ledger.runs(name, of=asked)
        decided = {decision.run_id: decision for decision in work.ledger.decisions(name, of=asked)}
        changes = work.ledger.champion_changes(name, last=last)
    status = {row.run_id: row for row in rows}
    table = []
    for request in requests:
        run = status.get(request.run_id or "")
        decision = decided.get(request.run_id or "") if request.status == "accepted" else None
        state = {"skipped": request.reason, "failed": "failed"}.get(request.status, run.status if run else "?")
        if run and run.plan and run.plan.approval and decision and decision.outcome == "promote":
            state = "waits for a person"
        said = decision.sentence if decision else (run.sentence if run and run.status == "failed" else request.sentence)
        table.append(
            (_minute(request.at), request.day, state, decision.outcome if decision else "", said, request.run_id)
        )
    show_table(("requested", "day", "status", "decision", "why", "run"), table)
    say()
    show_table(("since", "version", "champion", "how", "who", "why"), [_change(change) for change in changes])


@click.command()
@click.argument("name")
@click.option("--at", "instant", metavar="TIME", help="Who served then: an ISO 8601 time, UTC unless it has an offset.")
def champion(name: str, instant: str | None) -> None:
    """Show the champion of NAME: version, data, decision and files."""
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        change = work.ledger.champion_at(name, _instant(instant)) if instant else work.ledger.champion(name)
        if change is None:
            say(f"{name} has no champion" + (f" at {instant}" if instant else " yet") + ".")
            return
        candidate = work.ledger.candidate(change.candidate_id)
        link = work.home / "registry" / name / "best_model.joblib"
    say(f"{name} {change.version}: {change.candidate_id}")
    show_table(
        ("", ""),
        [
            ("data up to", f"{change.last_day}, the last day that it knows"),
            ("serves since", _minute(change.at)),
            ("by", f"{change.kind}, {change.who}"),
            ("because", change.reason),
            ("run", change.run_id),
            ("model file", candidate.model if candidate else None),
            ("link", link if not instant else None),
        ],
    )


@click.command()
@click.argument("run_id", metavar="RUN")
def report(run_id: str) -> None:
    """Print where the report card of RUN (or of a request that became none) lies, writing it again if it is gone."""
    from mlsys.report.run_records import card_path
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        say(str(card_path(work, run_id)))


@click.command()
@click.argument("name")
@click.argument("run_id", metavar="RUN")
@click.option("--candidate", help="Which candidate of the run (default: the best one).")
@click.option("--reason", required=True, help="Why; kept in the ledger for ever.")
def promote(name: str, run_id: str, candidate: str | None, reason: str) -> None:
    """Make a candidate of RUN the champion of NAME because you say so."""
    from mlsys.promotion.by_hand import promote_by_hand
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        _show_change(promote_by_hand(work, name, run_id, candidate=candidate, reason=reason))


@click.command()
@click.argument("name")
@click.option("--to", "version", metavar="VERSION", help="An earlier version (default: the one that served before).")
@click.option("--reason", required=True, help="Why; kept in the ledger for ever.")
def rollback(name: str, version: str | None, reason: str) -> None:
    """Let a model that served before serve again."""
    from mlsys.promotion.by_hand import roll_back
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        _show_change(roll_back(work, name, version=version, reason=reason))


def _show_change(change: ChampionChange) -> None:
    say(f"{change.pipeline}: {change.candidate_id} serves as version {change.version} ({change.kind}).")
    if change.previous:
        say(f"Before: {change.previous}. To undo: mlsys rollback {change.pipeline} --reason '...'")


def _change(change: ChampionChange) -> tuple[object, ...]:
    return (_minute(change.at), change.version, change.candidate_id, change.kind, change.who, change.reason)


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("A time is written in ISO 8601", where="--at", got=text, remedy="2026-03-09T14:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
