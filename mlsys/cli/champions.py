"""`mlsys history`, `champion`, `report`, `promote` and `rollback`: who serves, since when, why, and the way back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mlsys import clock
from mlsys.cli.facts import json_option, say_json
from mlsys.cli.instants import instant_ahead
from mlsys.cli.terminal import say, show_facts, show_table
from mlsys.errors import UsageError

if TYPE_CHECKING:
    from mlsys.ledger import ChampionChange, Hold
    from mlsys.records.monitoring import ConfirmedGain
    from mlsys.upkeep.requested import Requested


@click.command()
@click.argument("name")
@click.option(
    "--last",
    default=20,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="How many requests, and how many champions, to show.",
)
@json_option
def history(name: str, last: int, as_json: bool) -> None:
    """Show the requests, decisions, champions and holds of NAME, newest last."""
    from mlsys.monitoring.gains import gain_of
    from mlsys.upkeep.requested import requested
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        asked = requested(work, name, last=last)
        changes = work.ledger.champion_changes(name, last=last)
        holds = work.ledger.holds(name)[-last:]
        gains = {c.candidate_id: gain_of(work.home, name, c.candidate_id) for c in changes}
    if as_json:
        known = {candidate: gain for candidate, gain in gains.items() if gain}
        requests = [_request_facts(one) for one in asked]
        say_json({"requests": requests, "champions": changes, "holds": holds, "gains": known})
        return
    if asked:
        show_table(("requested", "day", "status", "decision", "why", "run"), map(_in_words, asked))
    else:
        say(f"No request yet: `mlsys run {name}` makes one, or the night under `mlsys up`.")
    say()
    if changes:
        show_table(
            ("since", "version", "champion", "how", "who", "why", "gain"),
            [(*_change(c), _gain(gains[c.candidate_id])) for c in changes],
        )
    else:
        say("No champion yet: the first candidate that passes all gates becomes it.")
    if holds:
        say()
        show_table(("at", "hold", "until", "who", "why"), map(_hold, holds))


def _in_words(asked: Requested) -> tuple[object, ...]:
    request, decision = asked.request, asked.decision
    outcome = decision.outcome if decision else ""
    return _minute(request.at), request.day, asked.state, outcome, asked.sentence, request.run_id


def _request_facts(asked: Requested) -> dict[str, Any]:
    return {**asked.request.dump(), "state": asked.state, "decision": asked.decision}


@click.command()
@click.argument("name")
@click.option("--at", "instant", metavar="TIME", help="Who served then: an ISO 8601 time, UTC unless it has an offset.")
@json_option
def champion(name: str, instant: str | None, as_json: bool) -> None:
    """Show the champion of NAME: version, data, decision and files."""
    from mlsys.monitoring.gains import gain_of
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        at = clock.parse_instant(instant, where="--at") if instant else None
        change = work.ledger.champion_at(name, at) if at else work.ledger.champion(name)
        candidate = work.ledger.candidate(change.candidate_id) if change else None
        link = None if instant else work.home / "registry" / name / "best_model.joblib"
        gain = gain_of(work.home, name, change.candidate_id) if change else None
    model = candidate.model if candidate else None
    if as_json:
        say_json(
            {**change.dump(), "last_day": change.last_day, "model": model, "link": link, "gain": gain}
            if change
            else None
        )
        return
    if change is None:
        say(f"{name} has no champion" + (f" at {instant}" if instant else " yet") + ".")
        return
    say(f"{name} {change.version}: {change.candidate_id}")
    show_facts(
        [
            ("data up to", f"{change.last_day}, the last day that it knows"),
            ("serves since", _minute(change.at)),
            ("by", f"{_how(change)}, {change.who}"),
            ("because", change.reason),
            ("gain", gain.sentence if gain else "not known yet: the monitors find it on the first days after"),
            ("run", change.run_id),
            ("model file", model),
            ("link", link),
        ],
    )


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
def report(run_id: str, as_json: bool) -> None:
    """Print where the report card of RUN (or of a request that became none) lies, writing it again if it is gone."""
    from mlsys.explanation.explanation import explain
    from mlsys.report.run_records import card_path
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        if work.ledger.run(run_id):
            explain(work, run_id)
        path = card_path(work, run_id)
    if as_json:
        say_json({"run_id": run_id, "path": path})
    else:
        say(str(path))


@click.command()
@click.argument("name")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--candidate", help="Which candidate of the run (default: the best one).")
@click.option("--version", metavar="VERSION", help="Instead of RUN: a version that served before.")
@click.option("--reason", required=True, help="Why; kept in the ledger for ever.")
@click.option("--expires", metavar="TIME", help="When what serves now shall serve again: ISO 8601 (UTC), or 36h, 3d.")
@json_option
def promote(
    name: str,
    run_id: str | None,
    candidate: str | None,
    version: str | None,
    reason: str,
    expires: str | None,
    as_json: bool,
) -> None:
    """Make a candidate of RUN the champion of NAME because you say so, whatever the gates said."""
    from mlsys.promotion.by_hand import promote_by_hand
    from mlsys.workspace import open_workspace

    if version and candidate:
        raise UsageError("A version has one candidate: leave it out", where="--candidate", got=candidate)
    end = instant_ahead(expires, where="--expires") if expires else None
    with open_workspace() as work:
        work.settings.spec_path(name)
        change = promote_by_hand(
            work, name, run_id, candidate=candidate, version=version, reason=reason, expires=end
        )  # fmt: skip
    _show_change(change, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--to", "version", metavar="VERSION", help="An earlier version (default: the newest before this one).")
@click.option("--reason", required=True, help="Why; kept in the ledger for ever.")
@json_option
def rollback(name: str, version: str | None, reason: str, as_json: bool) -> None:
    """Let a model that served before serve again.

    By default the newest one before the present champion that was not itself rolled back and whose file is whole.
    """
    from mlsys.promotion.by_hand import roll_back
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        before = work.ledger.champion(name)
        change = roll_back(work, name, version=version, reason=reason)
    _show_change(change, before, as_json=as_json)


def _show_change(change: ChampionChange, undone: ChampionChange | None = None, *, as_json: bool) -> None:
    """Print a change; `undone` is who was rolled back, whom only a name brings back."""
    if as_json:
        say_json(change)
        return
    say(f"{change.pipeline}: {change.candidate_id} serves as version {change.version} ({_how(change)}).")
    if change.previous:
        to = f" --to {undone.version}" if undone else ""
        say(f"Before: {change.previous}. To undo: mlsys rollback {change.pipeline}{to} --reason '...'")


def _change(change: ChampionChange) -> tuple[object, ...]:
    return (_minute(change.at), change.version, change.candidate_id, _how(change), change.who, change.reason)


def _how(change: ChampionChange) -> str:
    return change.kind + (f" until {_minute(change.expires)}" if change.expires else "")


def _hold(hold: Hold) -> tuple[object, ...]:
    return (_minute(hold.at), "held" if hold.held else "released", _minute(hold.until), hold.who, hold.reason)


def _gain(gain: ConfirmedGain | None) -> str:
    return gain.sentence if gain else ""


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""
